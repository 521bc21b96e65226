//! Load profile: `d/p`, a batch of records with differences.
//!
//! A record by itself is a batch of one; that is also the form in which the outbox keeps it. When
//! the link is there, [`encode_batch`] joins neighbours into one message.

use meter_core::status::Status;
use meter_core::units::UtcSeconds;
use minicbor::Decoder;

use super::cbor::{self, Fields, Writer, Written};
use super::{DecodeError, EncodeError, Stamp, required};

/// The most columns of a profile.
pub const MAX_COLUMNS: usize = 16;
/// The most records of one message.
pub const MAX_RECORDS: usize = 400;

/// A column: a register number of `spec.md` section 4.
///
/// Numbers 4 to 18 are those of a reading; from 256 on it is `C * 256 + D` of the OBIS code
/// `1-0:C.D.0`. [`register`](super::register) has names and units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Column(pub u16);

impl Column {
    /// Active energy import, Wh.
    pub const IMPORT: Self = Self(11);
    /// Active energy export, Wh.
    pub const EXPORT: Self = Self(12);
    /// Reactive energy import, varh.
    pub const REACTIVE_IMPORT: Self = Self(13);
    /// Reactive energy export, varh.
    pub const REACTIVE_EXPORT: Self = Self(14);
    /// RMS voltage of L1, or of the only phase, mV.
    pub const VOLTAGE: Self = Self(4);
    /// RMS current of L1, or of the only phase, mA.
    pub const CURRENT: Self = Self(5);
    /// Power factor of L1, or of the only phase, thousandths.
    pub const POWER_FACTOR: Self = Self(9);

    /// Maximum active demand import, W.
    pub const MAXIMUM_DEMAND: Self = Self(262);

    /// Whether the column is an energy register: it never steps back within a batch.
    #[must_use]
    pub const fn is_register(self) -> bool {
        matches!(self.0, 11..=14) || (self.0 >= 256 && self.0 % 256 == 8)
    }
}

/// One record of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProfileRecord {
    /// Sequence in the profile stream.
    pub seq: u64,
    /// End of the interval.
    pub time: UtcSeconds,
    /// What the record says about itself.
    pub status: Status,
    /// One value for each column; the rest is zero.
    pub values: [i64; MAX_COLUMNS],
}

/// A decoded batch. Everything in it was checked: walking the records cannot fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile<'b> {
    epoch: u32,
    period: u32,
    columns: [Column; MAX_COLUMNS],
    width: usize,
    first: ProfileRecord,
    count: u64,
    /// The differences of the records after the first, as CBOR integers.
    differences: &'b [u8],
    /// Pairs of record number and status, as CBOR integers.
    exceptions: &'b [u8],
    exception_count: u64,
}

impl<'b> Profile<'b> {
    /// The epoch of all records.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The length of an interval in seconds.
    #[must_use]
    pub const fn period(&self) -> u32 {
        self.period
    }

    /// The columns, in the order of the values.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        self.columns.get(..self.width).unwrap_or(&self.columns)
    }

    /// The number of records, at least one.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The records in their order.
    #[must_use]
    pub fn records(&self) -> Records<'b> {
        Records {
            next: Some(self.first),
            number: 0,
            left: self.count,
            period: self.period,
            width: self.width,
            status: self.first.status,
            differences: Decoder::new(self.differences),
            exceptions: Decoder::new(self.exceptions),
            exceptions_left: self.exception_count,
        }
    }

    /// Decodes and checks a batch.
    ///
    /// # Errors
    /// [`DecodeError`]: also for a period of zero, a sum or a time that leaves its range, and
    /// differences that do not make whole records.
    pub fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let mut draft = Draft::default();
        while let Some(key) = fields.next()? {
            if !draft.take(key, fields.value())? {
                fields.skip()?;
            }
        }
        draft.finish()
    }
}

