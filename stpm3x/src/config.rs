//! What the chip is told: front ends, calibration and the rows they make.

use core::fmt;

use crate::link::Dialect;
use crate::reg::{
    self, DfeCr1, DspCr1, DspCr3, DspCr4, DspCr5, DspCr6, DspCr9, DspCr10, DspIrq1, DspSr1,
    Register, UsReg1, UsReg2, UsReg3,
};
use crate::{Channel, FrontEnd, Part, Scales};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct ChannelConfig {
    front_end: FrontEnd,
    scales: Scales,
    calibration: Calibration,
}

/// The whole setting of one chip, checked.
///
/// ```
/// use stpm3x::{Channel, Config, Divider, FrontEnd, Gain, Part, Sensor};
///
/// let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// let shunt = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
/// let config = Config::new(Part::Stpm32, shunt)?;
/// let energy = config.scales(Channel::Primary).unwrap().energy_lsb();
/// assert_eq!(energy.apply(1_000_000), 303_273_591); // µWs
/// # Ok::<(), stpm3x::ConfigError>(())
/// ```
///
/// A constant costs no code, and a bad front end does not compile:
///
/// ```
/// # use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Sensor};
/// const DIVIDER: Divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// const COIL: Sensor = Sensor::Rogowski { microvolts_per_amp: 150 };
/// const FRONT_END: FrontEnd = FrontEnd::new(DIVIDER, COIL, Gain::X16);
/// const CONFIG: Config = match Config::new(Part::Stpm33, FRONT_END) {
///     Ok(config) => config,
///     Err(_) => panic!("front end"),
/// };
/// # assert_eq!(CONFIG.part(), Part::Stpm33);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    part: Part,
    line: LineFrequency,
    primary: ChannelConfig,
    secondary: Option<ChannelConfig>,
}

impl Config {
    /// A chip whose primary channel has this front end, on a line of 50 Hz.
    ///
    /// In a constant it costs no code at run time.
    ///
    /// # Errors
    /// [`ConfigError`] names the value of the front end that makes no meter.
    pub const fn new(part: Part, primary: FrontEnd) -> Result<Self, ConfigError> {
        match ChannelConfig::new(primary) {
            Ok(primary) => Ok(Self {
                part,
                line: LineFrequency::Hz50,
                primary,
                secondary: None,
            }),
            Err(error) => Err(error),
        }
    }

    /// Uses the secondary channel too.
    ///
    /// On the STPM33 its divider is that of V1.
    ///
    /// # Errors
    /// [`ConfigError`] on an STPM32, which has none, and as for [`new`](Self::new).
    pub const fn with_secondary(self, front_end: FrontEnd) -> Result<Self, ConfigError> {
        let channels = if self.part.has_secondary() { 2 } else { 1 };
        match (
            ConfigError::of("channels", 2, 1, channels),
            ChannelConfig::new(front_end),
        ) {
            (Some(error), _) | (None, Err(error)) => Err(error),
            (None, Ok(secondary)) => Ok(Self {
                secondary: Some(secondary),
                ..self
            }),
        }
    }

    /// Sets the nominal line frequency.
    #[must_use]
    pub const fn with_line(mut self, line: LineFrequency) -> Self {
        self.line = line;
        self
    }

    /// Sets a channel's calibration codes.
    ///
    /// # Errors
    /// [`ConfigError`] names the code that is out of range; `channel` when it is not in use.
    pub const fn with_calibration(
        mut self,
        channel: Channel,
        calibration: Calibration,
    ) -> Result<Self, ConfigError> {
        let (channels, slot) = match (channel, &mut self.secondary) {
            (Channel::Primary, _) => (2, &mut self.primary),
            (Channel::Secondary, Some(secondary)) => (2, secondary),
            (Channel::Secondary, None) => (1, &mut self.primary),
        };
        let used = ConfigError::of("channel", 2, 1, channels);
        match ConfigError::first([used, calibration.check()]) {
            Some(error) => Err(error),
            None => {
                slot.calibration = calibration;
                Ok(self)
            }
        }
    }

    /// The part this setting is for.
    #[must_use]
    pub const fn part(&self) -> Part {
        self.part
    }

