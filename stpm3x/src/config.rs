//! What the chip is told: a part, its front ends, and the writable rows they make.

use core::fmt;
use core::marker::PhantomData;

use crate::convert::FrontEnd;
use crate::link::Dialect;
use crate::part::{Model, Stpm33, Stpm34, TwoCurrents};
use crate::reg::{
    DfeCr1, DspCr1, DspCr3, DspCr4, DspCr5, DspCr6, DspIrq1, DspIrq2, MAP, On, Register, Setting,
    UsReg1, UsReg2,
};
use crate::{Channel, Gain, Scales, Sensor};

/// Writable rows of the map, 0 to 20.
pub const WRITABLE_ROWS: usize = 21;

/// After this many milliseconds the chip drops an unfinished UART frame.
///
/// Five bytes take 5.2 ms at 9600 baud; without a limit one lost byte would leave host and chip
/// out of step for good (DS10272 section 6).
pub(crate) const UART_TIMEOUT_MS: u8 = 50;

/// A setting outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConfigError {
    /// The setting.
    pub field: &'static str,
    /// The value given.
    pub value: u32,
    /// The least value allowed.
    pub least: u32,
    /// The greatest value allowed.
    pub most: u32,
}

impl ConfigError {
    /// The error of a value outside its range.
    pub(crate) const fn of(field: &'static str, value: u32, least: u32, most: u32) -> Option<Self> {
        if least <= value && value <= most {
            return None;
        }
        Some(Self {
            field,
            value,
            least,
            most,
        })
    }

    /// The first of several checks that failed.
    pub(crate) const fn first<const N: usize>(checks: [Option<Self>; N]) -> Option<Self> {
        let mut checks = checks.as_slice();
        while let [check, rest @ ..] = checks {
            if check.is_some() {
                return *check;
            }
            checks = rest;
        }
        None
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            least,
            most,
        } = self;
        write!(f, "{field} is {value}, allowed are {least} to {most}")
    }
}

impl core::error::Error for ConfigError {}

/// The nominal frequency of the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LineFrequency {
    /// 50 Hz.
    #[default]
    Hz50,
    /// 60 Hz.
    Hz60,
}

/// One channel's calibration codes, as found on the bench (DS10272 section 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Calibration {
    /// CHVx, 0 to 4095: voltage gain 0.75 + 0.125 code / 2048.
    pub voltage: u16,
    /// CHCx, 0 to 4095: current gain, as for the voltage.
    pub current: u16,
    /// PHVx, 0 to 3: voltage delay, 128 µs a step.
    pub voltage_delay: u8,
    /// PHCx, 0 to 1023: current delay, 0.25 µs a step.
    pub current_delay: u16,
}

impl Calibration {
    /// Codes at reset: nominal gain, no delay.
    pub const NOMINAL: Self = Self {
        voltage: 2048,
        current: 2048,
        voltage_delay: 0,
        current_delay: 0,
    };

    const fn check(&self) -> Option<ConfigError> {
        ConfigError::first([
            ConfigError::of("calibration.voltage", self.voltage as u32, 0, 4095),
            ConfigError::of("calibration.current", self.current as u32, 0, 4095),
            ConfigError::of("calibration.voltage_delay", self.voltage_delay as u32, 0, 3),
            ConfigError::of(
                "calibration.current_delay",
                self.current_delay as u32,
                0,
                1023,
            ),
        ])
    }
}

impl Default for Calibration {
    fn default() -> Self {
        Self::NOMINAL
    }
}

/// The whole setting of one chip, checked.
///
/// ```
/// use stpm3x::{Config, Divider, FrontEnd, Gain, Sensor, Stpm32};
///
/// let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// let shunt = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
/// let config = Config::<Stpm32>::new(shunt)?;
/// let energy = config.scales().energy_lsb();
/// assert_eq!(energy.apply(1_000_000), 303_273_591); // µWs
/// # Ok::<(), stpm3x::ConfigError>(())
/// ```
///
/// A constant costs no code, and a bad front end does not compile:
///
/// ```
/// # use stpm3x::{Config, Divider, FrontEnd, Gain, Sensor, Stpm33};
/// const DIVIDER: Divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// const COIL: Sensor = Sensor::Rogowski { microvolts_per_amp: 150 };
/// const CONFIG: Config<Stpm33> = match Config::new(FrontEnd::new(DIVIDER, COIL, Gain::X16)) {
///     Ok(config) => config,
///     Err(_) => panic!("front end"),
/// };
/// # assert_eq!(CONFIG.secondary_scales(), None);
/// ```
///
/// An STPM32 has no secondary channel:
///
/// ```compile_fail
/// # use stpm3x::{Config, Divider, FrontEnd, Gain, Sensor, Stpm32};
/// # let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// # let shunt = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
/// Config::<Stpm32>::new(shunt)?.with_secondary(shunt)?;
/// # Ok::<(), stpm3x::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config<M> {
    rows: [u32; WRITABLE_ROWS],
    front_end: FrontEnd,
    scales: Scales,
    secondary: Option<Scales>,
    model: PhantomData<M>,
}