/// A batch while its keys come in.
#[derive(Default)]
struct Draft<'b> {
    stamp: super::PartialStamp,
    period: Option<u32>,
    columns: Option<([Column; MAX_COLUMNS], usize)>,
    first: Option<([i64; MAX_COLUMNS], usize)>,
    differences: Option<(&'b [u8], u64)>,
    exceptions: (&'b [u8], u64),
}

impl<'b> Draft<'b> {
    fn take(&mut self, key: u64, value: &mut Decoder<'b>) -> Result<bool, DecodeError> {
        match key {
            21 => self.period = Some(value.u32()?),
            22 => self.columns = Some(list(value, |v| Ok(Column(v.u16()?)))?),
            23 => self.first = Some(list(value, |v| Ok(v.i64()?))?),
            24 => {
                let most = (MAX_COLUMNS * MAX_RECORDS) as u64;
                let count = cbor::bounded(value.array(), most)?;
                self.differences = Some((integers(value, count)?, count));
            }
            25 => {
                let count = cbor::bounded(value.map(), MAX_RECORDS as u64)?;
                if count == 0 {
                    return Err(DecodeError::OutOfRange { key });
                }
                self.exceptions = (integers(value, count * 2)?, count);
            }
            _ => return self.stamp.take(key, value),
        }
        Ok(true)
    }

    fn finish(self) -> Result<Profile<'b>, DecodeError> {
        let stamp = self.stamp.finish()?;
        let period = required(self.period, 21)?;
        let (columns, width) = required(self.columns, 22)?;
        let (values, found) = required(self.first, 23)?;
        let (differences, count) = required(self.differences, 24)?;
        if period == 0 {
            return Err(DecodeError::OutOfRange { key: 21 });
        }
        if found != width {
            return Err(DecodeError::OutOfRange { key: 23 });
        }
        let width_wide = width as u64;
        if !count.is_multiple_of(width_wide) {
            return Err(DecodeError::OutOfRange { key: 24 });
        }
        let first = ProfileRecord {
            seq: stamp.seq,
            time: stamp.time,
            status: stamp.status,
            values,
        };
        let (exceptions, exception_count) = self.exceptions;
        let profile = Profile {
            epoch: stamp.epoch,
            period,
            columns,
            width,
            first,
            count: count / width_wide + 1,
            differences,
            exceptions,
            exception_count,
        };
        profile.check()?;
        Ok(profile)
    }
}

impl Profile<'_> {
    /// Walks everything once, so that [`Records`] cannot meet a surprise.
    fn check(&self) -> Result<(), DecodeError> {
        let mut exceptions = Decoder::new(self.exceptions);
        let mut last = None;
        for _ in 0..self.exception_count {
            let number = exceptions.u64()?;
            exceptions.u32()?;
            if number >= self.count || last.is_some_and(|last| number <= last) {
                return Err(DecodeError::OutOfRange { key: 25 });
            }
            last = Some(number);
        }
        let mut record = self.first;
        let mut differences = Decoder::new(self.differences);
        for _ in 1..self.count {
            record = following(&record, self.period, self.width, &mut differences)
                .ok_or(DecodeError::OutOfRange { key: 24 })?;
        }
        Ok(())
    }
}

/// The record after `record`; `None` when a number leaves its range.
fn following(
    record: &ProfileRecord,
    period: u32,
    width: usize,
    differences: &mut Decoder<'_>,
) -> Option<ProfileRecord> {
    let mut next = *record;
    next.seq = record.seq.checked_add(1)?;
    next.time = UtcSeconds::new(record.time.get().checked_add(u64::from(period))?);
    for value in next.values.iter_mut().take(width) {
        *value = value.checked_add(differences.i64().ok()?)?;
    }
    Some(next)
}

/// The records of a batch, from [`Profile::records`].
#[derive(Clone, Debug)]
pub struct Records<'b> {
    next: Option<ProfileRecord>,
    number: u64,
    left: u64,
    period: u32,
    width: usize,
    /// The status of records that have none of their own.
    status: Status,
    differences: Decoder<'b>,
    exceptions: Decoder<'b>,
    exceptions_left: u64,
}

impl Iterator for Records<'_> {
    type Item = ProfileRecord;

    fn next(&mut self) -> Option<ProfileRecord> {
        self.left = self.left.checked_sub(1)?;
        let mut record = self.next?;
        record.status = self.own_status().unwrap_or(self.status);
        self.number += 1;
        self.next = following(&record, self.period, self.width, &mut self.differences);
        Some(record)
    }
}

impl Records<'_> {
    /// The status of the record now due, where it differs.
    fn own_status(&mut self) -> Option<Status> {
        if self.exceptions_left == 0 {
            return None;
        }
        let start = self.exceptions.position();
        if self.exceptions.u64().ok()? != self.number {
            self.exceptions.set_position(start);
            return None;
        }
        self.exceptions_left -= 1;
        self.exceptions.u32().ok().map(Status::from_bits)
    }
}

