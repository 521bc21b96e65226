//! meterctl
fn main() {}
