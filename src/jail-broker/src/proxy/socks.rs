//! SOCKS5 (RFC 1928): CONNECT with names and addresses, without a password.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jail_egress::{Authority, Host};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::connection::{self, Ending, FIRST_WORDS_MAX, Target, log_ending, reset};
use crate::dial;
use crate::live::Entered;
use crate::session::Session;

pub(super) const VERSION: u8 = 5;

/// The longest request: a name of 255 bytes.
const REQUEST_MAX: usize = 4 + 1 + 255 + 2;

/// What the bytes so far come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// It is whole, and took so many bytes.
    Whole(T, usize),
    /// More bytes must come.
    More,
}

/// How a client may be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// It needs no password.
    Open,
    /// It insists on something else.
    Other,
}

/// Answers to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The connection is there.
    Granted = 0,
    /// Something else went wrong.
    Failure = 1,
    /// The rules do not allow it.
    Refused = 2,
    /// There is no such host, or it does not answer.
    Unreachable = 4,
    /// There is CONNECT only.
    Command = 7,
    /// No such kind of address.
    Address = 8,
}

/// Reads the greeting.
///
/// # Errors
/// When it is not one.
pub fn greeting(bytes: &[u8]) -> Result<Read<Greeting>, Reply> {
    let [version, count, methods @ ..] = bytes else { return Ok(Read::More) };
    let count = usize::from(*count);
    if *version != VERSION || count == 0 {
        return Err(Reply::Failure);
    }
    let Some(methods) = methods.get(..count) else { return Ok(Read::More) };
    let greeting = if methods.contains(&0) { Greeting::Open } else { Greeting::Other };
    Ok(Read::Whole(greeting, 2 + count))
}

/// Reads the request.
///
/// # Errors
/// What is answered to one that cannot be carried out.
pub fn request(bytes: &[u8]) -> Result<Read<(Host, u16)>, Reply> {
    let [version, command, reserved, kind, rest @ ..] = bytes else { return Ok(Read::More) };
    if *version != VERSION || *reserved != 0 {
        return Err(Reply::Failure);
    }
    if *command != 1 {
        return Err(Reply::Command);
    }
    let (host, length) = match kind {
        1 => match rest.first_chunk::<4>() {
            Some(octets) => (Host::Address(IpAddr::V4(Ipv4Addr::from(*octets))), 4),
            None => return Ok(Read::More),
        },
        4 => match rest.first_chunk::<16>() {
            Some(octets) => (Host::Address(IpAddr::V6(Ipv6Addr::from(*octets))), 16),
            None => return Ok(Read::More),
        },
        3 => {
            let Some((length, name)) = rest.split_first() else { return Ok(Read::More) };
            let Some(name) = name.get(..usize::from(*length)) else { return Ok(Read::More) };
            (named(name)?, 1 + name.len())
        }
        _ => return Err(Reply::Address),
    };
    let Some(port) = rest.get(length..).and_then(|rest| rest.first_chunk::<2>()) else {
        return Ok(Read::More);
    };
    match u16::from_be_bytes(*port) {
        0 => Err(Reply::Failure),
        port => Ok(Read::Whole((host, port), 4 + length + 2)),
    }
}

/// A name, or an address that the client wrote as one.
fn named(bytes: &[u8]) -> Result<Host, Reply> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reply::Refused)?;
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(Host::Address(address.into()));
    }
    match Authority::from_wire(bytes) {
        Ok(Authority { host, port: None }) => Ok(host),
        Ok(Authority { port: Some(_), .. }) | Err(_) => Err(Reply::Refused),
    }
}

fn reply(reply: Reply) -> [u8; 10] {
    // The jail must not learn the address of the connection outside; clients do not look at it.
    [VERSION, reply as u8, 0, 1, 0, 0, 0, 0, 0, 0]
}

/// Serves a client.
pub(super) async fn serve(session: &Session, mut stream: TcpStream, entered: &Entered<'_>) {
    let asked = tokio::time::timeout(FIRST_WORDS_MAX, ask(session, &mut stream)).await;
    let (host, port, first) = match asked {
        Ok(Ok(Ok(asked))) => asked,
        Ok(Ok(Err(why))) => {
            drop(stream.write_all(&reply(why)).await);
            return;
        }
        Ok(Err(_)) | Err(_) => return reset(&stream),
    };
    let host = match &host {
        Host::Address(address) => session.host_at(*address).unwrap_or(host),
        Host::Name(_) => host,
    };
    let to = Target { host, port };
    let allowed = match crate::ask::judge(session, &to).await {
        Ok(allowed) => allowed,
        Err(why) => {
            session.log.refused(&to.host, port, why);
            drop(stream.write_all(&reply(Reply::Refused)).await);
            return;
        }
    };
    entered.is_to(&to.host, port);
    let outside = match dial::dial(session, entered, &to.host, port).await {
        Ok(outside) => outside,
        Err(failure) => {
            let ending = Ending::from(failure);
            let why = match &ending {
                Ending::Refused(_) | Ending::Unfit(_) => Reply::Refused,
                Ending::Untrusted(_) | Ending::Broken(_) => Reply::Unreachable,
            };
            log_ending(session, &to, ending);
            drop(stream.write_all(&reply(why)).await);
            return;
        }
    };
    if stream.write_all(&reply(Reply::Granted)).await.is_ok() {
        connection::run(session, stream, (&to, &allowed), first, Some(outside), entered).await;
    }
}

