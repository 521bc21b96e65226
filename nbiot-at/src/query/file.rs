//! Files in the module, AT reference section 14.
//!
//! `store_file`, `read_file`, `file_size` and `delete_file` of the shells do what is done with them.

use super::{LOCAL, Lines, List, asking, queries};
use crate::command::file::is_file;
use crate::field::Field;
use crate::text::Text;

queries! {
    /// Room for files, `AT+QFLDS="UFS"`.
    Storage = "AT+QFLDS=\"UFS\"", LOCAL => Room, "+QFLDS: <free>,<total>", |lines| {
        let mut fields = lines.fields("+QFLDS")?;
        let room = Room { free: fields.number()?, total: fields.number()? };
        (room.free <= room.total).then_some(room)
    };
    /// What is used of it, `AT+QFLDS`.
    StorageUsed = "AT+QFLDS", LOCAL => Used, "+QFLDS: <used>,<files>", |lines| {
        let mut fields = lines.fields("+QFLDS")?;
        Some(Used { bytes: fields.number()?, files: fields.number()? })
    };
    /// Every file, `AT+QFLST="*"`. The list fits 1024 bytes, some twenty of them.
    Files = "AT+QFLST=\"*\"", LOCAL => List<File, 16>, "[+QFLST: \"<name>\",<size>]", files;
}

/// Bytes of the file with this name, `AT+QFLST=`; `None`: it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileNamed<'a>(pub &'a str);

asking! {
    FileNamed<'_>, LOCAL, |this, line| {
        line.text("AT+QFLST=").parameter(this.0);
    } => Option<u32>, "[+QFLST: \"<name>\",<size>]", |this, lines| {
        files(lines)?;
        let mut found = lines.all("+QFLST").filter_map(|mut fields| {
            is_file(fields.next().text, this.0.as_bytes()).then(|| fields.number())?
        });
        Some(found.next())
    };
}

/// Room for files, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Room {
    /// Not used.
    pub free: u32,
    /// In all.
    pub total: u32,
}

/// What is used of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Used {
    /// Bytes.
    pub bytes: u32,
    /// Files.
    pub files: u16,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct File {
    /// Its name, without the `UFS:` that some firmware shows; cut to 80 characters.
    pub name: Text<80>,
    /// Bytes.
    pub size: u32,
}

fn files(lines: Lines<'_>) -> Option<List<File, 16>> {
    let found = lines.all("+QFLST").map(|mut fields| {
        let name = fields.next();
        let size = fields.number()?;
        name.quoted.then(|| File {
            name: bare(name),
            size,
        })
    });
    let count = lines.all("+QFLST").count();
    let files = found.collect::<Option<_>>()?;
    (count == lines.iter().count()).then_some(files)
}

fn bare(name: Field<'_>) -> Text<80> {
    Text::lossy(name.text.strip_prefix(b"UFS:").unwrap_or(name.text))
}