impl<M: Model> Config<M> {
    /// A chip whose primary channel has this front end, on a line of 50 Hz.
    ///
    /// # Errors
    /// [`ConfigError`] names the value of the front end that makes no meter.
    pub const fn new(primary: FrontEnd) -> Result<Self, ConfigError> {
        let scales = match primary.scales() {
            Ok(scales) => scales,
            Err(error) => return Err(error),
        };
        let mut rows = RESET;
        apply_front_end(&mut rows, Channel::Primary, primary);
        rows[0] = marked(rows[0]);
        Ok(Self {
            rows,
            front_end: primary,
            scales,
            secondary: None,
            model: PhantomData,
        })
    }

    /// Sets the nominal line frequency.
    #[must_use]
    pub const fn with_line(mut self, line: LineFrequency) -> Self {
        let sixty = matches!(line, LineFrequency::Hz60);
        self.rows[2] = DspCr3::from_bits(self.rows[2])
            .with_sixty_hertz(sixty)
            .into_bits();
        self
    }

    /// Sets the primary channel's calibration codes.
    ///
    /// # Errors
    /// [`ConfigError`] names the code that is out of range.
    pub const fn with_calibration(self, calibration: Calibration) -> Result<Self, ConfigError> {
        self.calibrated(Channel::Primary, calibration)
    }

    const fn calibrated(
        mut self,
        channel: Channel,
        calibration: Calibration,
    ) -> Result<Self, ConfigError> {
        match calibration.check() {
            Some(error) => Err(error),
            None => {
                apply_calibration(&mut self.rows, channel, calibration);
                Ok(self)
            }
        }
    }

    /// Switches the CRC of frames off.
    ///
    /// Frames are a fifth shorter, and damage goes unnoticed: for short lines only.
    #[must_use]
    pub const fn without_crc(self) -> Self {
        let control = self.link_control().with_crc(false);
        self.with_link_control(control)
    }

    /// Sets the polynomial of the CRC, without its leading term; 0x07 after a reset.
    ///
    /// # Errors
    /// [`ConfigError`] for a polynomial that checks nothing: 0.
    pub const fn with_crc_polynomial(self, polynomial: u8) -> Result<Self, ConfigError> {
        match ConfigError::of("crc_polynomial", polynomial as u32, 1, 0xFF) {
            Some(error) => Err(error),
            None => {
                let control = self.link_control().with_crc_polynomial(polynomial);
                Ok(self.with_link_control(control))
            }
        }
    }

    /// Reverses the order of bits on SPI, and switches the CRC off: how it is formed in that mode
    /// is not documented (DS10272 section 5). No effect on a UART.
    #[must_use]
    pub const fn with_least_significant_bit_first(self) -> Self {
        let control = self.link_control().with_crc(false).with_lsb_first(true);
        self.with_link_control(control)
    }

    const fn link_control(&self) -> UsReg1 {
        UsReg1::from_bits(self.rows[18])
    }

    const fn with_link_control(mut self, control: UsReg1) -> Self {
        self.rows[18] = control.into_bits();
        self
    }

    /// Sets which status bits drive INT1.
    #[must_use]
    pub const fn with_interrupts(mut self, enables: DspIrq1) -> Self {
        self.rows[14] = enables.into_bits();
        self
    }

