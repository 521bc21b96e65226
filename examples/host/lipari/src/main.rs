//! lipari
fn main() {}
