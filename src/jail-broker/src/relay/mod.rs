//! Carries bytes between two connections until both directions have ended.
//!
//! An idle connection holds no buffer: both directions of all connections share one, and only what
//! the other side did not take at once is kept. A transfer that fills the buffer goes by a pipe of
//! the kernel's, as long as it is that fast.

mod pipe;

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};

use tokio::io::Interest;
use tokio::net::TcpStream;

use pipe::{Pipe, Went};

/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// What a direction may keep when all together keep more than [`HELD_MAX`].
const CHUNK_SMALL: usize = 4 * 1024;

/// How much all connections may keep before each may keep little only.
const HELD_MAX: usize = 32 * 1024 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// What one side sent and the other did not take yet.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    from: usize,
}

impl Held {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }

    fn keep(&mut self, bytes: &[u8]) {
        HELD.set(HELD.get() + bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    fn sent(&mut self, count: usize) {
        self.from += count;
        if self.rest().is_empty() {
            self.release();
        }
    }

    fn release(&mut self) {
        HELD.set(HELD.get().saturating_sub(self.bytes.len()));
        self.bytes = Vec::new();
        self.from = 0;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

/// How many bytes went each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// From the jail.
    pub(crate) out: u64,
    /// To the jail.
    pub(crate) back: u64,
}

/// Carries both directions. Where one side ends its direction, the other's end is passed on, and
/// the other direction goes on.
///
/// # Errors
/// When either connection breaks.
pub(crate) async fn carry(inside: &TcpStream, outside: &TcpStream) -> (Carried, io::Result<()>) {
    let (out, back) = (Cell::new(0), Cell::new(0));
    let ended = tokio::try_join!(one_way(inside, outside, &out), one_way(outside, inside, &back));
    (Carried { out: out.get(), back: back.get() }, ended.map(drop))
}

async fn one_way(from: &TcpStream, to: &TcpStream, count: &Cell<u64>) -> io::Result<()> {
    let mut held = Held::default();
    loop {
        from.readable().await?;
        let passed = match pass(from, to, &mut held) {
            Ok(0) => break,
            Ok(passed) => passed,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        count.set(count.get() + passed as u64);
        while !held.rest().is_empty() {
            to.writable().await?;
            match to.try_write(held.rest()) {
                Ok(sent) => held.sent(sent),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if passed == CHUNK
            && let Some(pipe) = Pipe::take()
            && pipe.carry(from, to, count).await? == Went::Ended
        {
            break;
        }
    }
    end(to)
}

/// Reads once and writes once; keeps the rest. It does not wait, so the shared buffer is free again
/// when it returns.
fn pass(from: &TcpStream, to: &TcpStream, held: &mut Held) -> io::Result<usize> {
    BUFFER.with_borrow_mut(|buffer| {
        let size = if HELD.get() > HELD_MAX { CHUNK_SMALL } else { CHUNK };
        let room = buffer.get_mut(..size).unwrap_or_default();
        let count = from.try_read(room)?;
        if count == 0 {
            return Ok(0);
        }
        if count < size {
            is_drained(from);
        }
        let read = room.get(..count).unwrap_or_default();
        let sent = match to.try_write(read) {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        held.keep(read.get(sent..).unwrap_or_default());
        Ok(count)
    })
}

/// Where less came than there was room for, nothing is left, and epoll(7) reports what comes next:
/// one system call less than to try.
fn is_drained(from: &TcpStream) {
    let nothing: io::Result<()> =
        from.try_io(Interest::READABLE, || Err(ErrorKind::WouldBlock.into()));
    drop(nothing);
}

/// Says that nothing more comes.
fn end(to: &TcpStream) -> io::Result<()> {
    match rustix::net::shutdown(to, rustix::net::Shutdown::Write) {
        // The other side is gone already, which the other direction sees.
        Ok(()) | Err(rustix::io::Errno::NOTCONN) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
