#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

pub mod accuracy;
pub mod calendar;
pub mod calibrate;
pub mod clock;
pub mod demand;
pub mod energy;
pub mod event_log;
#[cfg(feature = "f64")]
pub mod float;
pub mod forecast;
pub mod journal;
pub mod power;
pub mod prepayment;
pub mod profile;
pub mod pulse;
pub mod quality;
pub mod rates;
pub mod sample;
pub mod scale;
pub mod status;
pub mod tamper;
pub mod tariff;
pub mod units;