    /// Sets a whole row, for what has no method of its own.
    ///
    /// The row replaces what front end and calibration made of it: start from [`row`](Self::row).
    #[must_use]
    pub fn with_row<R: Setting + On<M>>(mut self, row: R) -> Self {
        let free = SETTINGS.get(usize::from(R::ROW)).copied().unwrap_or(0);
        self.set::<R>(row.into() & free | R::RESET & !free);
        self.rows[0] = marked(self.rows[0]);
        self
    }

    /// A row as it will be written.
    #[must_use]
    pub fn row<R: Setting + On<M>>(&self) -> R {
        R::from(self.get::<R>())
    }

    /// The scales of the primary channel.
    #[must_use]
    pub const fn scales(&self) -> Scales {
        self.scales
    }

    /// The front end of the primary channel.
    #[must_use]
    pub const fn front_end(&self) -> FrontEnd {
        self.front_end
    }

    pub(crate) const fn uses_secondary(&self) -> bool {
        M::PART.has_secondary() && self.secondary.is_some()
    }

    /// Rows 0 to 20 as they must read.
    ///
    /// Reserved bits have their reset values and orders (reset, latch, clear) are not among the
    /// settings, whatever [`with_row`](Self::with_row) was given. DSP_CR1 never equals its reset
    /// value: that tells a restart of the chip.
    #[must_use]
    pub const fn rows(&self) -> &[u32; WRITABLE_ROWS] {
        &self.rows
    }

    pub(crate) fn get<R: Register>(&self) -> u32 {
        self.rows.get(usize::from(R::ROW)).copied().unwrap_or(0)
    }

    pub(crate) fn set<R: Register>(&mut self, value: u32) {
        if let Some(row) = self.rows.get_mut(usize::from(R::ROW)) {
            *row = value;
        }
    }

    /// What the link asks for: on a UART the time after which the chip drops an unfinished frame.
    pub(crate) const fn on(mut self, dialect: Option<Dialect>) -> Self {
        let control = UsReg1::from_bits(self.rows[18]);
        self.rows[18] = match dialect {
            Some(Dialect::Spi) => control.into_bits(),
            Some(Dialect::Uart) => control
                .with_timeout_ms(UART_TIMEOUT_MS)
                .with_lsb_first(false)
                .into_bits(),
            None => UsReg1::RESET,
        };
        self
    }
}

impl<M: TwoCurrents> Config<M> {
    /// Sets the secondary channel's calibration codes.
    ///
    /// On the STPM33 the secondary power comes from V1: write CHV2 and PHV2 as for V1.
    ///
    /// # Errors
    /// [`ConfigError`] names the code that is out of range.
    pub const fn with_secondary_calibration(
        self,
        calibration: Calibration,
    ) -> Result<Self, ConfigError> {
        self.calibrated(Channel::Secondary, calibration)
    }

    /// Sets which status bits drive INT2.
    #[must_use]
    pub const fn with_secondary_interrupts(mut self, enables: DspIrq2) -> Self {
        self.rows[15] = enables.into_bits();
        self
    }

    /// Makes the chip's totals the difference of the channels instead of their sum.
    #[must_use]
    pub const fn with_total_difference(mut self) -> Self {
        self.rows[2] = DspCr3::from_bits(self.rows[2])
            .with_total_difference(true)
            .into_bits();
        self
    }

    /// The scales of the secondary channel, when it is in use.
    #[must_use]
    pub const fn secondary_scales(&self) -> Option<Scales> {
        self.secondary
    }

    const fn with_second(mut self, front_end: FrontEnd) -> Result<Self, ConfigError> {
        match front_end.scales() {
            Err(error) => Err(error),
            Ok(scales) => {
                self.secondary = Some(scales);
                apply_front_end(&mut self.rows, Channel::Secondary, front_end);
                Ok(self)
            }
        }
    }
}

impl Config<Stpm33> {
    /// Uses the secondary channel too: a second current beside the one voltage, as in the neutral.
    ///
    /// # Errors
    /// [`ConfigError`] as for [`new`](Self::new).
    pub const fn with_secondary(self, sensor: Sensor, gain: Gain) -> Result<Self, ConfigError> {
        let front_end = FrontEnd {
            sensor,
            gain,
            ..self.front_end
        };
        self.with_second(front_end)
    }
}

