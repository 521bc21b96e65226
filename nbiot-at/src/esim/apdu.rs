//! Carries requests to the card in pieces, and puts its answer together.
//!
//! ```text
//! STORE DATA    80 E2 11 n Lc data 00    block n, more follow
//!               80 E2 91 n Lc data 00    block n, the last
//! GET RESPONSE  00 C0 00 00 xx           the next xx bytes of the answer, 00 for 256
//! answer        data SW1 SW2             90 00 done, 61 xx more to get, 6C xx ask again for xx
//! ```
//!
//! The number of the logical channel stands in the first byte of each command.
//!
//! Source: AT reference sections 19.1 and 19.2.

use core::fmt;
use core::num::NonZeroU8;

use super::Aid;
use super::tlv::BufferTooSmall;

/// Bytes of data in a block unless told otherwise: what every modem and card is known to take.
const BLOCK_SIZE: NonZeroU8 = NonZeroU8::MIN.saturating_add(119);

/// Blocks that can be numbered.
const MAX_BLOCKS: usize = 256;

/// Logical channel to an application of the card, 0 to 3: the two bits of a class byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Channel(u8);

impl Channel {
    /// Channel 0, which the modem itself uses for the SIM.
    pub const BASIC: Self = Self(0);

    /// The channel with this number; `None` above 3.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            0..=3 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number, 0 to 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The class byte `base` on this channel.
    const fn class(self, base: u8) -> u8 {
        base | self.0
    }
}

/// One command to the card, borrowing its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Apdu<'a> {
    /// Class, instruction, two parameters, and the length of the data or of the answer.
    header: [u8; 5],
    data: &'a [u8],
    /// Length of the answer, behind data.
    expected: Option<u8>,
}

impl<'a> Apdu<'a> {
    /// MANAGE CHANNEL: opens a channel. The card answers with its number in one byte.
    ///
    /// For modems that have `+CSIM` but not `+CCHO`.
    pub const OPEN_CHANNEL: Apdu<'static> = Apdu::short([0x00, 0x70, 0x00, 0x00, 0x01]);

    /// MANAGE CHANNEL: closes a channel.
    #[must_use]
    pub const fn close_channel(channel: Channel) -> Self {
        Self::short([0x00, 0x70, 0x80, channel.0, 0x00])
    }

    /// SELECT: connects the channel with an application.
    #[must_use]
    pub fn select(channel: Channel, aid: Aid<'a>) -> Self {
        let data = aid.bytes();
        // An AID has at most sixteen bytes.
        let length = u8::try_from(data.len()).unwrap_or_default();
        Self {
            header: [channel.class(0x00), 0xa4, 0x04, 0x00, length],
            data,
            expected: None,
        }
    }

    const fn short(header: [u8; 5]) -> Self {
        Self {
            header,
            data: &[],
            expected: None,
        }
    }

    const fn get_response(channel: Channel, expected: u8) -> Self {
        Self::short([channel.class(0x00), 0xc0, 0x00, 0x00, expected])
    }

    /// The bytes to send.
    pub fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        let header = self.header.into_iter();
        header.chain(self.data.iter().copied()).chain(self.expected)
    }

    /// Number of bytes to send, 5 to 261.
    #[expect(clippy::len_without_is_empty, reason = "a command is never empty")]
    #[must_use]
    pub const fn len(self) -> usize {
        let expected = self.expected.is_some() as usize;
        self.header.len() + self.data.len() + expected
    }
}

/// Why the card or the caller ended an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ApduError {
    /// 6A82, application not found: the SIM is no eUICC, or none of this kind.
    NoEuicc,
    /// 6985, 6A88 or 6E00: the card is an eUICC and does not do this, now or ever.
    Refused(u16),
    /// Any other status that is no success, or one that would never end.
    Status(u16),
    /// The answer has less than the two bytes of its status.
    Truncated,
    /// The buffer for the answer is too small; what is needed is so at least.
    Buffer(BufferTooSmall),
    /// The request is empty, or has more than 256 blocks.
    RequestLength,
    /// An answer while no command is open.
    NoCommand,
}

impl fmt::Display for ApduError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEuicc => f.write_str("SIM is no eUICC"),
            Self::Refused(status) => write!(f, "card refused the command ({status:04X})"),
            Self::Status(status) => write!(f, "card answered with status {status:04X}"),
            Self::Truncated => f.write_str("answer without status"),
            Self::Buffer(error) => error.fmt(f),
            Self::RequestLength => f.write_str("request empty or too long"),
            Self::NoCommand => f.write_str("answer without command"),
        }
    }
}

