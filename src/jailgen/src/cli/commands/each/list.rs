//! The list of `run --each`. It may lie in the project, where a jail of an earlier run can have put
//! something else in its place.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_setfl, fstat, openat};

use super::super::shown;
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::many::{Item, items};

/// A list is not longer.
const LIST_MAX: u64 = 64 << 20;

pub(super) fn read_list(each: &args::Each) -> Result<Vec<Item>, Failure> {
    let path = each.list.as_deref().unwrap_or(Path::new("-"));
    let is_input = path == Path::new("-");
    let name = if is_input { "standard input".into() } else { shown(path) };
    let mut bytes = Vec::new();
    let read = match is_input {
        true => io::stdin().lock().take(LIST_MAX + 1).read_to_end(&mut bytes),
        false => open(path).and_then(|file| file.take(LIST_MAX + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| Failure::new(format!("the list `{name}` cannot be read: {error}")))?;
    if bytes.len() as u64 > LIST_MAX {
        return Err(Failure::new(format!("the list `{name}` is larger than {LIST_MAX} bytes")));
    }
    let separator = if each.null { 0 } else { b'\n' };
    items(&bytes, separator).map_err(|error| Failure::new(format!("`{name}`: {error}")))
}

/// A link could lead to a file that the jail cannot read, whose lines would then be arguments; and
/// a pipe may have no writer. What the caller's shell has opened (`<(…)`) can be one.
fn open(path: &Path) -> io::Result<File> {
    let mut own = ["/dev/fd", "/proc/self/fd"].into_iter().map(Path::new);
    let is_of_caller = path == Path::new("/dev/stdin") || own.any(|own| path.parent() == Some(own));
    if is_of_caller {
        return File::open(path);
    }
    if path.symlink_metadata()?.is_symlink() {
        return Err(io::Error::other("it is a symbolic link; name the file that is meant"));
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is not a file"));
    }
    fcntl_setfl(&file, OFlags::empty())?;
    Ok(file.into())
}
