//! Copies the content of a file of the layer.

use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// Copies at most `most` bytes; holes stay holes.
pub(super) fn copy(from: OwnedFd, to: &OwnedFd, most: u64) -> io::Result<()> {
    let (mut at, mut written) = (0, 0);
    let mut buffer = vec![0; 256 << 10];
    let (mut from, mut to) = (std::fs::File::from(from), std::fs::File::from(to.try_clone()?));
    while at < most {
        // A file system that does not know holes has data everywhere.
        at = match seek(&from, SeekFrom::Data(at)) {
            Ok(data) => data.min(most),
            Err(Errno::NXIO) => most,
            Err(_) => at,
        };
        if at >= most {
            break;
        }
        let hole = seek(&from, SeekFrom::Hole(at)).unwrap_or(most).clamp(at + 1, most);
        seek(&from, SeekFrom::Start(at))?;
        seek(&to, SeekFrom::Start(at))?;
        while at < hole {
            let wanted = usize::try_from(hole - at).unwrap_or(usize::MAX).min(buffer.len());
            let count = from.read(buffer.get_mut(..wanted).unwrap_or_default())?;
            if count == 0 {
                return Err(io::Error::other("it became shorter while it was read"));
            }
            to.write_all(buffer.get(..count).unwrap_or_default())?;
            at += u64::try_from(count).unwrap_or_default();
            written = at;
        }
    }
    // A hole at the end: to set the length is a right of its own under Landlock, which older
    // kernels do not know.
    if written < most {
        seek(&to, SeekFrom::Start(most - 1))?;
        to.write_all(&[0])?;
    }
    Ok(())
}