    /// Whether the secondary channel is in use.
    #[must_use]
    pub const fn uses_secondary(&self) -> bool {
        self.secondary.is_some()
    }

    /// The scales of a channel in use.
    #[must_use]
    pub fn scales(&self, channel: Channel) -> Option<Scales> {
        self.channel(channel).map(|channel| channel.scales)
    }

    fn channel(&self, channel: Channel) -> Option<ChannelConfig> {
        match channel {
            Channel::Primary => Some(self.primary),
            Channel::Secondary => self.secondary,
        }
    }

    /// Rows 0 to 20 as they must read, on a link of the given dialect.
    #[must_use]
    pub fn rows(&self, dialect: Option<Dialect>) -> [u32; WRITABLE_ROWS] {
        let mut rows = Rows(RESET);
        for channel in Channel::BOTH {
            if let Some(settings) = self.channel(channel) {
                rows.apply(channel, &settings);
            }
        }
        // A row 0 that never equals its reset value tells a restart: the clear pulse is only used
        // with CLEAR_SS, and 1 is as good a length as 0.
        rows.edit(Channel::Primary, |row: DspCr1| row.with_clear_timeout(1));
        rows.edit(Channel::Primary, |row: DspCr3| {
            row.with_sixty_hertz(self.line == LineFrequency::Hz60)
        });
        if dialect == Some(Dialect::Uart) {
            rows.edit(Channel::Primary, |row: UsReg1| {
                row.with_timeout_ms(UART_TIMEOUT_MS)
            });
        }
        rows.0
    }
}

impl ChannelConfig {
    const fn new(front_end: FrontEnd) -> Result<Self, ConfigError> {
        match front_end.scales() {
            Ok(scales) => Ok(Self {
                front_end,
                scales,
                calibration: Calibration::NOMINAL,
            }),
            Err(error) => Err(error),
        }
    }
}

/// The writable rows after a reset; the two status rows read 0.
const RESET: [u32; WRITABLE_ROWS] = [
    DspCr1::PRIMARY.reset,
    DspCr1::SECONDARY.reset,
    DspCr3::PRIMARY.reset,
    DspCr4::PRIMARY.reset,
    DspCr5::PRIMARY.reset,
    DspCr6::PRIMARY.reset,
    DspCr5::SECONDARY.reset,
    DspCr6::SECONDARY.reset,
    DspCr9::PRIMARY.reset,
    DspCr10::PRIMARY.reset,
    DspCr9::SECONDARY.reset,
    DspCr10::SECONDARY.reset,
    DfeCr1::PRIMARY.reset,
    DfeCr1::SECONDARY.reset,
    DspIrq1::PRIMARY.reset,
    DspIrq1::SECONDARY.reset,
    DspSr1::PRIMARY.reset,
    DspSr1::SECONDARY.reset,
    UsReg1::PRIMARY.reset,
    UsReg2::PRIMARY.reset,
    UsReg3::PRIMARY.reset,
];

/// The writable rows in the making.
struct Rows([u32; WRITABLE_ROWS]);

impl Rows {
    fn edit<R: reg::Writable>(&mut self, channel: Channel, change: impl FnOnce(R) -> R) {
        let number = usize::from(R::row(channel).number);
        if let Some(row) = self.0.get_mut(number) {
            *row = change(R::from(*row)).into();
        }
    }

    fn apply(&mut self, channel: Channel, settings: &ChannelConfig) {
        let FrontEnd { sensor, gain, .. } = settings.front_end;
        let codes = settings.calibration;
        self.edit(channel, |row: DspCr1| {
            row.with_integrator(sensor.needs_integrator())
        });
        self.edit(channel, |row: DfeCr1| row.with_gain(gain.code()));
        self.edit(channel, |row: DspCr5| {
            row.with_voltage_calibrator(codes.voltage)
        });
        self.edit(channel, |row: DspCr6| {
            row.with_current_calibrator(codes.current)
        });
        self.edit(channel, |row: DspCr4| match channel {
            Channel::Primary => row
                .with_voltage_delay_primary(codes.voltage_delay)
                .with_current_delay_primary(codes.current_delay),
            Channel::Secondary => row
                .with_voltage_delay_secondary(codes.voltage_delay)
                .with_current_delay_secondary(codes.current_delay),
        });
    }
}
