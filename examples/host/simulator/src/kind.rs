//! The three kinds of meter: what is soldered on the board, and what the firmware is told of it.

use std::cell::RefCell;

use firmware::metering::{SinglePhase, ThreePhase};
use stpm3x::asynch::{SharedSyn, Spi, Stpm3x, Uart};
use stpm3x::sim::{self, Board, Chip, Delay, Input, Interface, Line, Pin};
use stpm3x::{
    Channel, Config, Divider, FrontEnd, Gain, Part, Pins, Scales, Sensor, Stpm32, Stpm33, Stpm34,
};

use crate::household::Wiring;

/// A kind of meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Single-phase, STPM32 with a shunt of 300 µΩ, on a UART.
    Shunt,
    /// Three-phase, STPM34 on L1 and L2 and STPM33 on L3, current transformers, on SPI.
    Transformer,
    /// Single-phase, STPM33 with a Rogowski coil, on SPI.
    Rogowski,
}

const UPPER_OHMS: u32 = 770_000;
const LOWER_OHMS: u32 = 470;
const SHUNT_MICRO_OHMS: u32 = 300;
const TURNS: u32 = 2_500;
const BURDEN_MILLIOHMS: u32 = 6_800;
const COIL_MICROVOLTS_PER_AMP: u32 = 150;

impl Kind {
    /// All kinds, in the order in which a fleet takes them in turn.
    pub const ALL: [Self; 3] = [Self::Shunt, Self::Transformer, Self::Rogowski];

    /// What the birth says of the hardware.
    #[must_use]
    pub const fn hardware(self) -> &'static str {
        match self {
            Self::Shunt => "stpm32-shunt",
            Self::Transformer => "stpm34+33-ct",
            Self::Rogowski => "stpm33-rogowski",
        }
    }

    /// How the household behind it is wired.
    #[must_use]
    pub const fn wiring(self) -> Wiring {
        match self {
            Self::Transformer => Wiring::ThreePhase,
            Self::Shunt | Self::Rogowski => Wiring::SinglePhase,
        }
    }

    /// The chips on the board, without power.
    #[must_use]
    pub fn chips(self) -> Vec<RefCell<Chip>> {
        let (parts, input): (&[Part], _) = match self {
            Self::Shunt => (
                &[Part::Stpm32],
                Input::shunt(UPPER_OHMS, LOWER_OHMS, SHUNT_MICRO_OHMS),
            ),
            Self::Transformer => (
                &[Part::Stpm34, Part::Stpm33],
                Input::transformer(UPPER_OHMS, LOWER_OHMS, TURNS, BURDEN_MILLIOHMS),
            ),
            Self::Rogowski => (
                &[Part::Stpm33],
                Input::coil(UPPER_OHMS, LOWER_OHMS, COIL_MICROVOLTS_PER_AMP),
            ),
        };
        let chip = |&part| RefCell::new(Chip::new(part, Board::new(input)));
        parts.iter().map(chip).collect()
    }

    /// The serial interface that the board chooses at power-up.
    #[must_use]
    pub const fn interface(self) -> Interface {
        match self {
            Self::Shunt => Interface::Uart,
            Self::Transformer | Self::Rogowski => Interface::Spi,
        }
    }

    /// Where each phase of the household is connected: the chip's number and its channel.
    #[must_use]
    pub const fn phases(self) -> &'static [(usize, Channel)] {
        match self {
            Self::Shunt | Self::Rogowski => &[(0, Channel::Primary)],
            Self::Transformer => &[
                (0, Channel::Primary),
                (0, Channel::Secondary),
                (1, Channel::Primary),
            ],
        }
    }

    fn front_end(self) -> FrontEnd {
        let divider = Divider {
            upper_ohms: UPPER_OHMS,
            lower_ohms: LOWER_OHMS,
        };
        let (sensor, gain) = match self {
            Self::Shunt => (
                Sensor::Shunt {
                    micro_ohms: SHUNT_MICRO_OHMS,
                },
                Gain::X16,
            ),
            Self::Transformer => (
                Sensor::CurrentTransformer {
                    turns: TURNS,
                    burden_milliohms: BURDEN_MILLIOHMS,
                },
                Gain::X2,
            ),
            Self::Rogowski => (
                Sensor::Rogowski {
                    microvolts_per_amp: COIL_MICROVOLTS_PER_AMP,
                },
                Gain::X16,
            ),
        };
        FrontEnd::new(divider, sensor, gain)
    }

    /// The scales of every channel of the board.
    #[must_use]
    pub fn scales(self) -> Option<Scales> {
        self.front_end().scales().ok()
    }
}

/// A UART with SYN and SCS, as the shunt meter has it.
type ShuntBus<'a> = Uart<sim::Uart<'a>, Pin<'a>, Pin<'a>>;

/// The chip of a [`Kind::Shunt`] meter.
#[must_use]
pub fn shunt(chips: &[RefCell<Chip>]) -> Option<SinglePhase<ShuntBus<'_>, Delay<'_>, Stpm32>> {
    let [chip] = chips else { return None };
    let pins = Pins::none()
        .with_syn(Pin::new([chip], Line::Syn))
        .with_scs(Pin::new([chip], Line::Scs));
    let bus = Uart::new(sim::Uart::new(chip), pins);
    let config = Config::new(Kind::Shunt.front_end()).ok()?;
    Some(SinglePhase::new(Stpm3x::new(bus, Delay(chip), config)))
}

/// The chip of a [`Kind::Rogowski`] meter.
#[must_use]
pub fn rogowski(
    chips: &[RefCell<Chip>],
) -> Option<SinglePhase<Spi<sim::SpiDevice<'_>, Pin<'_>>, Delay<'_>, Stpm33>> {
    let [chip] = chips else { return None };
    let pins = Pins::none().with_syn(Pin::new([chip], Line::Syn));
    let bus = Spi::new(sim::SpiDevice(chip), pins);
    let config = Config::new(Kind::Rogowski.front_end()).ok()?;
    Some(SinglePhase::new(Stpm3x::new(bus, Delay(chip), config)))
}

/// Two chips on SPI with a common SYN.
type TwoChips<'a> = ThreePhase<
    Spi<sim::SpiDevice<'a>>,
    Spi<sim::SpiDevice<'a>>,
    Pin<'a, 2>,
    Delay<'a>,
    Stpm34,
    Stpm33,
>;

/// The chips of a [`Kind::Transformer`] meter.
#[must_use]
pub fn transformer(chips: &[RefCell<Chip>]) -> Option<TwoChips<'_>> {
    let [first, second] = chips else { return None };
    let front_end = Kind::Transformer.front_end();
    let config = Config::<Stpm34>::new(front_end)
        .ok()?
        .with_secondary(front_end)
        .ok()?;
    let bus = |chip| Spi::new(sim::SpiDevice(chip), Pins::none());
    let a = Stpm3x::new(bus(first), Delay(first), config);
    let config = Config::new(front_end).ok()?;
    let b = Stpm3x::new(bus(second), Delay(second), config);
    let syn = SharedSyn::new(Pin::new([first, second], Line::Syn));
    ThreePhase::new(a, b, syn, Delay(first))
}
