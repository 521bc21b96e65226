//! Rows as they are: `info`, `dump` and `set`.

use anyhow::{Context, Result, bail};
use serde_json::json;
use stpm3x::blocking::Registers;
use stpm3x::part::Model;
use stpm3x::reg::{Decoded, DfeCr1, DspCr1, MAP, ROWS, Register, Row, UsReg1, UsReg2, UsReg3};

use super::{Bus, Meter, Say, explain};
use crate::port::Desk;

/// Rows read in one block.
const BLOCK: usize = 16;

/// A number, decimal or with 0x.
pub(super) fn number(text: &str) -> Result<u32> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(&digits.replace('_', ""), 16),
        None => text.parse(),
    };
    value.with_context(|| format!("'{text}' is no number of 32 bits"))
}

pub(super) fn info<M: Model>(meter: &mut Meter<M>, say: Say) -> Result<()> {
    let first: DspCr1 = meter.read().map_err(explain)?;
    let front_end: DfeCr1 = meter.read().map_err(explain)?;
    let control: UsReg1 = meter.read().map_err(explain)?;
    let speed: UsReg2 = meter.read().map_err(explain)?;
    let link: UsReg3 = meter.read().map_err(explain)?;
    let fresh = first.into_bits() == DspCr1::RESET && front_end.into_bits() == DfeCr1::RESET;
    let state = if fresh {
        "fresh from a reset"
    } else {
        "configured"
    };
    let baud = 16_000_000u32.checked_div(speed.baud_divider().into());
    say.either(
        || {
            json!({
                "state": state, "primary_gain": 2 << front_end.gain(), "crc": control.crc(),
                "crc_polynomial": control.crc_polynomial(), "baud": baud,
                "uart_timeout_ms": control.timeout_ms(), "link_errors": link.has_errors(),
            })
        },
        || {
            println!("the chip answers");
            println!("state      {state}");
            println!("gain       x{}", 2 << front_end.gain());
            println!(
                "CRC        polynomial {:#04x}, timeout {} ms",
                control.crc_polynomial(),
                control.timeout_ms()
            );
            match baud {
                Some(baud) => println!("baud       {baud}"),
                None => println!("baud       none"),
            }
            let errors = if link.has_errors() {
                format!("{link:?}")
            } else {
                "no errors".to_string()
            };
            println!("link       {errors}");
        },
    );
    Ok(())
}

fn bus<M: Model>(meter: Meter<M>) -> Bus {
    meter.release().0
}

pub(super) fn dump<M: Model>(meter: Meter<M>, say: Say) -> Result<()> {
    let mut bus = bus(meter);
    let numbers: Vec<u8> = (0..ROWS).collect();
    for block in numbers.chunks(BLOCK) {
        let mut values = [0; BLOCK];
        bus.read(&mut Desk::new(), block, &mut values[..block.len()])
            .map_err(explain)?;
        for (&row, bits) in block.iter().zip(values) {
            let name = Row::get(row).map_or("", |row| row.name);
            say.either(
                || json!({ "row": row, "address": row * 2, "name": name, "value": bits }),
                || {
                    let fields = Decoded { row, bits };
                    println!(
                        "{row:2}  {:02x}  {name:<9}  {bits:08x}  {fields:?}",
                        row * 2
                    );
                },
            );
        }
    }
    Ok(())
}

pub(super) fn set<M: Model>(meter: Meter<M>, say: Say, name: &str, value: u32) -> Result<()> {
    let settable = &MAP[..16];
    let Some(row) = settable
        .iter()
        .find(|row| row.name.eq_ignore_ascii_case(name))
    else {
        let names: Vec<_> = settable.iter().map(|row| row.name).collect();
        bail!("{name} cannot be set; these can: {}", names.join(", "));
    };
    let mut bus = bus(meter);
    let desk = &mut Desk::new();
    let [a, b, c, d] = value.to_le_bytes();
    for (half, value) in [[a, b], [c, d]].into_iter().enumerate() {
        let value = u16::from_le_bytes(value);
        bus.write(desk, row.number * 2 + half as u8, value)
            .map_err(explain)?;
    }
    let mut read = [0];
    bus.read(desk, &[row.number], &mut read).map_err(explain)?;
    let [read] = read;
    say.either(
        || json!({ "name": row.name, "value": read }),
        || {
            let fields = Decoded {
                row: row.number,
                bits: read,
            };
            println!("{}  {read:08x}  {fields:?}", row.name);
        },
    );
    if read != value {
        bail!("the chip holds {read:#010x}, {value:#010x} was written: reserved bits, or an order");
    }
    Ok(())
}