type SocksRequest = Result<(Host, u16, Vec<u8>), Reply>;

/// Greets the client and reads its request; and what it sent behind that.
async fn ask(session: &Session, stream: &mut TcpStream) -> io::Result<SocksRequest> {
    let mut bytes = Vec::new();
    let greeted = loop {
        match greeting(&bytes) {
            Ok(Read::Whole(greeting, length)) => {
                bytes.drain(..length);
                break greeting;
            }
            Ok(Read::More) => more(stream, &mut bytes).await?,
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
    };
    match greeted {
        Greeting::Open => stream.write_all(&[VERSION, 0]).await?,
        Greeting::Other => {
            stream.write_all(&[VERSION, 0xff]).await?;
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    loop {
        match request(&bytes) {
            Ok(Read::Whole((host, port), length)) => {
                return Ok(Ok((host, port, bytes.split_off(length))));
            }
            Ok(Read::More) => more(stream, &mut bytes).await?,
            Err(why) => {
                if why == Reply::Refused {
                    session.log.trouble(
                        "a client of the proxy asked for something that is not a host name",
                    );
                }
                return Ok(Err(why));
            }
        }
    }
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut part = [0; REQUEST_MAX];
    match stream.read(&mut part).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            bytes.extend_from_slice(part.get(..count).unwrap_or_default());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_name(name: &[u8], port: u16) -> Vec<u8> {
        let length = [u8::try_from(name.len()).unwrap()];
        [&[5, 1, 0, 3][..], &length, name, &port.to_be_bytes()].concat()
    }

    fn whole(bytes: &[u8]) -> (Host, u16) {
        match request(bytes) {
            Ok(Read::Whole(read, length)) => {
                assert_eq!(length, bytes.len());
                read
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_and_addresses_are_hosts() {
        let (host, port) = whole(&by_name(b"API.example.com", 443));
        assert_eq!((host.to_string().as_str(), port), ("api.example.com", 443));
        assert_eq!(whole(&by_name(b"1.1.1.1", 53)).0, Host::Address([1, 1, 1, 1].into()));
        assert_eq!(whole(&by_name(b"::1", 53)).0.to_string(), "[::1]");
        assert_eq!(whole(&[5, 1, 0, 1, 10, 0, 0, 1, 0, 80]).0.to_string(), "10.0.0.1");
        let v6 = [&[5, 1, 0, 4][..], &[0x20, 1], &[0; 13], &[7], &[0, 22]].concat();
        assert_eq!(whole(&v6).0.to_string(), "[2001::7]");
    }

    #[test]
    fn what_is_no_host_is_refused_before_it_is_matched() {
        for name in [
            &b"attacker.test\0.allowed.test"[..],
            b"allowed.test%2e",
            b"127.1",
            b"0x7f.1",
            b"2130706433",
            b"user@allowed.test",
            b"allowed.test:443",
            b"a b",
            b"",
            b"\xff\xfe",
            "allowed\u{3002}test".as_bytes(),
        ] {
            assert_eq!(request(&by_name(name, 443)), Err(Reply::Refused), "{name:?}");
        }
        assert_eq!(request(&by_name(b"a.test", 0)), Err(Reply::Failure));
        assert_eq!(request(&[5, 2, 0, 1, 1, 1, 1, 1, 0, 80]), Err(Reply::Command));
        assert_eq!(request(&[5, 1, 0, 9, 1]), Err(Reply::Address));
        assert_eq!(request(&[5, 1, 7, 1, 1]), Err(Reply::Failure));
    }

    #[test]
    fn a_client_without_a_known_method_gets_an_answer() {
        assert_eq!(greeting(&[5, 2, 2, 0]), Ok(Read::Whole(Greeting::Open, 4)));
        assert_eq!(greeting(&[5, 1, 2]), Ok(Read::Whole(Greeting::Other, 3)));
        assert_eq!(greeting(&[5, 2, 2]), Ok(Read::More));
        assert_eq!(greeting(&[4, 1, 0]), Err(Reply::Failure));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_readers(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = greeting(&bytes);
            if let Ok(Read::Whole(_, length)) = request(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