/// Reads an array of one to sixteen.
fn list<'b, T: Copy + Default>(
    value: &mut Decoder<'b>,
    read: impl Fn(&mut Decoder<'b>) -> Result<T, DecodeError>,
) -> Result<([T; MAX_COLUMNS], usize), DecodeError> {
    let found = cbor::bounded(value.array(), MAX_COLUMNS as u64)?;
    let mut items = [T::default(); MAX_COLUMNS];
    let mut count = 0;
    for slot in items.iter_mut().take(usize::try_from(found).unwrap_or(0)) {
        *slot = read(value)?;
        count += 1;
    }
    if count == 0 {
        Err(DecodeError::Malformed)
    } else {
        Ok((items, count))
    }
}

/// Passes over `count` integers and gives their bytes.
fn integers<'b>(value: &mut Decoder<'b>, count: u64) -> Result<&'b [u8], DecodeError> {
    let start = value.position();
    for _ in 0..count {
        value.i64()?;
    }
    value
        .input()
        .get(start..value.position())
        .ok_or(DecodeError::Malformed)
}

/// Encodes as many of the records as one message takes: the longest run from the first on that
/// follows in sequence and time, steps no register back and fits the buffer. Gives the length and
/// the number of records taken, at least one.
///
/// # Errors
/// [`EncodeError::Count`] without a record, with no or more than [`MAX_COLUMNS`] columns, or with a
/// period of zero; [`EncodeError::BufferTooSmall`] when not even one record fits.
pub fn encode_batch(
    epoch: u32,
    period: u32,
    columns: &[Column],
    records: &[ProfileRecord],
    buffer: &mut [u8],
) -> Result<(usize, usize), EncodeError> {
    let run = run_length(period, columns, records);
    if run == 0 || columns.is_empty() || columns.len() > MAX_COLUMNS || period == 0 {
        return Err(EncodeError::Count);
    }
    let mut count = run;
    loop {
        let taken = records.get(..count).unwrap_or(records);
        match cbor::encode_into(buffer, |w| write_batch(w, epoch, period, columns, taken)) {
            Ok(length) => return Ok((length, count)),
            Err(error) if count == 1 => return Err(error),
            Err(_) => count -= count.div_ceil(8),
        }
    }
}

/// How many of the records, from the first on, may share a message.
fn run_length(period: u32, columns: &[Column], records: &[ProfileRecord]) -> usize {
    let follows = |pair: &[ProfileRecord]| match pair {
        [before, after] => {
            before.seq.checked_add(1) == Some(after.seq)
                && before.time.get().checked_add(u64::from(period)) == Some(after.time.get())
                && columns.iter().zip(before.values).zip(after.values).all(
                    |((column, before), after)| match after.checked_sub(before) {
                        Some(step) => step >= 0 || !column.is_register(),
                        None => false,
                    },
                )
        }
        _ => false,
    };
    let joined = records.windows(2).take_while(|pair| follows(pair)).count();
    (joined + 1).min(records.len()).min(MAX_RECORDS)
}

fn write_batch(
    writer: &mut Writer<'_>,
    epoch: u32,
    period: u32,
    columns: &[Column],
    records: &[ProfileRecord],
) -> Written {
    let Some(first) = records.first() else {
        return Ok(());
    };
    let stamp = Stamp {
        seq: first.seq,
        epoch,
        time: first.time,
        status: first.status,
    };
    let exceptions = || {
        (0u64..)
            .zip(records)
            .filter(|(_, r)| r.status != first.status)
    };
    let exception_count = exceptions().count() as u64;
    writer.map(stamp.entries() + 4 + u64::from(exception_count > 0))?;
    stamp.write(writer)?;
    writer.u8(21)?.u32(period)?;
    writer.u8(22)?.array(columns.len() as u64)?;
    for column in columns {
        writer.u16(column.0)?;
    }
    writer.u8(23)?.array(columns.len() as u64)?;
    for value in first.values.iter().take(columns.len()) {
        writer.i64(*value)?;
    }
    writer
        .u8(24)?
        .array((columns.len() * (records.len() - 1)) as u64)?;
    for pair in records.windows(2) {
        if let [before, after] = pair {
            for (before, after) in before.values.iter().zip(after.values).take(columns.len()) {
                writer.i64(after.wrapping_sub(*before))?;
            }
        }
    }
    if exception_count > 0 {
        writer.u8(25)?.map(exception_count)?;
        for (number, record) in exceptions() {
            writer.u64(number)?.u32(record.status.bits())?;
        }
    }
    Ok(())
}
