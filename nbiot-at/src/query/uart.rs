//! The serial port of the module, AT reference section 3.5.

use super::{LOCAL, commands};

/// Rates that the module knows, bit/s.
const RATES: [u32; 8] = [
    9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600,
];

/// Sets the rate of the port in bit/s, `AT+IPR=`: 9600 to 921,600. `OK` comes at the old rate; the host
/// follows behind it. It holds until the next restart, unless `AT&W` stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

/// Sets who may hold whom back, `AT+IFC=`, with RTS and CTS. Both are off as the module comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowControl {
    /// `<rx>`: the module holds the host back.
    pub receive: bool,
    /// `<tx>`: the host holds the module back.
    pub transmit: bool,
}

commands! {
    Rate, LOCAL, |this, line| {
        line.text("AT+IPR=").number(this.0).require(RATES.contains(&this.0));
    };
    FlowControl, LOCAL, |this, line| {
        line.text("AT+IFC=").number(u32::from(this.receive) * 2);
        line.text(",").number(u32::from(this.transmit) * 2);
    };
}
