//! The file system of the model, small. AT reference section 14.

use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::{Input, Modem};
use crate::text::Text;
use crate::time::Instant;

/// Files at once.
const FILES: usize = 4;
/// Bytes of the longest file; all of them share no more than [`DISK`].
const LONGEST: usize = 2048;
const DISK: usize = 6144;
/// Files open at once.
const HANDLES: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Files {
    files: heapless::Vec<File, FILES>,
    open: [Option<Open>; HANDLES],
    /// Handles are numbers that do not come again.
    next: u32,
}

#[derive(Debug)]
struct File {
    name: Text<80>,
    data: heapless::Vec<u8, LONGEST>,
}

#[derive(Debug)]
struct Open {
    handle: u32,
    name: Text<80>,
    is_read_only: bool,
    position: usize,
}

impl Files {
    /// A restart closes what is open; the files stay.
    pub(super) fn close_all(&mut self) {
        self.open = Default::default();
    }

    /// The contents of a file.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.files.iter().find(|file| file.name.as_str() == name);
        found.map(|file| file.data.as_slice())
    }

    /// Makes a file anew; false if it has no room.
    pub(super) fn put(&mut self, name: &str, data: &[u8]) -> bool {
        self.files.retain(|file| file.name.as_str() != name);
        let Ok(data) = data.try_into() else {
            return false;
        };
        let name = Text::lossy(name.as_bytes());
        self.used() <= DISK && self.files.push(File { name, data }).is_ok()
    }

    /// Bytes that are free, and all of them.
    pub(super) fn room(&self) -> (usize, usize) {
        (DISK.saturating_sub(self.used()), DISK)
    }

    pub(super) fn count(&self) -> usize {
        self.files.len()
    }

    fn used(&self) -> usize {
        self.files.iter().map(|file| file.data.len()).sum()
    }

    /// Opens a file: its handle, or the error number.
    fn open(&mut self, name: &str, mode: u8) -> Result<u32, u16> {
        let is_open = |open: &Open| open.name.as_str() == name;
        if self.open.iter().flatten().any(is_open) {
            return Err(426);
        }
        let slot = self
            .open
            .iter_mut()
            .find(|slot| slot.is_none())
            .ok_or(413u16)?;
        let found = self.files.iter().position(|f| f.name.as_str() == name);
        let name = Text::parameter(name).ok_or(406u16)?;
        match (found.and_then(|n| self.files.get_mut(n)), mode) {
            (None, 2) => return Err(405),
            (None, _) => {
                let data = heapless::Vec::new();
                let file = File {
                    name: name.clone(),
                    data,
                };
                self.files.push(file).map_err(|_| 403u16)?;
            }
            (Some(file), 1) => file.data.clear(),
            (Some(_), _) => {}
        }
        self.next += 1;
        let handle = 3_000 + self.next;
        *slot = Some(Open {
            handle,
            name,
            is_read_only: mode == 2,
            position: 0,
        });
        Ok(handle)
    }

    fn handle(&mut self, handle: u32) -> Option<(&mut Open, &mut File)> {
        let open = self
            .open
            .iter_mut()
            .flatten()
            .find(|o| o.handle == handle)?;
        let file = self.files.iter_mut().find(|f| f.name == open.name)?;
        Some((open, file))
    }

    fn seek(&mut self, handle: u32, to: usize) -> Result<(), u16> {
        let (open, file) = self.handle(handle).ok_or(416u16)?;
        if to > file.data.len() {
            return Err(401);
        }
        open.position = to;
        Ok(())
    }

    fn read(&mut self, handle: u32, max: usize) -> Result<heapless::Vec<u8, 1024>, u16> {
        let (open, file) = self.handle(handle).ok_or(416u16)?;
        let rest = file.data.get(open.position..).unwrap_or_default();
        let data: heapless::Vec<u8, 1024> = rest.iter().copied().take(max.min(1024)).collect();
        open.position += data.len();
        Ok(data)
    }

    /// Writes; returns the bytes written and the length of the file.
    fn write(&mut self, handle: u32, data: &[u8]) -> Result<(usize, usize), u16> {
        let free = DISK.saturating_sub(self.used());
        let (open, file) = self.handle(handle).ok_or(416u16)?;
        if open.is_read_only {
            return Err(414);
        }
        for &byte in data.iter().take(free) {
            if let Some(old) = file.data.get_mut(open.position) {
                *old = byte;
            } else if file.data.push(byte).is_err() {
                return Err(420);
            }
            open.position += 1;
        }
        if free < data.len() {
            return Err(403);
        }
        Ok((data.len(), file.data.len()))
    }
}

