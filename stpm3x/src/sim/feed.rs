//! From the mains to raw values: board, analog front end, calibrators.
//!
//! Floating point is used here only, where phasors become integers.

use core::f64::consts::{PI, SQRT_2};

use super::memory::{Memory, field};

/// One channel's circuit between mains and chip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// Mains volts for one volt at the chip: 1 + R1 / R2.
    pub divider: f64,
    /// Volts at the chip for one ampere, at 50 Hz for a coil.
    pub sensitivity: f64,
    /// A Rogowski coil: its signal leads by 90 degrees and needs the chip's integrator.
    pub coil: bool,
}

impl Input {
    /// A divider of two resistors in ohms and a shunt in microohms.
    #[must_use]
    pub fn shunt(upper_ohms: u32, lower_ohms: u32, micro_ohms: u32) -> Self {
        Self::new(upper_ohms, lower_ohms, f64::from(micro_ohms) * 1e-6, false)
    }

    /// A divider and a current transformer with its burden in milliohms.
    #[must_use]
    pub fn transformer(upper_ohms: u32, lower_ohms: u32, turns: u32, burden: u32) -> Self {
        let sensitivity = f64::from(burden) * 1e-3 / f64::from(turns);
        Self::new(upper_ohms, lower_ohms, sensitivity, false)
    }

    /// A divider and a Rogowski coil with its microvolts per ampere at line frequency.
    #[must_use]
    pub fn coil(upper_ohms: u32, lower_ohms: u32, microvolts_per_amp: u32) -> Self {
        Self::new(
            upper_ohms,
            lower_ohms,
            f64::from(microvolts_per_amp) * 1e-6,
            true,
        )
    }

    fn new(upper_ohms: u32, lower_ohms: u32, sensitivity: f64, coil: bool) -> Self {
        Self {
            divider: 1.0 + f64::from(upper_ohms) / f64::from(lower_ohms),
            sensitivity,
            coil,
        }
    }
}

/// The circuit around the chip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Board {
    /// Primary and secondary inputs.
    pub inputs: [Input; 2],
    /// The chip's reference in microvolts.
    pub reference_uv: u32,
    /// The crystal in hertz.
    pub crystal_hz: u32,
}

impl Board {
    /// Both inputs alike, reference 1.18 V, crystal 16 MHz.
    #[must_use]
    pub const fn new(input: Input) -> Self {
        Self {
            inputs: [input, input],
            reference_uv: 1_180_000,
            crystal_hz: 16_000_000,
        }
    }
}

/// Voltage and current of one channel as the mains have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Phasor {
    /// Voltage RMS with all harmonics, in microvolts.
    pub voltage_uv: u32,
    /// Current RMS with all harmonics, in microamperes.
    pub current_ua: u32,
    /// Voltage RMS of the fundamental, in microvolts.
    pub fundamental_uv: u32,
    /// Current RMS of the fundamental, in microamperes.
    pub fundamental_ua: u32,
    /// How far the fundamental current lags the voltage, in millidegrees; 0 imports active power.
    pub lag_mdeg: i32,
    /// Active power of all harmonics together, in microwatts.
    pub harmonic_uw: i64,
    /// Line frequency in millihertz.
    pub frequency_mhz: u32,
}

impl Phasor {
    /// Sine waves.
    #[must_use]
    pub const fn sine(voltage_uv: u32, current_ua: u32, lag_mdeg: i32, frequency_mhz: u32) -> Self {
        Self {
            voltage_uv,
            current_ua,
            fundamental_uv: voltage_uv,
            fundamental_ua: current_ua,
            lag_mdeg,
            harmonic_uw: 0,
            frequency_mhz,
        }
    }

    /// Sine waves that carry an active power in milliwatts and a reactive power in millivars.
    ///
    /// The angle is rounded to a millidegree and the current to a microampere.
    #[must_use]
    pub fn load(voltage_uv: u32, active_mw: i64, reactive_mvar: i64, frequency_mhz: u32) -> Self {
        let (active, reactive) = (active_mw as f64 * 1e-3, reactive_mvar as f64 * 1e-3);
        let volts = f64::from(voltage_uv.max(1)) * 1e-6;
        let current = libm::hypot(active, reactive) / volts;
        let lag = libm::atan2(reactive, active) * 180.0 / PI;
        let current_ua = libm::round(current * 1e6) as u32;
        let lag_mdeg = libm::round(lag * 1e3) as i32;
        Self::sine(voltage_uv, current_ua, lag_mdeg, frequency_mhz)
    }
}

