//! Files that are written whole or not at all.

mod below;
mod private;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

pub use below::{Below, EntryKind, append_plain, read_regular, write_plain};
pub use private::{Private, check, create_private};

/// The folder around a file, by a path that can be opened.
#[must_use]
pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Writes a file under another name in the same folder, then renames it: readers see the old
/// content or the new one.
///
/// # Errors
/// It cannot be written.
pub fn write_atomically(file: &Path, content: &[u8]) -> io::Result<()> {
    let aside = temporary_name(file);
    // What an earlier process of this number left is not written through: it may be a link.
    let _ = fs::remove_file(&aside);
    let written = fs::File::create_new(&aside)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&aside, file));
    if written.is_err() {
        // The error to report is that of the write.
        let _ = fs::remove_file(&aside);
    }
    written
}

/// Makes `link` a symbolic link to `target`, in the place of one that is there.
///
/// # Errors
/// It cannot be made; something that is not a link is never replaced.
pub fn link_atomically(target: &Path, link: &Path) -> io::Result<()> {
    if fs::symlink_metadata(link).is_ok_and(|data| !data.is_symlink()) {
        let message = format!("`{}` exists already, and is not a link", link.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let aside = temporary_name(link);
    let _ = fs::remove_file(&aside);
    std::os::unix::fs::symlink(target, &aside).and_then(|()| fs::rename(&aside, link))
}

/// The file that a symbolic link leads to; of anything else, the path as it is given. It is asked
/// once for a file that the user has named, and what it answers is opened through no link.
///
/// # Errors
/// The link leads nowhere.
pub fn behind_link(path: &Path) -> io::Result<PathBuf> {
    if !fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink()) {
        return Ok(path.into());
    }
    fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::new(error.kind(), "it is a symbolic link that leads nowhere")
        }
        _ => error,
    })
}

/// A hidden name in the folder of `file` that no other process uses.
#[must_use]
pub fn temporary_name(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.{}.new", std::process::id()))
}