impl<N: Network> Modem<N> {
    /// The contents of a file in the modem.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name)
    }

    pub(super) fn file_command(&mut self, call: &Call<'_>, now: Instant) {
        match (call.name, call.form) {
            ("QFLST", Form::Write(_)) => self.list(call.text(0), now),
            ("QFLST", Form::Execute) => self.list("*", now),
            ("QFOPEN", Form::Write(_)) => {
                match self.files.open(call.text(0), call.number(1).unwrap_or(0)) {
                    Ok(handle) => self.tell(format_args!("+QFOPEN: {handle}"), now),
                    Err(code) => self.cme(code, now),
                }
            }
            ("QFSEEK", Form::Write(_)) => {
                let to = call.number(1).unwrap_or(usize::MAX);
                let done = self.files.seek(call.number(0).unwrap_or(0), to);
                self.close_with(done, now);
            }
            ("QFREAD", Form::Write(_)) => {
                let max = call.number(1).unwrap_or(1024);
                match self.files.read(call.number(0).unwrap_or(0), max) {
                    Ok(data) => {
                        self.info(format_args!("CONNECT {}", data.len()), now);
                        self.emit(data.iter().copied(), now);
                        self.ok(now);
                    }
                    Err(code) => self.cme(code, now),
                }
            }
            ("QFWRITE", Form::Write(_)) => {
                let handle: u32 = call.number(0).unwrap_or(0);
                match (self.files.handle(handle).is_some(), call.number(1)) {
                    (true, Some(left @ 1..=1024)) => {
                        self.input = Input::File { handle, left };
                        self.say(format_args!("CONNECT"), now);
                    }
                    (true, _) => self.cme(402, now),
                    (false, _) => self.cme(416, now),
                }
            }
            ("QFCLOSE", Form::Write(_)) => {
                let handle: u32 = call.number(0).unwrap_or(0);
                let is_it = |slot: &&mut Option<Open>| {
                    slot.as_ref().is_some_and(|open| open.handle == handle)
                };
                let done = self
                    .files
                    .open
                    .iter_mut()
                    .find(is_it)
                    .map(|slot| *slot = None);
                self.close_with(done.ok_or(416), now);
            }
            ("QFDEL", Form::Write(_)) => {
                let name = call.text(0);
                let is_it = |file: &File| file.name.as_str() == name;
                let found = self.files.files.iter().position(is_it);
                let done = found.map(|index| drop(self.files.files.swap_remove(index)));
                self.close_with(done.ok_or(405), now);
            }
            _ => self.error(now),
        }
    }

    fn list(&mut self, wanted: &str, now: Instant) {
        for index in 0..FILES {
            let Some(file) = self.files.files.get(index) else {
                break;
            };
            let (name, size) = (file.name.clone(), file.data.len());
            if wanted == "*" || wanted == name.as_str() {
                self.info(format_args!("+QFLST: \"{name}\",{size}"), now);
            }
        }
        self.ok(now);
    }

    fn close_with(&mut self, done: Result<(), u16>, now: Instant) {
        match done {
            Ok(()) => self.ok(now),
            Err(code) => self.cme(code, now),
        }
    }

    /// One byte of a file from the host.
    pub(super) fn file_byte(&mut self, handle: u32, left: usize, byte: u8, now: Instant) {
        let _ = self.line.push(byte);
        if left > 1 {
            self.input = Input::File {
                handle,
                left: left - 1,
            };
            return;
        }
        self.input = Input::Line;
        let mut data = core::mem::take(&mut self.line);
        if let Some(first) = data.first_mut().filter(|_| self.settings.spoils_files) {
            *first ^= 1;
        }
        let now = now + self.settings.answer;
        self.busy_until = now;
        match self.files.write(handle, &data) {
            Ok((written, total)) => {
                self.tell(format_args!("+QFWRITE: {written},{total}"), now);
            }
            Err(code) => self.cme(code, now),
        }
        if self.dice.hits(self.faults.restart) {
            self.restart(now, 0);
        }
    }
}
