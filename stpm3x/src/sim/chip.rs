//! The chip as a whole: power, pins, time, rows.

use super::energy::{Account, Truth};
use super::feed::{Board, Phasor, Raw, measure};
use super::memory::Memory;
use super::serial::Serial;
use super::trouble::{Disturbance, Trouble};
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
    part: Part,
    board: Board,
    powered: bool,
    enable: bool,
    scs: bool,
    syn: bool,
    syn_count: u8,
    interface: Option<Interface>,
    awake_ns: u64,
    memory: Memory,
    serial: Serial,
    phases: [Phasor; 2],
    raw: [Raw; 2],
    periods: [u32; 2],
    accounts: [Account; 3],
    counting: bool,
    latched_truth: Truth,
    trouble: Trouble,
    bytes: u64,
}

impl Chip {
    /// A chip without power. SYN and EN are high, as a board's pull-ups hold them.
    #[must_use]
    pub fn new(part: Part, board: Board) -> Self {
        Self {
            part,
            board,
            powered: false,
            enable: true,
            scs: true,
            syn: true,
            syn_count: 0,
            interface: None,
            awake_ns: 0,
            memory: Memory::new(),
            serial: Serial::default(),
            phases: [Phasor::default(); 2],
            raw: [Raw::default(); 2],
            periods: [0x9C4; 2],
            accounts: [Account::default(); 3],
            counting: false,
            latched_truth: Truth::default(),
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
        self.counting = false;
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
        self.phases[index(channel)] = phasor;
        self.remeasure();
    }

    fn remeasure(&mut self) {
        for channel in 0..2 {
            let source = if self.part.has_second_voltage() {
                channel
            } else {
                0
            };
            let (voltage, current) = (&self.phases[source], &self.phases[channel]);
            let exists = self.is_running() && (channel == 0 || self.part.has_secondary());
            self.raw[channel] = match exists {
                true => measure(&self.memory, &self.board, channel, source, voltage, current),
                false => Raw::default(),
            };
            if let Some(period) = self.raw[channel].period {
                self.periods[channel] = period;
            }
        }
    }

    /// Lets `ticks` of 128 µs pass, at 16 MHz.
    pub fn advance(&mut self, ticks: u64) {
        self.elapse_ns(ticks.saturating_mul(TICK_NS));
        if !self.is_running() {
            return;
        }
        let [first, second] = [0, 1].map(|channel| self.energy_powers(channel));
        let difference = self.memory.config(2) >> 26 & 1 == 1;
        let mut total = first;
        for (sum, power) in total.iter_mut().zip(second) {
            *sum += if difference { -power } else { power };
        }
        let mut wrapped = 0;
        for (account, powers) in self.accounts.iter_mut().zip([first, second, total]).rev() {
            wrapped = wrapped << 4 | account.advance(&powers, ticks);
        }
        self.raise_status(wrapped, &[first, second, total]);
        if self.memory.config(2) >> 23 & 1 == 1 {
            self.latch([true, true]);
        }
    }

    fn energy_powers(&self, channel: usize) -> [i64; 4] {
        let raw = &self.raw[channel];
        let [active, fundamental, reactive, _] = raw.powers;
        [active, fundamental, reactive, raw.apparent_energy]
    }

    /// Sticky bits of DSP_SR1 and DSP_SR2: signs, wraps, period errors.
    fn raise_status(&mut self, wrapped: u32, powers: &[[i64; 4]; 3]) {
        let [first, second, total] = powers.map(|powers| negative(&powers));
        let common = (total & 1) | (total >> 2 & 1) << 1 // active, reactive
            | (wrapped >> 8 & 1) << 2
            | (wrapped >> 10 & 1) << 3
            | second << 4
            | (wrapped >> 4 & 0xF) << 8
            | first << 12
            | (wrapped & 0xF) << 16;
        let visible = if self.part.has_secondary() {
            u32::MAX
        } else {
            0xFFFF_F000
        };
        for channel in 0..2 {
            let period = u32::from(self.raw[channel].period.is_none()) << 25;
            self.memory.raise(16 + channel, (common | period) & visible);
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
                self.counting = true;
                self.remeasure();
            }
            _ => {}
        }
    }

    fn reset_data(&mut self) {
        for account in &mut self.accounts {
            account.clear(self.counting);
        }
        self.memory.clear_latched();
        self.periods = [0x9C4; 2];
    }

    /// Copies the measured rows of the channels chosen into the transmission latches.
    fn latch(&mut self, channels: [bool; 2]) {
        let truth = self.truth();
        for channel in [0, 1].into_iter().filter(|&channel| channels[channel]) {
            self.latch_channel(channel);
        }
        if channels[0] {
            self.latched_truth.primary = truth.primary;
        }
        if channels[1] {
            self.latched_truth.secondary = truth.secondary;
        }
        if channels == [true, true] || !self.part.has_secondary() {
            self.latched_truth.total = truth.total;
            let totals = self.accounts[2].registers();
            for (row, value) in (66..).zip(totals) {
                self.memory.latch(row, value);
            }
        }
    }

    fn latch_channel(&mut self, channel: usize) {
        let raw = self.raw[channel];
        let status = self.memory.config(16 + channel);
        self.memory.latch(16 + channel, status);
        let error = u32::from(raw.period.is_none()) << 21;
        self.memory
            .latch(21 + channel, negative(&raw.powers) << 4 | error);
        let both = self.memory.read(23);
        let shift = 16 * channel as u32;
        let period = both & !(0xFFFF << shift) | self.periods[channel] << shift;
        self.memory.latch(23, period);
        let rms = raw.voltage_rms | raw.current_rms << 15;
        self.memory.latch(36 + channel, rms);
        let first = 42 + 12 * channel;
        let energies = self.accounts[channel].registers();
        let [active, fundamental, reactive, apparent] = raw.powers;
        let powers = [
            active,
            fundamental,
            reactive,
            apparent,
            raw.vectorial,
            active,
            fundamental,
        ];
        let powers = powers.map(|power| (power & 0x1FFF_FFFF) as u32);
        for (row, value) in (first..).zip(energies.into_iter().chain(powers)) {
            self.memory.latch(row, value);
        }
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
        let sent = byte ^ mishap.to_chip;
        self.serial.byte(&self.memory, false, mishap.stale, sent) ^ mishap.to_host
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
        let Some((half, value)) = self.serial.end(&mut self.memory, reversed) else {
            return;
        };
        let order = self.memory.write(half, value);
        if order.reset {
            self.memory.reset_configuration();
            self.serial = Serial::default();
        }
        self.remeasure();
        self.latch(order.latch);
    }

    /// What the counters have counted.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let [primary, secondary, total] = self.accounts;
        Truth {
            primary: primary.counts(self.counting),
            secondary: secondary.counts(self.counting),
            total: total.counts(self.counting),
        }
    }

    /// What they had counted at the last latch.
    #[must_use]
    pub const fn latched_truth(&self) -> Truth {
        self.latched_truth
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

/// Which of four powers are negative, a bit each.
fn negative(powers: &[i64; 4]) -> u32 {
    let bits = powers.iter().zip(0..);
    bits.fold(0, |all, (&power, bit)| all | u32::from(power < 0) << bit)
}

const fn index(channel: Channel) -> usize {
    match channel {
        Channel::Primary => 0,
        Channel::Secondary => 1,
    }
}
