//! Attempts to reach something that listens.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{self, UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use crate::ANSWER_MAX;
use crate::answer::Answer;
use crate::files::text;

/// What does not answer within this time counts as not reached (`ETIMEDOUT`).
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn connect(kind: &str, name: &str) -> Answer {
    let result = match kind {
        "unix" => UnixStream::connect(name).map(drop),
        "unix-datagram" => UnixDatagram::unbound().and_then(|socket| socket.connect(name)),
        "abstract" => abstract_socket(name),
        "tcp" => address(name).and_then(|to| tcp(&to)),
        "udp" => address(name).and_then(|to| udp(&to)),
        other => return Answer::Unknown(other.into()),
    };
    Answer::from_result(result, |()| Answer::Done(0))
}

pub(crate) fn listen(name: &str) -> Answer {
    let listener = address(name).and_then(TcpListener::bind);
    Answer::from_result(listener, |_| Answer::Done(0))
}

pub(crate) fn send(name: &str) -> Answer {
    let sent = UnixDatagram::unbound().and_then(|socket| socket.send_to(b"x", name));
    Answer::from_result(sent, |_| Answer::Done(0))
}

/// It has two `Host` fields, so every server refuses it (RFC 9112, 3.2), and none passes it on.
const REFUSED: &[u8] =
    b"GET / HTTP/1.1\r\nHost: a.invalid\r\nHost: b.invalid\r\nConnection: close\r\n\r\n";

/// The answer of a server to a request that it must refuse.
pub(crate) fn ask(kind: &str, name: &str) -> Answer {
    let answer = match kind {
        "unix" => UnixStream::connect(name).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            refused(stream)
        }),
        "tcp" => address(name).and_then(|to| {
            let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            refused(stream)
        }),
        other => return Answer::Unknown(other.into()),
    };
    Answer::from_result(answer, |bytes| Answer::Text(text(&bytes)))
}

fn refused(mut stream: impl Read + Write) -> io::Result<Vec<u8>> {
    stream.write_all(REFUSED)?;
    let mut answer = Vec::new();
    let read = stream.take(ANSWER_MAX as u64).read_to_end(&mut answer);
    // What came before the silence or a reset is the answer.
    if answer.is_empty() { read.map(|_| answer) } else { Ok(answer) }
}

/// Whether a connection is accepted. A socket of another type (`EPROTOTYPE`) is
/// one that takes datagrams.
pub(crate) fn somebody_listens(path: &Path) -> bool {
    match UnixStream::connect(path) {
        Ok(_) => true,
        Err(error) => error.raw_os_error() == Some(91),
    }
}

fn abstract_socket(name: &str) -> io::Result<()> {
    let address = net::SocketAddr::from_abstract_name(name)?;
    UnixStream::connect_addr(&address).map(drop)
}

fn address(text: &str) -> io::Result<SocketAddr> {
    text.parse().map_err(io::Error::other)
}

/// A timeout of the standard library has no number of its own.
fn tcp(to: &SocketAddr) -> io::Result<()> {
    match TcpStream::connect_timeout(to, PATIENCE) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(io::Error::from_raw_os_error(110))
        }
        other => other.map(drop),
    }
}

/// Connecting a datagram socket sends nothing: it asks for a route.
fn udp(to: &SocketAddr) -> io::Result<()> {
    let here: SocketAddr =
        if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    UdpSocket::bind(here)?.connect(to)
}
