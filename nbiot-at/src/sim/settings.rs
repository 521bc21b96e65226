//! What the model is, how fast, and what surrounds it.

use core::time::Duration;

use crate::command::radio::Access;
use crate::text::Text;

/// The SIM card in the modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Card {
    /// No PIN.
    Open,
    /// Locked with PIN 1234.
    Pin,
    /// Blocked: asks for its PUK.
    Puk,
    /// No card.
    Missing,
}

/// What the network thinks of the modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mood {
    /// Registered at home.
    Home,
    /// Registered abroad.
    Roaming,
    /// Registration denied.
    Denied,
    /// No cell.
    NoCell,
}

/// What a loss of the network does to the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// They stall, and go on afterwards.
    Silent,
    /// They are closed.
    Sockets,
    /// The packet context is deactivated.
    Context,
}

/// The timers of power saving mode that the network grants, whatever is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PsmGrant {
    /// T3412 extended, as eight digits of the octet and as a time.
    pub periodic: (&'static str, Duration),
    /// T3324.
    pub active: (&'static str, Duration),
}

impl PsmGrant {
    /// An hour, and a minute.
    pub const HOURLY: Self = Self {
        periodic: ("00000110", Duration::from_secs(3_600)),
        active: ("00100001", Duration::from_secs(60)),
    };
}

/// How fast the model is, and what it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// On, and deaf until it is reset.
    pub hangs: bool,
    /// Switches off without `POWERED DOWN`.
    pub goes_silently: bool,
    /// Power key to `RDY`.
    pub boot: Duration,
    /// `RDY` to `APP RDY`; the SIM is ready half a second later.
    pub application: Duration,
    /// SIM ready to registered.
    pub registration: Duration,
    /// Time of a packet context activation.
    pub activation: Duration,
    /// Time of a local command.
    pub answer: Duration,
    /// Time of bytes from the peer on the air.
    pub air: Duration,
    /// The SIM.
    pub card: Card,
    /// The network.
    pub mood: Mood,
    /// Reference signal received power, dBm.
    pub rsrp: i16,
    /// What it speaks, and in which band of LTE.
    pub access: Access,
    /// See `access`.
    pub band: u8,
    /// What the network thinks of each profile of an eUICC, where that differs.
    pub moods: [Option<Mood>; 2],
    /// The card is an eUICC with two profiles.
    pub is_euicc: bool,
    /// The modem has `+CCHO`, `+CGLA` and `+CCHC`.
    pub has_cgla: bool,
    /// The modem has `+CSIM`.
    pub has_csim: bool,
    /// A switch of profiles restarts the card, if it was asked to.
    pub refreshes: bool,
    /// Power saving mode, once the modem asks for it; `None` is not granted.
    pub psm: Option<PsmGrant>,
    /// Says `POWERED DOWN` when it goes to sleep, as the BG96 does, and not `PSM POWER DOWN`.
    pub sleeps_without_a_word: bool,
    /// Without traffic the network releases the connection after this time.
    pub release: Duration,
    /// Cycle and paging time window of eDRX that the network grants, as four digits each.
    pub edrx: Option<(&'static str, &'static str)>,
    /// Refuse this many packet context activations.
    pub refuse_contexts: u8,
    /// Fail the first activation although the context is then active, as some firmware does.
    pub activation_quirk: bool,
    /// UTC at virtual zero, seconds since 1970; `None`: the network gives no time.
    pub unix: Option<u64>,
    /// The same of the time server that the network reaches; `None`: there is none.
    pub time_server: Option<u64>,
    /// The network names a server for names.
    pub has_name_servers: bool,
    /// Time to a fix of the receiver for satellites; `None`: it sees none.
    pub first_fix: Option<Duration>,
    /// What it says that it has free for files, bytes; `None`: what it has.
    pub room: Option<usize>,
    /// Spoils a byte of what is written to a file.
    pub spoils_files: bool,
    /// TLS knows `sni` and `checkhost`, as that of the BG95.
    pub checks_names: bool,
    /// How an update of its firmware ends: 0, or a number of AT reference sections 20 or 22.4.
    pub update_error: u16,
    /// Serial number.
    pub imei: Text<15>,
}

impl Settings {
    pub(super) const fn new() -> Self {
        Self {
            hangs: false,
            goes_silently: false,
            boot: Duration::from_millis(4900),
            application: Duration::from_millis(1500),
            registration: Duration::from_secs(4),
            activation: Duration::from_millis(800),
            answer: Duration::from_millis(10),
            air: Duration::from_millis(300),
            card: Card::Open,
            mood: Mood::Home,
            rsrp: -83,
            access: Access::NbIot,
            band: 20,
            moods: [None; 2],
            is_euicc: false,
            has_cgla: true,
            has_csim: true,
            refreshes: true,
            psm: None,
            sleeps_without_a_word: false,
            release: Duration::from_secs(10),
            edrx: None,
            refuse_contexts: 0,
            activation_quirk: false,
            unix: Some(1_767_225_600),
            time_server: None,
            has_name_servers: true,
            first_fix: Some(Duration::from_secs(30)),
            room: None,
            spoils_files: false,
            checks_names: false,
            update_error: 0,
            imei: Text::new(),
        }
    }

    /// `<AcT>`
    pub(super) const fn access_number(&self) -> u8 {
        match self.access {
            Access::Gsm => 0,
            Access::LteM => 8,
            Access::NbIot => 9,
            Access::Other(number) => number,
        }
    }
}