impl core::error::Error for ApduError {}

/// What the status at the end of an answer asks for.
enum Status {
    Done,
    /// 61 xx: get xx more bytes.
    More(u8),
    /// 6C xx: ask again for xx bytes.
    Again(u8),
}

/// The data of an answer, and what its status asks for.
fn split(answer: &[u8]) -> Result<(&[u8], u16, Status), ApduError> {
    let (data, status) = answer.split_last_chunk().ok_or(ApduError::Truncated)?;
    let code = u16::from_be_bytes(*status);
    let status = match *status {
        // 91 xx is not in the reference. It is taken as success, since cards that owe the modem a
        // command of their own, such as the REFRESH behind a switch of profiles, end so; what the
        // answer holds is looked at all the same.
        [0x90, 0x00] | [0x91, _] => Status::Done,
        [0x61, length] => Status::More(length),
        [0x6c, length] => Status::Again(length),
        [0x6a, 0x82] => return Err(ApduError::NoEuicc),
        [0x69, 0x85] | [0x6a, 0x88] | [0x6e, 0x00] => return Err(ApduError::Refused(code)),
        _ => return Err(ApduError::Status(code)),
    };
    Ok((data, code, status))
}

/// The data of the answer to [`Apdu::select`], [`Apdu::OPEN_CHANNEL`] or [`Apdu::close_channel`].
///
/// More data that the card has to tell of a selected application need not be got.
///
/// # Errors
///
/// [`ApduError`] if the command failed; [`ApduError::NoEuicc`] if there is no such application.
pub fn accept(answer: &[u8]) -> Result<&[u8], ApduError> {
    match split(answer)? {
        (data, _, Status::Done | Status::More(_)) => Ok(data),
        (_, code, Status::Again(_)) => Err(ApduError::Status(code)),
    }
}

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Progress {
    /// [`StoreData::next`] has another command.
    More,
    /// The answer is whole and has this many bytes.
    Done(usize),
}

/// What the card is to be sent next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Block,
    Rest,
    /// The exchange ended, well or not.
    Ended,
}

/// One request on its way to the card, and the answer on its way back.
///
/// ```text
///           9000, more blocks        61xx, with data
///            ┌──────────┐             ┌──────────┐
///            ▼          │    61xx     ▼          │   9000, no more blocks
///  new ──► Block ───────┴────────►  Rest ────────┴──────────► Ended
///            ▲                        │                         ▲
///            └────────────────────────┘                         │
///               9000, more blocks          anything else ───────┘
/// ```
///
/// 6Cxx repeats the same command once. The exchange is bounded: each command but for the repeated
/// ones sends a block, gets data, or is the last.
///
/// ```
/// use nbiot_at::esim::apdu::{Channel, Progress, StoreData};
///
/// # fn card(command: &[u8]) -> Vec<u8> {
/// #     assert_eq!(command, [0x81, 0xe2, 0x91, 0x00, 0x03, 0xbf, 0x2d, 0x00, 0x00]);
/// #     vec![0xbf, 0x2d, 0x02, 0xa0, 0x00, 0x90, 0x00]
/// # }
/// let channel = Channel::new(1).ok_or("no channel")?;
/// let mut response = [0; 512];
/// let mut exchange = StoreData::new(channel, &[0xbf, 0x2d, 0x00], &mut response)?;
/// while let Some(command) = exchange.next() {
///     let command: Vec<u8> = command.bytes().collect();
///     // Here the modem takes the command and brings the answer.
///     exchange.answer(&card(&command))?;
/// }
/// assert_eq!(exchange.response(), [0xbf, 0x2d, 0x02, 0xa0, 0x00]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StoreData<'a> {
    channel: Channel,
    block_size: NonZeroU8,
    request: &'a [u8],
    /// Bytes of the request that the card has.
    sent: usize,
    response: &'a mut [u8],
    /// Bytes of the response so far.
    length: usize,
    step: Step,
    /// Length of the answer to ask for, 0 for 256 or any.
    expected: u8,
    /// The command was sent a second time, with the length that the card asked for.
    repeated: bool,
}

impl<'a> StoreData<'a> {
    /// Sends `request` in blocks of 120 bytes, and puts the answer into `response`.
    ///
    /// # Errors
    ///
    /// [`ApduError::RequestLength`] if the request is empty or exceeds 30,720 bytes.
    pub const fn new(
        channel: Channel,
        request: &'a [u8],
        response: &'a mut [u8],
    ) -> Result<Self, ApduError> {
        Self::with_block_size(channel, BLOCK_SIZE, request, response)
    }

