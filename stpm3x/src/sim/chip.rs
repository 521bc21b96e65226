//! The chip as a whole: power, pins, time, rows.

use super::energy::Truth;
use super::feed::{Board, Phasor};
use super::memory::{FIRST_READ_ONLY, Memory, field};
use super::metrology::Metrology;
use super::output::{Interrupt, Output};
use super::serial::Serial;
use super::trouble::{Disturbance, Trouble};
use super::wave::Instant;
use crate::{Channel, Part};

/// The clock starts so long after power or EN; SCS then chooses the interface.
const CLOCK_START_NS: u64 = 750_000;

/// One measurement tick at 16 MHz.
const TICK_NS: u64 = 128_000;

/// The serial interface a chip has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Interface {
    /// SCS was low.
    Spi,
    /// SCS was high.
    Uart,
}

/// A pin that the host drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Line {
    /// SYN: pulses latch and reset.
    Syn,
    /// SCS: select, and choice of the interface.
    Scs,
    /// EN: low stops the chip and erases it.
    Enable,
}

/// A metering chip on its board.
///
/// ```
/// use stpm3x::sim::{Board, Chip, Input, Interface, Phasor};
/// use stpm3x::{Channel, Part};
///
/// let board = Board::new(Input::shunt(770_000, 470, 300));
/// let mut chip = Chip::new(Part::Stpm32, board);
/// chip.power_on(Interface::Spi);
/// chip.set_phase(Channel::Primary, Phasor::sine(230_000_000, 5_000_000, 0, 50_000));
/// chip.advance(7_812);
/// let mut probe = [0x18, 0xFF, 0, 0, 0xC8];
/// chip.spi_transfer(&mut probe);
/// assert_eq!(probe[..4], 0x0400_00A0_u32.to_le_bytes());
/// ```
#[derive(Clone, Debug)]
pub struct Chip {
    powered: bool,
    enable: bool,
    scs: bool,
    syn: bool,
    syn_count: u8,
    interface: Option<Interface>,
    awake_ns: u64,
    memory: Memory,
    serial: Serial,
    metrology: Metrology,
    host_baud: u32,
    trouble: Trouble,
    bytes: u64,
}

impl Chip {
    /// A chip without power. SYN and EN are high, as a board's pull-ups hold them.
    #[must_use]
    pub fn new(part: Part, board: Board) -> Self {
        Self {
            powered: false,
            enable: true,
            scs: true,
            syn: true,
            syn_count: 0,
            interface: None,
            awake_ns: 0,
            memory: Memory::new(),
            serial: Serial::default(),
            metrology: Metrology::new(part, board),
            host_baud: 9_600,
            trouble: Trouble::default(),
            bytes: 0,
        }
    }

    /// Gives power; SCS stands as the board holds it for the wanted interface.
    ///
    /// On SPI SCS then goes to its idle level, high.
    pub fn power_on(&mut self, interface: Interface) {
        self.powered = true;
        self.erase();
        self.interface = Some(interface);
        self.scs = true;
    }

    /// Takes power: everything but the lifetime totals is lost.
    pub fn power_off(&mut self) {
        self.erase();
        self.powered = false;
    }

    /// A dip of the supply: the chip starts anew, with the interface it had, and measures on.
    pub fn brown_out(&mut self) {
        let interface = self.interface;
        self.erase();
        self.interface = interface;
    }

