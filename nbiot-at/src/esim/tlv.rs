//! Tag, length, value: a reader that trusts nothing and a writer into a given buffer.
//!
//! ```text
//! tag     1 to 3 bytes   5A, 9F70: the low five bits of the first byte all set mean "goes on",
//!                        as does the high bit of each byte behind it
//! length  1 to 4 bytes   00-7F, 81 LL, 82 LLLL, 83 LLLLLL
//! value   as many bytes as the length says; objects again if the tag is constructed
//! ```
//!
//! Source: BER-TLV with DER lengths, AT reference section 19.2. The reader takes any definite
//! length of at most three bytes, the writer makes the shortest one, as DER demands.

use core::fmt;

/// The largest length that three bytes can say.
const MAX_LENGTH: usize = 0xff_ffff;

/// Tag of one to three bytes, as the bytes stand on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(u32);

impl Tag {
    /// The tag whose bytes, most significant first, are `raw`: `0x5a`, `0xbf2d`, `0x9f70`.
    ///
    /// `None` if these are not the bytes of exactly one tag, or more than three.
    #[must_use]
    pub const fn new(raw: u32) -> Option<Self> {
        const MORE: u32 = 0x80;
        let [_, high, middle, low] = raw.to_be_bytes();
        let valid = match raw {
            0x01..=0xff => !goes_on(low),
            0x100..=0xffff => goes_on(middle) && raw & MORE == 0,
            // A number that begins with seven zero bits has a shorter form.
            0x1_0000..=0xff_ffff => goes_on(high) && middle > 0x80 && raw & MORE == 0,
            _ => false,
        };
        if valid { Some(Self(raw)) } else { None }
    }

    /// A tag known when the crate is written.
    pub(super) const fn known(raw: u32) -> Self {
        Self(raw)
    }

    /// The bytes as one number, most significant first.
    #[must_use]
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// Number of bytes on the wire, 1 to 3.
    #[must_use]
    pub const fn size(self) -> usize {
        match self.0 {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 3,
        }
    }

    /// The bytes on the wire.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        self.0.to_be_bytes().into_iter().skip(4 - self.size())
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TlvError> {
        let first = cursor.byte()?;
        let mut raw = u32::from(first);
        if goes_on(first) {
            loop {
                let next = cursor.byte()?;
                raw = raw << 8 | u32::from(next);
                if next & 0x80 == 0 || raw > 0xffff {
                    break;
                }
            }
        }
        Self::new(raw).ok_or(TlvError::BadTag)
    }
}

/// Whether a first byte says that the tag has more of them.
const fn goes_on(first: u8) -> bool {
    first & 0x1f == 0x1f
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The bytes in hexadecimal: `BF2D`.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$X}", self.0, width = 2 * self.size())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Tag {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=u32:X}", self.0);
    }
}

/// Why bytes are no sequence of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TlvError {
    /// The bytes end within a tag or a length.
    Truncated,
    /// The value of this tag reaches beyond the end.
    Overrun(Tag),
    /// The tag is 00 or has more than three bytes.
    BadTag,
    /// The length of this tag has more than three bytes.
    BadLength(Tag),
    /// The length of this tag is the indefinite one, 80: a card never sends it.
    Indefinite(Tag),
}

impl fmt::Display for TlvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("data end within a tag or length"),
            Self::Overrun(tag) => write!(f, "value of {tag} reaches beyond the data"),
            Self::BadTag => f.write_str("tag is 00 or too long"),
            Self::BadLength(tag) => write!(f, "length of {tag} is too long"),
            Self::Indefinite(tag) => write!(f, "length of {tag} is indefinite"),
        }
    }
}

impl core::error::Error for TlvError {}

/// One object: its tag and its value, borrowed from what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is.
    pub tag: Tag,
    /// What it holds.
    pub value: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The objects within the value, for a constructed tag.
    #[must_use]
    pub const fn children(self) -> Reader<'a> {
        Reader::new(self.value)
    }

    /// The value as an unsigned number, most significant byte first.
    ///
    /// `None` if it is empty or exceeds 32 bits; zeros in front are skipped.
    #[must_use]
    pub fn number(self) -> Option<u32> {
        let add = |number: u32, byte: &u8| {
            let shifted = number.checked_mul(0x100)?;
            Some(shifted | u32::from(*byte))
        };
        let digits = Some(self.value).filter(|value| !value.is_empty())?;
        digits.iter().try_fold(0, add)
    }
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8, TlvError> {
        let (first, rest) = self.0.split_first().ok_or(TlvError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    fn length(&mut self, tag: Tag) -> Result<usize, TlvError> {
        let first = self.byte()?;
        let count = match first {
            0..=0x7f => return Ok(usize::from(first)),
            0x80 => return Err(TlvError::Indefinite(tag)),
            0x81..=0x83 => first & 0x03,
            _ => return Err(TlvError::BadLength(tag)),
        };
        (0..count).try_fold(0, |length, _| Ok(length << 8 | usize::from(self.byte()?)))
    }

    fn object(&mut self) -> Result<Tlv<'a>, TlvError> {
        let tag = Tag::read(self)?;
        let length = self.length(tag)?;
        let split = self.0.split_at_checked(length);
        let (value, rest) = split.ok_or(TlvError::Overrun(tag))?;
        self.0 = rest;
        Ok(Tlv { tag, value })
    }
}