    /// As [`new`](Self::new), in blocks of 1 to 255 bytes.
    ///
    /// The modem takes two characters a byte on its command line, and twelve more.
    ///
    /// # Errors
    ///
    /// [`ApduError::RequestLength`] if the request is empty or exceeds 256 blocks.
    pub const fn with_block_size(
        channel: Channel,
        block_size: NonZeroU8,
        request: &'a [u8],
        response: &'a mut [u8],
    ) -> Result<Self, ApduError> {
        let blocks = request.len().div_ceil(block_size.get() as usize);
        if blocks == 0 || blocks > MAX_BLOCKS {
            return Err(ApduError::RequestLength);
        }
        Ok(Self {
            channel,
            block_size,
            request,
            sent: 0,
            response,
            length: 0,
            step: Step::Block,
            expected: 0,
            repeated: false,
        })
    }

    /// The command to send now; `None` once the exchange has ended.
    ///
    /// It is the same until its answer is given.
    #[must_use]
    pub fn next(&self) -> Option<Apdu<'_>> {
        match self.step {
            Step::Block => self.store_data(),
            Step::Rest => Some(Apdu::get_response(self.channel, self.expected)),
            Step::Ended => None,
        }
    }

    /// Takes the answer to the last command, the status at its end.
    ///
    /// # Errors
    ///
    /// [`ApduError`], after which the exchange has ended and has to be begun anew.
    pub fn answer(&mut self, answer: &[u8]) -> Result<Progress, ApduError> {
        let progress = self.advance(answer);
        if !matches!(progress, Ok(Progress::More)) {
            self.step = Step::Ended;
        }
        progress
    }

    /// What there is of the answer, without status; all of it after [`Progress::Done`].
    #[must_use]
    pub fn response(&self) -> &[u8] {
        self.response.get(..self.length).unwrap_or_default()
    }

    /// The answer, for as long as its buffer lives.
    #[must_use]
    pub fn into_response(self) -> &'a [u8] {
        let response: &[u8] = self.response;
        response.get(..self.length).unwrap_or_default()
    }

    /// The part of the request from `sent` on, and whether it is the last.
    fn block(&self) -> (&'a [u8], bool) {
        let rest = self.request.get(self.sent..).unwrap_or_default();
        let size = usize::from(self.block_size.get());
        match rest.split_at_checked(size) {
            Some((block, behind)) => (block, behind.is_empty()),
            None => (rest, true),
        }
    }

    fn store_data(&self) -> Option<Apdu<'_>> {
        let (data, last) = self.block();
        let number = self.sent / usize::from(self.block_size.get());
        let number = u8::try_from(number).ok()?;
        let length = u8::try_from(data.len()).ok()?;
        let kind = if last { 0x91 } else { 0x11 };
        Some(Apdu {
            header: [self.channel.class(0x80), 0xe2, kind, number, length],
            data,
            expected: Some(self.expected),
        })
    }

    fn advance(&mut self, answer: &[u8]) -> Result<Progress, ApduError> {
        if matches!(self.step, Step::Ended) {
            return Err(ApduError::NoCommand);
        }
        let (data, code, status) = split(answer)?;
        match status {
            Status::Again(_) if self.repeated => Err(ApduError::Status(code)),
            Status::Again(expected) => {
                self.repeated = true;
                self.expected = expected;
                Ok(Progress::More)
            }
            Status::More(_) if data.is_empty() && matches!(self.step, Step::Rest) => {
                Err(ApduError::Status(code))
            }
            Status::More(expected) => {
                self.append(data)?;
                self.go(Step::Rest, expected)
            }
            Status::Done => {
                self.append(data)?;
                let (block, last) = self.block();
                self.sent += block.len();
                if last {
                    return Ok(Progress::Done(self.length));
                }
                self.go(Step::Block, 0)
            }
        }
    }

    const fn go(&mut self, step: Step, expected: u8) -> Result<Progress, ApduError> {
        self.step = step;
        self.expected = expected;
        self.repeated = false;
        Ok(Progress::More)
    }

    fn append(&mut self, data: &[u8]) -> Result<(), ApduError> {
        let end = self.length.saturating_add(data.len());
        let Some(room) = self.response.get_mut(self.length..end) else {
            return Err(ApduError::Buffer(BufferTooSmall { needed: end }));
        };
        for (to, from) in room.iter_mut().zip(data) {
            *to = *from;
        }
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
#[path = "apdu_tests.rs"]
mod tests;
