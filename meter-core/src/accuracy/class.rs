//! Accuracy classes and the loads their limits are stated for.

/// An accuracy class, and with it the standard and edition it is defined in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Class {
    /// Active energy, class 0.2S, IEC 62053-22:2003.
    Active02S,
    /// Active energy, class 0.5S, IEC 62053-22:2003.
    Active05S,
    /// Active energy, class 1, IEC 62053-21:2003.
    Active1,
    /// Active energy, class 2, IEC 62053-21:2003.
    Active2,
    /// Reactive energy, class 2, IEC 62053-23:2003.
    Reactive2,
    /// Reactive energy, class 3, IEC 62053-23:2003.
    Reactive3,
    /// Reactive energy of the fundamental, class 0.5S, IEC 62053-24.
    Reactive05S,
    /// Reactive energy of the fundamental, class 1S, IEC 62053-24.
    Reactive1S,
    /// Active energy, class A, EN 50470-3:2006.
    A,
    /// Active energy, class B, EN 50470-3:2006.
    B,
    /// Active energy, class C, EN 50470-3:2006.
    C,
}

impl Class {
    /// Every class, in the order of the standards.
    pub const ALL: [Self; 11] = [
        Self::Active02S,
        Self::Active05S,
        Self::Active1,
        Self::Active2,
        Self::Reactive2,
        Self::Reactive3,
        Self::Reactive05S,
        Self::Reactive1S,
        Self::A,
        Self::B,
        Self::C,
    ];

    /// The standard and the edition whose limits this crate holds for the class. Later editions
    /// exist, IEC 62053-22:2020 and EN 50470-3:2022 among them: before a claim of conformity
    /// compare the limits with the edition in force.
    #[must_use]
    pub const fn edition(self) -> &'static str {
        match self {
            Self::Active02S | Self::Active05S => "IEC 62053-22:2003",
            Self::Active1 | Self::Active2 => "IEC 62053-21:2003",
            Self::Reactive2 | Self::Reactive3 => "IEC 62053-23:2003",
            Self::Reactive05S | Self::Reactive1S => "IEC 62053-24",
            Self::A | Self::B | Self::C => "EN 50470-3:2006",
        }
    }

    /// Whether the class is of EN 50470-3, whose currents are relative to Itr.
    #[must_use]
    pub const fn is_european(self) -> bool {
        matches!(self, Self::A | Self::B | Self::C)
    }

    /// Whether the class exists only for meters connected through transformers (the S classes).
    #[must_use]
    pub const fn is_transformer_only(self) -> bool {
        matches!(
            self,
            Self::Active02S | Self::Active05S | Self::Reactive05S | Self::Reactive1S
        )
    }

    /// C of the no-load formula of the IEC classes, in min V A imp / (1e6 kWh): see
    /// [`NoLoad::Maximum`](super::NoLoad::Maximum). `None` for the reactive S classes and for
    /// A, B and C, which have another formula or none in this crate.
    #[must_use]
    pub const fn no_load_factor(self) -> Option<u32> {
        match self {
            Self::Active02S => Some(900),
            Self::Active05S | Self::Active1 => Some(600),
            Self::Active2 | Self::Reactive2 => Some(480),
            Self::Reactive3 => Some(300),
            Self::Reactive05S | Self::Reactive1S | Self::A | Self::B | Self::C => None,
        }
    }

    /// The starting current in thousandths of Ib or In, of Itr for A, B and C (where it is the
    /// largest allowed). `None` for the reactive S classes, and where `connection` does not exist.
    pub(super) const fn starting_permille(self, connection: Connection) -> Option<u32> {
        use Connection::{Direct, Transformer};
        match (self, connection) {
            (Self::Active02S | Self::Active05S, Transformer) => Some(1),
            (Self::Active1, Direct) => Some(4),
            (Self::Active1, Transformer) => Some(2),
            (Self::Active2 | Self::Reactive2, Direct) => Some(5),
            (Self::Active2 | Self::Reactive2, Transformer) => Some(3),
            (Self::Reactive3, Direct) => Some(10),
            (Self::Reactive3, Transformer) => Some(5),
            (Self::A, Direct) => Some(50),
            (Self::B | Self::C, Direct) | (Self::B, Transformer) => Some(40),
            (Self::A, Transformer) => Some(60),
            (Self::C, Transformer) => Some(20),
            (Self::Active02S | Self::Active05S, Direct)
            | (Self::Reactive05S | Self::Reactive1S, _) => None,
        }
    }

    /// The largest Imin in thousandths of Itr; `None` for the IEC classes.
    pub(super) const fn minimum_permille(self, connection: Connection) -> Option<u32> {
        match (self, connection) {
            (Self::A | Self::B, Connection::Direct) => Some(500),
            (Self::C, Connection::Direct) => Some(300),
            (Self::A, Connection::Transformer) => Some(400),
            (Self::B | Self::C, Connection::Transformer) => Some(200),
            _ => None,
        }
    }

    /// The least Imax as a multiple of the reference current: 50 Itr direct and 1.2 In = 24 Itr
    /// through a transformer for A, B and C, otherwise the reference current itself.
    pub(super) const fn maximum_multiple(self, connection: Connection) -> u64 {
        match (self.is_european(), connection) {
            (true, Connection::Direct) => 50,
            (true, Connection::Transformer) => 24,
            (false, _) => 1,
        }
    }
}

/// How a meter is connected to the current it measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Connection {
    /// The current flows through the meter; its bands count from Ib.
    Direct,
    /// The current flows through a transformer; its bands count from In.
    Transformer,
}

/// How the phases are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Load {
    /// All phases alike; also any load of a single-phase meter.
    Balanced,
    /// One phase of a poly-phase meter is loaded, with balanced voltages on all.
    SinglePhase,
}

/// The phase of the load: a power factor for active classes, sin phi for reactive ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Factor {
    /// Power factor 1.
    Unity,
    /// Power factor 0.5 inductive.
    HalfInductive,
    /// Power factor 0.8 capacitive.
    EightTenthsCapacitive,
    /// Power factor 0.25 inductive, tested on request.
    QuarterInductive,
    /// Power factor 0.5 capacitive, tested on request.
    HalfCapacitive,
    /// sin phi 1, inductive or capacitive.
    SinUnity,
    /// sin phi 0.5, inductive or capacitive.
    SinHalf,
    /// sin phi 0.25, inductive or capacitive.
    SinQuarter,
}

impl Factor {
    /// Every factor, those of active classes first.
    pub const ALL: [Self; 8] = [
        Self::Unity,
        Self::HalfInductive,
        Self::EightTenthsCapacitive,
        Self::QuarterInductive,
        Self::HalfCapacitive,
        Self::SinUnity,
        Self::SinHalf,
        Self::SinQuarter,
    ];
}
