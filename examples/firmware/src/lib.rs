//! The meter application.
#![no_std]
