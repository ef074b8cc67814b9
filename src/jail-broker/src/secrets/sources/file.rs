//! A file with a value in it.

use std::fs::File;
use std::io::{self, Read as _};

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use zeroize::Zeroizing;

use super::VALUE_MAX;

/// A value that was read from a file.
pub(super) struct FileValue {
    pub(super) value: Zeroizing<Vec<u8>>,
    /// Users other than its owner can read it.
    pub(super) is_open: bool,
}

/// Reads it; nothing where it is missing.
pub(super) fn read(path: &str) -> Result<Option<FileValue>, String> {
    let about = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    // A named pipe would keep the launch waiting.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(error) => return Err(about(&io::Error::from(error))),
    };
    let stat = fstat(&file).map_err(|error| about(&io::Error::from(error)))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(about(&"it is not a regular file"));
    }
    // With room for all of it, nothing is moved and no copy stays behind.
    let mut value = Zeroizing::new(Vec::with_capacity(VALUE_MAX + 64));
    let mut bounded = File::from(file).take(VALUE_MAX as u64 + 1);
    bounded.read_to_end(&mut value).map_err(|error| about(&error))?;
    if value.len() > VALUE_MAX {
        return Err(about(&format!(
            "it has more than {VALUE_MAX} bytes, which no field of a request has"
        )));
    }
    Ok(Some(FileValue { value, is_open: stat.st_mode & 0o077 != 0 }))
}
