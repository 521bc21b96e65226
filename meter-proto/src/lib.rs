#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "commands")]
#[cfg_attr(docsrs, doc(cfg(feature = "commands")))]
pub mod command;
#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub mod json;
pub mod mqtt;
#[cfg(feature = "notices")]
#[cfg_attr(docsrs, doc(cfg(feature = "notices")))]
pub mod notice;
mod number;
pub mod outbox;
pub mod payload;
#[cfg(feature = "signatures")]
mod sign1;
mod storage;
pub mod topic;
#[cfg(feature = "update")]
#[cfg_attr(docsrs, doc(cfg(feature = "update")))]
pub mod update;
