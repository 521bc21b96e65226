//! What the chip is told: a part, its front ends, and the writable rows they make.

mod error;
mod rows;

use core::marker::PhantomData;

pub use error::ConfigError;
pub(crate) use rows::{baud_divider, marked, place};

use self::rows::{RESET, SETTINGS, apply_calibration, apply_front_end};
use crate::convert::FrontEnd;
use crate::link::Dialect;
use crate::part::{Model, Stpm33, Stpm34, TwoCurrents};
use crate::reg::{DspCr3, DspIrq1, DspIrq2, On, Register, Setting, UsReg1};
use crate::{Calibration, Channel, Gain, Scales, Sensor};

/// Writable rows of the map, 0 to 20.
pub const WRITABLE_ROWS: usize = 21;

/// After this many milliseconds the chip drops an unfinished UART frame.
///
/// Five bytes take 5.2 ms at 9600 baud; without a limit one lost byte would leave host and chip
/// out of step for good (DS10272 section 6).
pub(crate) const UART_TIMEOUT_MS: u8 = 50;

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

/// What the CLKOUT/ZCR pin shows (DSP_CR3, ZCR_EN and ZCR_SEL).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClockPin {
    /// The sample clock, 7.8125 kHz at 16 MHz: an edge for each sample.
    #[default]
    SampleClock,
    /// 4 MHz.
    Clock4MHz,
    /// 16 MHz, for CLKIN of the next chip.
    Clock16MHz,
    /// The primary voltage's zero crossings: high for half a period, about 5.1 ms late.
    ZeroCrossingV1,
    /// The primary current's.
    ZeroCrossingC1,
    /// The secondary voltage's.
    ZeroCrossingV2,
    /// The secondary current's.
    ZeroCrossingC2,
}

impl ClockPin {
    const fn codes(self) -> (bool, u8) {
        match self {
            Self::SampleClock => (false, 0),
            Self::Clock4MHz => (false, 1),
            Self::Clock16MHz => (false, 3),
            Self::ZeroCrossingV1 => (true, 0),
            Self::ZeroCrossingC1 => (true, 1),
            Self::ZeroCrossingV2 => (true, 2),
            Self::ZeroCrossingC2 => (true, 3),
        }
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
    pub(crate) rows: [u32; WRITABLE_ROWS],
    pub(crate) front_end: FrontEnd,
    scales: Scales,
    pub(crate) secondary: Option<(FrontEnd, Scales)>,
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

    /// Latches by itself every 128 µs, so that a snapshot needs no latch.
    ///
    /// Its rows then come from different instants (DS10272 section 7): for a look, not for a bill.
    #[must_use]
    pub const fn with_automatic_latch(mut self) -> Self {
        self.rows[2] = DspCr3::from_bits(self.rows[2])
            .with_auto_latch(true)
            .into_bits();
        self
    }

    /// Sets what the CLKOUT/ZCR pin shows; 7.8125 kHz at first.
    ///
    /// # Errors
    /// [`ConfigError`] for a channel that the part does not have.
    pub const fn with_clock_pin(mut self, shows: ClockPin) -> Result<Self, ConfigError> {
        let (zero_crossing, source) = shows.codes();
        let has = match (M::PART.has_secondary(), M::PART.has_second_voltage()) {
            (false, _) => 1,
            (true, false) => 2,
            (true, true) => 3,
        };
        let needs = match shows {
            ClockPin::ZeroCrossingV2 => 3,
            ClockPin::ZeroCrossingC2 => 2,
            _ => 1,
        };
        match ConfigError::of("clock_pin", needs, 1, has) {
            Some(error) => Err(error),
            None => {
                self.rows[2] = DspCr3::from_bits(self.rows[2])
                    .with_zero_crossing(zero_crossing)
                    .with_zero_crossing_source(source)
                    .into_bits();
                Ok(self)
            }
        }
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

    /// The same front ends with the rows of a chip that runs.
    pub(crate) const fn adopt(mut self, rows: &[u32; WRITABLE_ROWS]) -> Self {
        self.rows = *rows;
        self.rows[16] = 0;
        self.rows[17] = 0;
        self.rows[20] = 0;
        self
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
        match self.secondary {
            Some((_, scales)) => Some(scales),
            None => None,
        }
    }

    const fn with_second(mut self, front_end: FrontEnd) -> Result<Self, ConfigError> {
        match front_end.scales() {
            Err(error) => Err(error),
            Ok(scales) => {
                self.secondary = Some((front_end, scales));
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
