//! Files that are written whole or not at all.

mod below;
mod private;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

pub use below::{Below, Kind, append_plain, read_regular, write_plain};
pub use private::{Private, check, create_private};

/// Writes a file under another name beside its place, then renames it there: readers see the old content or the new one.
///
/// # Errors
/// It cannot be written.
pub fn write_atomically(file: &Path, content: &[u8]) -> io::Result<()> {
    let aside = beside(file);
    // What an earlier process of this number left is not written through: it may be a link.
    let _ = fs::remove_file(&aside);
    let written = fs::File::create_new(&aside)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&aside, file));
    if written.is_err() {
        // The error that is told is that of the write.
        let _ = fs::remove_file(&aside);
    }
    written
}

/// Makes `link` a symbolic link to `target`, in the place of one that is there.
///
/// # Errors
/// It cannot be made; something that is no link is never replaced.
pub fn link_atomically(target: &Path, link: &Path) -> io::Result<()> {
    if fs::symlink_metadata(link).is_ok_and(|data| !data.is_symlink()) {
        let message = format!("`{}` is there already, and is no link", link.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let aside = beside(link);
    let _ = fs::remove_file(&aside);
    std::os::unix::fs::symlink(target, &aside).and_then(|()| fs::rename(&aside, link))
}

/// The file that a symbolic link leads to; of anything else, the path as it is given. It is asked once for a file that the user
/// has named, and what it answers is opened through no link.
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

/// A hidden name beside `file` that no other process uses.
#[must_use]
pub fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.{}.new", std::process::id()))
}