    /// Whether the chip runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.powered && self.enable
    }

    /// The interface chosen, `None` while the clock has not started.
    #[must_use]
    pub const fn interface(&self) -> Option<Interface> {
        self.interface
    }

    fn erase(&mut self) {
        self.reset_data();
        self.metrology.counting = false;
        self.memory = Memory::new();
        self.serial = Serial::default();
        self.interface = None;
        self.awake_ns = 0;
        self.syn_count = 0;
        self.remeasure();
    }

    /// Puts voltage and current on a channel's inputs.
    ///
    /// The STPM33 takes the primary channel's voltage for both; the STPM32 has no secondary one.
    pub fn set_phase(&mut self, channel: Channel, phasor: Phasor) {
        self.metrology.phases[index(channel)] = phasor;
        self.metrology.wave = None;
        self.remeasure();
    }

    fn remeasure(&mut self) {
        let running = self.is_running();
        self.metrology.remeasure(&self.memory, running);
    }

    /// Lets `ticks` of 128 µs pass, at 16 MHz.
    pub fn advance(&mut self, ticks: u64) {
        self.elapse_ns(ticks.saturating_mul(TICK_NS));
        if !self.is_running() {
            return;
        }
        self.metrology.advance(&mut self.memory, ticks);
        self.latch_if_automatic();
    }

    /// Lets one tick of 128 µs pass with these values at the inputs, primary and secondary.
    ///
    /// The chip then measures samples instead of phasors until [`set_phase`](Self::set_phase) or
    /// a reset of its data. The STPM33 takes the primary voltage for both channels.
    pub fn feed(&mut self, inputs: [Instant; 2]) {
        self.elapse_ns(TICK_NS);
        if !self.is_running() {
            return;
        }
        self.metrology.feed(&mut self.memory, inputs);
        self.latch_if_automatic();
    }

    fn latch_if_automatic(&mut self) {
        if field(self.memory.config(2), 23, 1) == 1 {
            self.latch([true, true]);
        }
    }

    /// Lets time pass on the serial side only.
    pub fn elapse_ns(&mut self, ns: u64) {
        if !self.is_running() {
            return;
        }
        self.awake_ns = self.awake_ns.saturating_add(ns);
        if self.interface.is_none() && self.awake_ns >= CLOCK_START_NS {
            self.choose_interface();
        }
        if self.interface == Some(Interface::Uart) {
            self.serial.elapse(&mut self.memory, ns);
        }
    }

    fn choose_interface(&mut self) {
        self.interface = Some(if self.scs {
            Interface::Uart
        } else {
            Interface::Spi
        });
    }

    /// Drives a pin.
    pub fn set_line(&mut self, line: Line, high: bool) {
        match line {
            Line::Syn => {
                let falls = self.syn && !high;
                self.syn = high;
                if falls && self.scs && self.is_running() {
                    self.count_syn();
                }
            }
            Line::Scs => self.set_scs(high),
            Line::Enable => {
                if self.enable != high {
                    self.enable = high;
                    self.erase();
                }
            }
        }
    }

    fn set_scs(&mut self, high: bool) {
        let changes = self.scs != high;
        self.scs = high;
        if !changes || !self.is_running() {
            return;
        }
        match (high, self.interface) {
            (true, Some(Interface::Spi)) => self.end_frame(false),
            (true, _) => {}
            (false, _) => {
                self.syn_count = 0;
                self.serial.abort();
            }
        }
    }

    /// The first pulse latches, the second clears data, the third resets all.
    fn count_syn(&mut self) {
        self.syn_count = self.syn_count.saturating_add(1);
        match self.syn_count {
            1 => self.latch([true, true]),
            2 => self.reset_data(),
            3 => {
                self.reset_data();
                self.memory = Memory::new();
                self.serial = Serial::default();
                self.metrology.counting = true;
                self.remeasure();
            }
            _ => {}
        }
    }

    fn reset_data(&mut self) {
        self.metrology.reset();
        self.memory.clear_latched();
    }

    fn latch(&mut self, channels: [bool; 2]) {
        self.metrology.latch(&mut self.memory, channels);
    }

    /// One SPI transaction: SCS low, bytes both ways, SCS high.
    pub fn spi_transfer(&mut self, bytes: &mut [u8]) {
        self.set_scs(false);
        for byte in bytes {
            *byte = self.spi_byte(*byte);
        }
        self.set_scs(true);
    }

    /// One byte on SPI while SCS is low.
    pub(super) fn spi_byte(&mut self, byte: u8) -> u8 {
        self.bytes += 1;
        if self.is_running() && self.interface.is_none() {
            self.choose_interface();
        }
        if let Some(level) = self.trouble.stuck {
            return if level { 0xFF } else { 0 };
        }
        if !self.is_running() || self.interface != Some(Interface::Spi) || self.scs {
            return 0xFF;
        }
        let mishap = self.trouble.next();
        let turned = field(self.memory.config(18), 15, 1) == 1;
        let turn = |byte: u8| if turned { byte.reverse_bits() } else { byte };
        let sent = turn(byte ^ mishap.to_chip);
        turn(self.serial.byte(&self.memory, false, mishap.stale, sent)) ^ mishap.to_host
    }

    /// One byte on the UART: the byte that the chip sends meanwhile, if it does.
    pub fn uart_byte(&mut self, byte: u8) -> Option<u8> {
        self.bytes += 1;
        if self.is_running() && self.interface.is_none() {
            self.choose_interface();
        }
        if let Some(level) = self.trouble.stuck {
            return (!level).then_some(0);
        }
        if !self.is_running() || self.interface != Some(Interface::Uart) || !self.scs {
            return None;
        }
        if !self.same_speed() {
            // Framing error, and a transmit overrun: the packet is dropped.
            self.memory.raise(20, 1 << 19 | 1 << 22);
            self.serial.abort();
            return Some(byte.rotate_left(3) ^ 0x5A);
        }
        let mishap = self.trouble.next();
        if mishap.lose_to_chip {
            return None;
        }
        let sent = byte ^ mishap.to_chip;
        let answer = self.serial.byte(&self.memory, true, mishap.stale, sent);
        if self.serial.complete(&self.memory) {
            self.end_frame(true);
        }
        (!mishap.lose_to_host).then_some(answer ^ mishap.to_host)
    }

    fn end_frame(&mut self, reversed: bool) {
        if let Some((half, value)) = self.serial.end(&mut self.memory, reversed) {
            self.write(half, value);
        }
    }

    fn write(&mut self, half: u8, value: u16) {
        let order = self.memory.write(half, value);
        if order.reset {
            self.memory.reset_configuration();
            self.serial = Serial::default();
        }
        for channel in (0..2).filter(|&channel| order.clear[channel]) {
            self.metrology.watches[channel].clear();
        }
        self.remeasure();
        self.latch(order.latch);
    }

    /// Whether host and chip run at speeds within 4 % of each other.
    fn same_speed(&self) -> bool {
        let divider = u64::from(field(self.memory.config(19), 0, 16));
        let nominal = u64::from(self.metrology.board.crystal_hz);
        let ratio = (divider * u64::from(self.host_baud) * 1_000).checked_div(nominal);
        ratio.is_some_and(|thousandths| (960..=1_040).contains(&thousandths))
    }

    /// What the counters have counted.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.metrology.truth()
    }

    /// What they had counted at the last latch.
    #[must_use]
    pub const fn latched_truth(&self) -> Truth {
        self.metrology.latched_truth
    }

    /// Pulses of an output since power was given.
    #[must_use]
    pub const fn pulses(&self, output: Output) -> u64 {
        match output {
            Output::Led1 => self.metrology.pulses[0].count,
            Output::Led2 => self.metrology.pulses[1].count,
        }
    }

    /// Whether an interrupt pin is asserted: an enabled bit of its status row, or of the link.
    #[must_use]
    pub fn interrupt(&self, pin: Interrupt) -> bool {
        let place = match pin {
            Interrupt::Int1 => 0,
            Interrupt::Int2 => 1,
        };
        let enabled = self.memory.config(14 + place) & self.memory.config(16 + place);
        let link = self.memory.config(20);
        enabled != 0 || link >> 16 & link & 0x7F7E != 0
    }

    /// Holds a modulator's bit stream at a level, or lets it run.
    pub fn stick_stream(&mut self, channel: Channel, stream: Stream, level: Option<bool>) {
        let place = match stream {
            Stream::Voltage => 0,
            Stream::Current => 1,
        };
        self.metrology.stuck[index(channel)][place] = level;
        self.remeasure();
    }

    /// Shifts the secondary voltage against the primary one, in millidegrees of the line period.
    pub fn set_secondary_angle(&mut self, mdeg: i32) {
        self.metrology.secondary_angle = f64::from(mdeg) / 360_000.0;
    }

    /// Sets the speed at which the host's UART runs; 9600 at first.
    ///
    /// More than 4 % away from the chip's own speed nothing is understood on either side.
    pub const fn set_host_baud(&mut self, baud: u32) {
        self.host_baud = baud;
    }

    /// A row as a register block on a processor's own bus shows it, without frames.
    #[must_use]
    pub fn row(&self, number: u8) -> u32 {
        self.memory.read(number.into())
    }

    /// Writes one half as such a block takes it, by the rules of its row.
    pub fn write_half(&mut self, half: u8, value: u16) {
        if usize::from(half) < 2 * FIRST_READ_ONLY && self.is_running() {
            self.write(half, value);
        }
    }

    /// A BREAK from the host: the chip notes it and forgets an unfinished frame.
    pub const fn uart_break(&mut self) {
        self.memory.raise(20, 1 << 16);
        self.serial.abort();
    }

    /// Bytes the host has clocked or sent, each way.
    #[must_use]
    pub const fn bus_bytes(&self) -> u64 {
        self.bytes
    }

    /// Lets a fault of the line happen once; false when eight are waiting.
    pub fn disturb(&mut self, disturbance: Disturbance) -> bool {
        self.trouble.add(disturbance)
    }

    /// Sticks the line to the host at a level, or frees it.
    pub const fn stick(&mut self, level: Option<bool>) {
        self.trouble.stuck = level;
    }

    /// Flips one bit in so many of a million bytes each way, as the seed has it; 0 is silence.
    pub const fn noise(&mut self, seed: u64, per_million: u32) {
        self.trouble.noise(seed, per_million);
    }
}

/// A bit stream of a channel's modulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Stream {
    /// The voltage's.
    Voltage,
    /// The current's.
    Current,
}

const fn index(channel: Channel) -> usize {
    match channel {
        Channel::Primary => 0,
        Channel::Secondary => 1,
    }
}
