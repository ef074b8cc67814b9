//! A child that waits until it is being traced before it becomes another program.

use std::ffi::{CString, OsString};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::ptr;

use super::{SignalSet, kill, set_signals};

/// A child that has not begun yet.
pub(crate) struct Child {
    process: i32,
    /// Its first byte lets the child go on; what the child sends back is why it could not.
    line: UnixStream,
}

impl Child {
    pub(crate) fn process(&self) -> i32 {
        self.process
    }

    /// Lets it become the program.
    pub(crate) fn go(mut self) -> io::Result<()> {
        self.line.write_all(&[1])?;
        let mut error = [0; 4];
        match self.line.read_exact(&mut error) {
            Ok(()) => {
                reap(self.process);
                Err(io::Error::from_raw_os_error(i32::from_ne_bytes(error)))
            }
            // The kernel has closed the line, because the program runs.
            Err(_) => Ok(()),
        }
    }

    /// Ends it before it has begun.
    pub(crate) fn abandon(self) {
        kill(self.process, libc::SIGKILL);
        reap(self.process);
    }
}

/// Starts a child that will be this program, with these arguments and this environment.
pub(crate) fn start(
    program: &Path,
    arguments: &[OsString],
    signals: &SignalSet,
) -> io::Result<Child> {
    let string = |bytes: &[u8]| CString::new(bytes).map_err(io::Error::from);
    let program = string(program.as_os_str().as_bytes())?;
    let mut words = vec![program.clone()];
    for argument in arguments {
        words.push(string(argument.as_bytes())?);
    }
    let pointers: Vec<_> = words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect();
    let (line, theirs) = UnixStream::pair()?;
    // SAFETY: until it executes the program or exits, the child calls only what may be called after
    // a fork of a program with several threads (signal-safety(7)): it takes no lock and no memory.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => become_program(&program, &pointers, signals, [&theirs, &line]),
        process => Ok(Child { process, line }),
    }
}

/// In the child.
fn become_program(
    program: &CString,
    words: &[*const libc::c_char],
    signals: &SignalSet,
    [line, parents]: [&UnixStream; 2],
) -> ! {
    set_signals(signals);
    let (line, mut byte) = (line.as_raw_fd(), [0_u8]);
    // SAFETY: the descriptors are open in this process, which has the parent's end of the line too;
    // without closing that it would not see the parent's end. The buffers are as long as is said,
    // `words` ends with a null pointer, and its strings live in the parent's memory, of which this
    // process has a copy. Nothing is dropped: this ends in exec or _exit.
    unsafe {
        libc::close(parents.as_raw_fd());
        if libc::read(line, byte.as_mut_ptr().cast(), 1) == 1 {
            libc::execv(program.as_ptr(), words.as_ptr());
            let error = io::Error::last_os_error().raw_os_error().unwrap_or(0).to_ne_bytes();
            libc::write(line, error.as_ptr().cast(), error.len());
        }
        libc::_exit(125)
    }
}

fn reap(process: i32) {
    // SAFETY: nothing is written through the null pointer, which says that the status is not
    // wanted.
    unsafe { libc::waitpid(process, ptr::null_mut(), libc::__WALL) };
}
