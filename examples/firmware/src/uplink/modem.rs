//! The modem's start.

use embedded_io_async::{Read, Write};
use nbiot_at::ErrorKind;
use nbiot_at::asynch::Modem;

use crate::board::{PowerKey, Time};

/// How long the power key is pressed to switch the modem on (bg96.md section 3.1).
const KEY_ON_MS: u32 = 600;

/// Starts the modem. The power key is pressed only when it does not answer at all: a second pulse
/// on a running module switches it off (bg96.md section 3.1).
pub(super) async fn start_modem<S: Read + Write, T: Time>(
    modem: &mut Modem<S, T, 1>,
    key: &mut impl PowerKey,
) -> Result<(), nbiot_at::Error<S::Error>> {
    match modem.start().await {
        Err(error) if error.kind() == ErrorKind::Power => {
            key.press(KEY_ON_MS).await;
            modem.start().await
        }
        started => started,
    }
}
