//! Reads a complete file, within a bound.

use alloc::vec::Vec;

use rustix::fd::AsFd;
use rustix::io::Errno;

/// Reads what is left in `file`.
///
/// # Errors
/// Those of `read(2)`; `EFBIG` when there are more than `bound` bytes.
pub(crate) fn read_to_end(file: impl AsFd, bound: usize) -> Result<Vec<u8>, Errno> {
    let size = rustix::fs::fstat(&file).ok().and_then(|stat| usize::try_from(stat.st_size).ok());
    // Files of /proc have a size of zero, and those below /proc/sys must be read at once.
    let size = size.filter(|size| *size > 0).unwrap_or(4095);
    let mut bytes = Vec::with_capacity(size.min(bound) + 1);
    loop {
        if bytes.len() > bound {
            return Err(Errno::FBIG);
        }
        if bytes.len() == bytes.capacity() {
            bytes.reserve(4096);
        }
        match rustix::io::read(&file, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(0) => return Ok(bytes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
