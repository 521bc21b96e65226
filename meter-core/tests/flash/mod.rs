//! A flash that dies: bits only fall, writes and erases stop at any byte.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

pub(crate) const SECTOR: usize = 256;

/// A flash with `budget` byte operations left before power fails.
#[derive(Clone, Debug)]
pub(crate) struct Flash {
    pub(crate) bytes: Vec<u8>,
    pub(crate) budget: Option<usize>,
    /// What an interrupted erase leaves: the byte it was at is in between.
    pub(crate) noise: u8,
    pub(crate) erases: usize,
    /// Bits of this mask cannot be programmed: a worn cell in every written byte at this place.
    pub(crate) stuck: Option<usize>,
    /// Here a byte in sixteen cannot be programmed.
    pub(crate) worn: core::ops::Range<usize>,
    /// Every write fails and changes nothing.
    pub(crate) down: bool,
    /// The next write is held whole, and an error is reported.
    pub(crate) lies: bool,
    /// So many reads from now on, one bit is read wrong.
    pub(crate) misread: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    PowerCut,
    Misuse,
    Lie,
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl Flash {
    pub(crate) fn new(sectors: usize) -> Self {
        Self {
            bytes: vec![0xFF; sectors * SECTOR],
            budget: None,
            noise: 0x5A,
            erases: 0,
            stuck: None,
            worn: 0..0,
            down: false,
            lies: false,
            misread: None,
        }
    }

    fn spend(&mut self) -> Result<(), Fault> {
        match &mut self.budget {
            Some(0) => Err(Fault::PowerCut),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl ErrorType for Flash {
    type Error = Fault;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        let start = offset as usize;
        let source = self
            .bytes
            .get(start..start + bytes.len())
            .ok_or(Fault::Misuse)?;
        bytes.copy_from_slice(source);
        self.misread = match self.misread {
            Some(0) => {
                bytes[0] ^= 1;
                None
            }
            reads => reads.map(|reads| reads - 1),
        };
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        let range = from as usize..to as usize;
        if !range.start.is_multiple_of(SECTOR) || !range.end.is_multiple_of(SECTOR) {
            return Err(Fault::Misuse);
        }
        self.erases += 1;
        for at in range {
            if let Err(fault) = self.spend() {
                self.bytes[at] |= self.noise;
                return Err(fault);
            }
            self.bytes[at] = 0xFF;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        if !(offset as usize).is_multiple_of(4) || !bytes.len().is_multiple_of(4) {
            return Err(Fault::Misuse);
        }
        if self.down {
            return Err(Fault::Lie);
        }
        for (at, &byte) in (offset as usize..).zip(bytes) {
            if self.bytes[at] != 0xFF && byte != 0xFF {
                return Err(Fault::Misuse); // a word is written once
            }
            if let Err(fault) = self.spend() {
                self.bytes[at] &= byte | self.noise; // some of the bits fell
                return Err(fault);
            }
            let is_worn = self.worn.contains(&at) && at % 16 == 12;
            let is_stuck = self.stuck == Some(at) || is_worn;
            let byte = if is_stuck { 0xFF } else { byte };
            self.bytes[at] &= byte;
        }
        if core::mem::take(&mut self.lies) {
            return Err(Fault::Lie);
        }
        Ok(())
    }
}