/// What one channel's rows show.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Raw {
    pub(super) voltage_rms: u32,
    pub(super) current_rms: u32,
    /// Active, fundamental, reactive, apparent (RMS).
    pub(super) powers: [i64; 4],
    /// Apparent power from the vectors.
    pub(super) vectorial: i64,
    /// Which of the two the apparent energy counts.
    pub(super) apparent_energy: i64,
    /// The line period in steps of 8 µs, when it is one the chip accepts.
    pub(super) period: Option<u32>,
    /// Peaks of the fundamentals as fractions of full scale: voltage, current.
    pub(super) peaks: [f64; 2],
    /// How far the current lags, in turns from 0 to 1.
    pub(super) lag: f64,
}

/// What the chip's settings and the board make of the signals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gains {
    /// RMS counts per volt.
    pub(super) per_volt: f64,
    /// RMS counts per ampere.
    pub(super) per_amp: f64,
    /// Delays in ticks of 128 µs.
    pub(super) voltage_delay: f64,
    pub(super) current_delay: f64,
    pub(super) coil: bool,
    pub(super) integrator: bool,
    /// High-pass filters bypassed: voltage, current.
    pub(super) bypass: [bool; 2],
}

/// Modulators run, and the reserved bits that must be 0x193 are.
fn modulator(half: u32) -> bool {
    half & 1 == 1
}

impl Gains {
    /// Of a channel, 0 or 1, whose voltage comes in at `source`.
    pub(super) fn of(memory: &Memory, board: &Board, channel: usize, source: usize) -> Self {
        let front = memory.config(12 + channel);
        let front_voltage = memory.config(12 + source);
        let volts_on = modulator(front_voltage) && field(front_voltage, 1, 15) == 0x193;
        let amps_on = modulator(front >> 16) && field(front, 17, 9) == 0x193;
        let calibrator = |code: u32| 0.75 + 0.125 * f64::from(code) / 2048.0;
        let volt_gain = calibrator(field(memory.config(4 + 2 * source), 0, 12));
        let amp_gain = calibrator(field(memory.config(5 + 2 * channel), 0, 12));
        let reference = f64::from(board.reference_uv) * 1e-6;
        let integrator = field(memory.config(channel), 21, 1) == 1;
        let kint = if integrator { 0.815_577_3 } else { 1.0 };
        let amplifier = f64::from(2 << field(front, 26, 2));
        let input = board.inputs[channel];
        let delays = memory.config(3);
        let current_delay = field(delays, if channel == 0 { 12 } else { 0 }, 10);
        let voltage_delay = field(delays, if source == 0 { 22 } else { 10 }, 2);
        Self {
            per_volt: f64::from(u8::from(volts_on)) * volt_gain * 2.0 * 32_768.0
                / (reference * board.inputs[source].divider),
            per_amp: f64::from(u8::from(amps_on))
                * (amp_gain * amplifier * 131_072.0 * input.sensitivity * kint)
                / reference,
            voltage_delay: f64::from(voltage_delay),
            current_delay: f64::from(current_delay) / 512.0,
            coil: input.coil,
            integrator,
            bypass: [
                field(memory.config(source), 19, 1) == 1,
                field(memory.config(channel), 20, 1) == 1,
            ],
        }
    }
}

