#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

pub mod energy;
pub mod profile;
pub mod scale;
pub mod status;
pub mod tariff;
pub mod units;