/// The objects of a slice, one behind the other, not those within them.
///
/// After an error it ends: where the next object would begin is not known.
///
/// ```
/// use nbiot_at::esim::tlv::{self, Reader, Tag};
///
/// let answer = [0xbf, 0x2d, 0x05, 0x81, 0x01, 0x7f, 0x90, 0x00];
/// let list = Reader::new(&answer).next().ok_or("empty")??;
/// assert_eq!((list.tag.raw(), list.value.len()), (0xbf2d, 5));
///
/// let error = Tag::new(0x81).ok_or("bad tag")?;
/// let found = tlv::find(list.value, error)?.ok_or("absent")?;
/// assert_eq!(found.number(), Some(127));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Reader<'a> {
    /// Reads the objects of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            cursor: Cursor(bytes),
        }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, TlvError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.0.is_empty() {
            return None;
        }
        let object = self.cursor.object();
        if object.is_err() {
            self.cursor = Cursor(&[]);
        }
        Some(object)
    }
}

impl core::iter::FusedIterator for Reader<'_> {}

/// The first object with this tag among those of `bytes`, not within them; `None` if there is none.
///
/// # Errors
///
/// [`TlvError`] if the bytes up to there are damaged.
pub fn find(bytes: &[u8], tag: Tag) -> Result<Option<Tlv<'_>>, TlvError> {
    let wanted =
        |object: &Result<Tlv<'_>, _>| object.is_err() || object.is_ok_and(|o| o.tag == tag);
    Reader::new(bytes).find(wanted).transpose()
}

/// The buffer given is smaller than what is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BufferTooSmall {
    /// Bytes that would have sufficed.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer too small, {} bytes needed", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}

/// Writes objects into a buffer, with the shortest lengths.
///
/// Nothing fails before [`finish`](Self::finish): past the end of the buffer only the bytes needed
/// are counted.
///
/// ```
/// use nbiot_at::esim::tlv::{Tag, Writer};
///
/// let tag = |raw| Tag::new(raw).ok_or("bad tag");
/// let (get_eid, tag_list) = (tag(0xbf3e)?, tag(0x5c)?);
/// let mut buffer = [0; 8];
/// let mut writer = Writer::new(&mut buffer);
/// writer.nested(get_eid, |inner| inner.put(tag_list, &[0x5a]));
/// assert_eq!(writer.finish()?, [0xbf, 0x3e, 0x03, 0x5c, 0x01, 0x5a]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    /// Bytes written, and behind the end of the buffer those that found no room.
    length: usize,
}

impl<'a> Writer<'a> {
    /// Writes into `buffer` from its start.
    #[must_use]
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Writes an object with this value.
    pub fn put(&mut self, tag: Tag, value: &[u8]) {
        self.header(tag, value.len());
        self.raw(value);
    }

    /// Writes a tag alone, for a list of them.
    pub fn tag(&mut self, tag: Tag) {
        for byte in tag.bytes() {
            self.raw(&[byte]);
        }
    }

    /// Writes an object with a number as ASN.1 INTEGER: not negative, as few bytes as possible.
    pub fn number(&mut self, tag: Tag, number: u32) {
        // One byte, and one more for each of 7, 15 ... bits exceeded: the sign stays clear.
        let size = 1 + [7, 15, 23, 31]
            .iter()
            .filter(|bits| number >> **bits != 0)
            .count();
        let bytes = u64::from(number).to_be_bytes();
        self.header(tag, size);
        for byte in bytes.into_iter().skip(bytes.len() - size) {
            self.raw(&[byte]);
        }
    }

    /// Writes an object that holds what `content` writes.
    pub fn nested(&mut self, tag: Tag, content: impl FnOnce(&mut Self)) {
        let start = self.length;
        content(self);
        self.enclose(tag, start);
    }

    /// Makes an object of what was written from `start` on.
    #[inline(never)]
    fn enclose(&mut self, tag: Tag, start: usize) {
        let size = self.length.saturating_sub(start);
        // The length of the content decides how long its header is, so the header comes last and
        // is then turned to the front.
        self.header(tag, size);
        if let Some(object) = self.buffer.get_mut(start..self.length) {
            rotate_left(object, size);
        }
    }

    /// What was written.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] with the number of bytes needed.
    pub fn finish(self) -> Result<&'a [u8], BufferTooSmall> {
        let needed = self.length;
        let written: &[u8] = self.buffer;
        written.get(..needed).ok_or(BufferTooSmall { needed })
    }

    #[inline(never)]
    fn header(&mut self, tag: Tag, length: usize) {
        self.tag(tag);
        let [.., high, middle, low] = length.to_be_bytes();
        match length {
            0..=0x7f => self.raw(&[low]),
            0x80..=0xff => self.raw(&[0x81, low]),
            0x100..=0xffff => self.raw(&[0x82, middle, low]),
            0x1_0000..=MAX_LENGTH => self.raw(&[0x83, high, middle, low]),
            // No buffer holds an object whose length cannot be said.
            _ => self.length = usize::MAX,
        }
    }

    #[inline(never)]
    fn raw(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        if let Some(room) = self.buffer.get_mut(self.length..end) {
            for (to, from) in room.iter_mut().zip(bytes) {
                *to = *from;
            }
        }
        self.length = end;
    }
}

/// That of the standard library would cost 2 KiB of flash.
#[inline(never)]
fn rotate_left(bytes: &mut [u8], count: usize) {
    for _ in 0..bytes.len() - count {
        let mut last = bytes.last().copied().unwrap_or(0);
        for byte in &mut *bytes {
            last = core::mem::replace(byte, last);
        }
    }
}

#[cfg(test)]
#[path = "tlv_tests.rs"]
mod tests;