/// Powers of a channel with its offsets: active, fundamental, reactive, apparent, vectorial; and
/// which of the last two the apparent energy counts.
pub(super) fn powers(memory: &Memory, channel: usize, exact: [f64; 4]) -> ([i64; 4], i64, i64) {
    let offset = |row: usize, low| 4 * signed(memory.config(row + 2 * channel), low, 10);
    let power = |value: f64, offset: i64| {
        let raw = libm::round(value) as i64;
        (raw + offset).clamp(-(1 << 28), (1 << 28) - 1)
    };
    let [active, fundamental, reactive, apparent] = exact;
    let all = [
        power(active, offset(8, 12)),
        power(fundamental, offset(8, 22)),
        power(reactive, offset(9, 12)),
        power(apparent, offset(9, 22)),
    ];
    let control = memory.config(channel);
    let along = if field(control, 18, 1) == 1 {
        active
    } else {
        fundamental
    };
    let vectorial = power(libm::hypot(along, reactive), offset(9, 22));
    let counted = if field(control, 17, 1) == 1 {
        vectorial
    } else {
        all[3]
    };
    (all, vectorial, counted)
}

/// The raw values of a channel, 0 or 1, whose voltage comes in at `source`.
pub(super) fn measure(
    memory: &Memory,
    board: &Board,
    channel: usize,
    source: usize,
    voltage: &Phasor,
    current: &Phasor,
) -> Raw {
    let gains = Gains::of(memory, board, channel, source);
    let Gains {
        per_volt, per_amp, ..
    } = gains;
    let volts = f64::from(voltage.voltage_uv) * 1e-6;
    let amps = f64::from(current.current_ua) * 1e-6;
    let fundamental_volts = f64::from(voltage.fundamental_uv) * 1e-6;
    let fundamental_amps = f64::from(current.fundamental_ua) * 1e-6;
    let angle = lag(memory, board, channel, source, current, gains.integrator);
    let fundamental_va = fundamental_volts * fundamental_amps;
    let fundamental = fundamental_va * libm::cos(angle);
    let reactive = fundamental_va * libm::sin(angle);
    let active = fundamental + current.harmonic_uw as f64 * 1e-6;
    let scale = |value: f64| value * per_volt * per_amp / 16.0;
    let exact = [active, fundamental, reactive, volts * amps].map(scale);
    let (powers, vectorial, apparent_energy) = powers(memory, channel, exact);
    let voltage_rms = libm::round(volts * per_volt) as u32;
    let turns = angle / (2.0 * PI);
    Raw {
        voltage_rms: voltage_rms.min(0x7FFF),
        current_rms: (libm::round(amps * per_amp) as u32).min(0x1_FFFF),
        powers,
        vectorial,
        apparent_energy,
        period: period(board, voltage).filter(|_| voltage_rms >= 64),
        peaks: [
            fundamental_volts * per_volt * SQRT_2 / 32_768.0,
            fundamental_amps * per_amp * SQRT_2 / 131_072.0,
        ],
        lag: turns - libm::floor(turns),
    }
}

/// The angle between the fundamentals as the chip sees it, in radians.
fn lag(
    memory: &Memory,
    board: &Board,
    channel: usize,
    source: usize,
    current: &Phasor,
    integrator: bool,
) -> f64 {
    let delays = memory.config(3);
    let current_delay = field(delays, if channel == 0 { 12 } else { 0 }, 10);
    let voltage_delay = field(delays, if source == 0 { 22 } else { 10 }, 2);
    let steps = f64::from(current_delay) - 512.0 * f64::from(voltage_delay);
    let frequency = f64::from(current.frequency_mhz) * 1e-3;
    let delayed = steps * 360.0 * frequency / (f64::from(board.crystal_hz) / 4.0);
    let quadrature = match (board.inputs[channel].coil, integrator) {
        (true, false) => -90.0,
        (false, true) => 90.0,
        _ => 0.0,
    };
    (f64::from(current.lag_mdeg) * 1e-3 + delayed + quadrature) * PI / 180.0
}

/// The line period, when it lies between 0x600 and 0xF00.
fn period(board: &Board, voltage: &Phasor) -> Option<u32> {
    let steps = u64::from(board.crystal_hz) * 1_000 / 128;
    let period = steps.checked_div(voltage.frequency_mhz.into())?;
    u32::try_from(period)
        .ok()
        .filter(|raw| (0x600..=0xF00).contains(raw))
}

/// A signed field of a row.
fn signed(row: u32, low: u32, width: u32) -> i64 {
    let raw = i64::from(field(row, low, width));
    if raw >> (width - 1) == 1 {
        raw - (1 << width)
    } else {
        raw
    }
}
