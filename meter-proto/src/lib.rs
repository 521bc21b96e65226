#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

pub mod mqtt;
pub mod outbox;
pub mod payload;
pub mod topic;