impl Config<Stpm34> {
    /// Uses the secondary channel too.
    ///
    /// # Errors
    /// [`ConfigError`] as for [`new`](Self::new); one crystal serves both channels.
    pub const fn with_secondary(self, front_end: FrontEnd) -> Result<Self, ConfigError> {
        let crystal = self.front_end.crystal_hz;
        match ConfigError::of("crystal_hz", front_end.crystal_hz, crystal, crystal) {
            Some(error) => Err(error),
            None => self.with_second(front_end),
        }
    }
}

/// The writable rows after a reset; the two status rows read 0.
const RESET: [u32; WRITABLE_ROWS] = {
    let mut rows = [0; WRITABLE_ROWS];
    let mut number = 0;
    while number < WRITABLE_ROWS {
        rows[number] = MAP[number].reset;
        number += 1;
    }
    rows
};

/// DSP_CR1 with a clear pulse of 8 µs instead of 0, where it would have its reset value.
///
/// The length is only used with CLEAR_SS, and 1 is as good as 0.
const fn marked(row: u32) -> u32 {
    if row == DspCr1::RESET {
        DspCr1::from_bits(row).with_clear_timeout(1).into_bits()
    } else {
        row
    }
}

/// Bits of rows 0 to 15 that are settings: neither reserved nor an order that returns to 0.
const SETTINGS: [u32; 16] = [
    0xFF3E_01EF, // DSP_CR1: not CLEAR_SS
    0xFF3E_01EF,
    0x0F8F_FFFF, // DSP_CR3: not SW_RESET, SW_LATCH1, SW_LATCH2
    0x00FF_FFFF,
    0xFFFF_FFFF,
    0x003F_FFFF,
    0xFFFF_FFFF,
    0x003F_FFFF,
    0xFFFF_FFFF,
    0xFFFF_FFFF,
    0xFFFF_FFFF,
    0xFFFF_FFFF,
    0x0C01_0001, // DFE_CR1: reserved fields stay 0x193
    0x0C01_0001,
    0xFFFF_FFFF,
    0xFFFF_FFFF,
];

/// The place of a channel's row: the first rows of both channels lie side by side, the others by
/// pairs.
const fn place(channel: Channel, primary: usize, distance: usize) -> usize {
    match channel {
        Channel::Primary => primary,
        Channel::Secondary => primary + distance,
    }
}

/// Both channels' rows have one layout: the primary's type serves both.
const fn apply_front_end(rows: &mut [u32; WRITABLE_ROWS], channel: Channel, front_end: FrontEnd) {
    let FrontEnd { sensor, gain, .. } = front_end;
    let control = place(channel, DspCr1::ROW as usize, 1);
    rows[control] = DspCr1::from_bits(rows[control])
        .with_integrator(sensor.needs_integrator())
        .into_bits();
    let analog = place(channel, DfeCr1::ROW as usize, 1);
    rows[analog] = DfeCr1::from_bits(rows[analog])
        .with_gain(gain.code())
        .into_bits();
}

const fn apply_calibration(rows: &mut [u32; WRITABLE_ROWS], channel: Channel, codes: Calibration) {
    let voltage = place(channel, DspCr5::ROW as usize, 2);
    rows[voltage] = DspCr5::from_bits(rows[voltage])
        .with_voltage_calibrator(codes.voltage)
        .into_bits();
    let current = place(channel, DspCr6::ROW as usize, 2);
    rows[current] = DspCr6::from_bits(rows[current])
        .with_current_calibrator(codes.current)
        .into_bits();
    let delays = DspCr4::from_bits(rows[3]);
    rows[3] = match channel {
        Channel::Primary => delays
            .with_voltage_delay_primary(codes.voltage_delay)
            .with_current_delay_primary(codes.current_delay),
        Channel::Secondary => delays
            .with_voltage_delay_secondary(codes.voltage_delay)
            .with_current_delay_secondary(codes.current_delay),
    }
    .into_bits();
}

/// The divider of US_REG2 for a baud rate: 16 MHz / baud, rounded (DS10272 section 6).
///
/// # Errors
/// [`ConfigError`] outside 2400 to 460800, the speeds the manual lists.
pub(crate) const fn baud_divider(baud: u32) -> Result<UsReg2, ConfigError> {
    match ConfigError::of("baud", baud, 2_400, 460_800) {
        Some(error) => Err(error),
        None => {
            let divider = (16_000_000 + baud / 2) / baud;
            Ok(UsReg2::new().with_baud_divider(divider as u16))
        }
    }
}
