//! Pipes for large transfers: what goes through one is not copied (splice(2)). They are few,
//! because a user may have so much memory in pipes and no more (pipe(7)); without one, bytes are
//! copied.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// What a pipe holds: as much as it may without a right.
const HOLDS: usize = 1 << 20;

/// As many are in use at once.
const PIPES_MAX: usize = 4;

thread_local! {
    static SPARE: RefCell<Vec<OwnedPipe>> = const { RefCell::new(Vec::new()) };
    static IN_USE: Cell<usize> = const { Cell::new(0) };
}

struct OwnedPipe {
    read: OwnedFd,
    write: OwnedFd,
}

/// A pipe with nothing in it, for as long as a transfer is fast.
pub(super) struct Pipe(Option<OwnedPipe>);

/// How a transfer went on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// Nothing comes just now.
    Slow,
    /// Nothing more comes.
    Ended,
}

impl Pipe {
    /// One that is free; none: all are in use, or there can be no more.
    pub(super) fn take() -> Option<Self> {
        if IN_USE.get() == PIPES_MAX {
            return None;
        }
        let pipe = SPARE.take().pop().or_else(|| make().ok())?;
        IN_USE.set(IN_USE.get() + 1);
        Some(Self(Some(pipe)))
    }

    /// Carries what comes at once, and counts it.
    pub(super) async fn carry(
        mut self,
        from: &TcpStream,
        to: &TcpStream,
        count: &Cell<u64>,
    ) -> io::Result<Went> {
        let Some(pipe) = self.0.take() else { return Ok(Went::Slow) };
        let went = loop {
            let came = from.try_io(Interest::READABLE, || through(from, &pipe.write, HOLDS));
            let came = match came {
                Ok(0) => break Went::Ended,
                Ok(came) => came,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Went::Slow,
                Err(error) => return Err(error),
            };
            count.set(count.get() + came as u64);
            empty(&pipe, to, came).await?;
            // The other connections have a turn.
            tokio::task::yield_now().await;
        };
        // Only one with nothing in it is used again.
        self.0 = Some(pipe);
        Ok(went)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        IN_USE.set(IN_USE.get() - 1);
        if let Some(pipe) = self.0.take() {
            // One is enough for what comes next; memory that no transfer needs is the user's.
            SPARE.set(vec![pipe]);
        }
    }
}

fn make() -> io::Result<OwnedPipe> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    // A user who has too much in pipes keeps a small one.
    let _ = fcntl_setpipe_size(&write, HOLDS);
    Ok(OwnedPipe { read, write })
}

async fn empty(pipe: &OwnedPipe, to: &TcpStream, mut left: usize) -> io::Result<()> {
    while left > 0 {
        match to.try_io(Interest::WRITABLE, || through(&pipe.read, to, left)) {
            Ok(sent) => left -= sent.min(left),
            Err(error) if error.kind() == ErrorKind::WouldBlock => to.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn through(
    from: impl std::os::fd::AsFd,
    to: impl std::os::fd::AsFd,
    most: usize,
) -> io::Result<usize> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    Ok(splice(from, None, to, None, most, flags)?)
}
