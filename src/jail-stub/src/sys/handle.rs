//! The handle by which a file system itself identifies a file: `name_to_handle_at(2)`.

use core::ptr;

use rustix::fd::{AsFd, AsRawFd};
use rustix::io::Errno;

use super::call::{check, enter, number};

const AT_EMPTY_PATH: usize = 0x1000;

/// The longest handle of any file system (`MAX_HANDLE_SZ`).
const BYTES_MAX: usize = 128;

/// A file handle: `struct file_handle` with room for every one.
#[repr(C)]
pub struct FileHandle {
    length: u32,
    kind: i32,
    bytes: [u8; BYTES_MAX],
}

impl FileHandle {
    /// The type of the handle, in its file system's own numbering.
    #[must_use]
    pub const fn kind(&self) -> i32 {
        self.kind
    }

    /// The handle itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        self.bytes.get(..length).unwrap_or(&self.bytes)
    }
}

/// The handle of what `place` is.
///
/// # Errors
/// Those of the call; `EOPNOTSUPP` where the file system has no handles, and what a filter
/// of system calls answers.
pub fn file_handle(place: impl AsFd) -> Result<FileHandle, Errno> {
    let mut handle = FileHandle { length: 128, kind: 0, bytes: [0; BYTES_MAX] };
    let mut mount = 0i32;
    // SAFETY: the path is the empty string, NUL-terminated, which AT_EMPTY_PATH asks for; the
    // kernel writes at most `length` bytes behind the two numbers of `handle`, for which there is
    // room, and one i32 to `mount`.
    check(unsafe {
        enter(
            number::NAME_TO_HANDLE_AT,
            [
                place.as_fd().as_raw_fd().cast_unsigned() as usize,
                c"".as_ptr().addr(),
                ptr::from_mut(&mut handle).expose_provenance(),
                ptr::from_mut(&mut mount).expose_provenance(),
                AT_EMPTY_PATH,
            ],
        )
    })?;
    Ok(handle)
}
