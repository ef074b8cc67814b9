//! The protocol of a channel's socket: a kind, a length of four bytes
//! (little-endian), and that many bytes.
//!
//! From inside: `R` (the channel's name and the arguments, each ended by a NUL), then `I` (input)
//! and `Z` (its end). From outside: `O` and `E` (the two outputs), and at last `X` (an exit status)
//! or `N` (why there was no call, in words).

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;

/// The longest command line.
pub(super) const ASKED_MAX: usize = 1024 * 1024;
/// The longest piece of input or output.
pub(super) const PIECE_MAX: usize = 64 * 1024;
const ARGUMENTS_MAX: usize = 4096;

/// What a caller wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) arguments: Vec<OsString>,
}

/// A message between the client of a channel and the helper.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

/// Reads the next frame; `None` at the end.
pub(super) fn read(mut socket: &UnixStream, longest: usize) -> io::Result<Option<Frame>> {
    let mut start = [0; 5];
    match socket.read_exact(&mut start) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let (kind, length) = header(start, longest)?;
    let mut body = vec![0; length];
    socket.read_exact(&mut body)?;
    Ok(Some(Frame { kind, body }))
}

/// The first complete frame of what has been read so far, which is removed from it.
pub(super) fn take(unread: &mut Vec<u8>) -> io::Result<Option<Frame>> {
    let Some(start) = unread.first_chunk::<5>() else { return Ok(None) };
    let (kind, length) = header(*start, PIECE_MAX)?;
    let Some(body) = unread.get(5..5 + length) else { return Ok(None) };
    let body = body.to_vec();
    unread.drain(..5 + length);
    Ok(Some(Frame { kind, body }))
}

fn header(start: [u8; 5], longest: usize) -> io::Result<(u8, usize)> {
    let [kind, length @ ..] = start;
    match usize::try_from(u32::from_le_bytes(length)) {
        Ok(length) if length <= longest => Ok((kind, length)),
        Ok(_) | Err(_) => Err(io::Error::other("a message is too long")),
    }
}

/// Sends a frame.
pub(super) fn send(mut socket: &UnixStream, kind: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    socket.write_all(&[&[kind], length.to_le_bytes().as_slice(), body].concat())
}

/// The request of the caller, which is its first message.
pub(super) fn asked(socket: &UnixStream) -> io::Result<Asked> {
    match read(socket, ASKED_MAX)? {
        Some(Frame { kind: b'R', body }) => {
            parse(&body).ok_or_else(|| io::Error::other("it names no channel"))
        }
        Some(_) | None => Err(io::Error::other("it does not begin with a command line")),
    }
}

fn parse(body: &[u8]) -> Option<Asked> {
    let mut words = body.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    let name = std::str::from_utf8(words.next()?).ok()?.to_owned();
    let arguments: Vec<_> = words.map(|word| OsString::from_vec(word.to_vec())).collect();
    (arguments.len() <= ARGUMENTS_MAX).then_some(Asked { name, arguments })
}

/// Asks for a channel.
pub(super) fn ask(socket: &UnixStream, name: &OsStr, arguments: &[OsString]) -> io::Result<()> {
    let mut body = [name.as_bytes(), b"\0"].concat();
    for argument in arguments {
        body.extend_from_slice(argument.as_bytes());
        body.push(0);
    }
    if body.len() > ASKED_MAX || arguments.len() > ARGUMENTS_MAX {
        return Err(io::Error::other("the arguments are longer than a channel takes (1 MiB)"));
    }
    send(socket, b'R', &body)
}

/// Ends a call with an exit status.
pub(super) fn exit(socket: &UnixStream, status: u8) -> io::Result<()> {
    send(socket, b'X', &[status])
}

/// Ends a call that never started.
pub(super) fn refuse(socket: &UnixStream, why: &str) -> io::Result<()> {
    send(socket, b'N', why.as_bytes())
}
