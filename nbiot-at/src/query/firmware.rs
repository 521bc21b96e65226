//! Update of the module's own firmware, AT reference section 20.

use super::{LOCAL, commands};

/// Begins an update, `AT+QFOTADL=`. `OK` says no more than that: how it goes on is told by
/// [`Notice::Update`](crate::Notice::Update), and at its end the module restarts by itself.
///
/// Keep the module powered, and check the supply before. From
/// [`Begun`](crate::Update::Begun) on send nothing: it answers nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateFirmware<'a> {
    /// The package at `http://host[:port]/path`, or `https`; at most 178 characters.
    From(&'a str),
    /// The package that is in the module already, `/fota/update.zip`.
    Stored,
}

commands! {
    UpdateFirmware<'_>, LOCAL, |this, line| {
        line.text("AT+QFOTADL=");
        match this {
            Self::From(url) => line.parameter(url),
            Self::Stored => line.text("1"),
        };
    };
}
