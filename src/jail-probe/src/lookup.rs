//! A name asked of one DNS server, over UDP: what the C library would ask, without its files and
//! caches.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::answer::Answer;

/// What does not answer within this time counts as not reached.
const PATIENCE: Duration = Duration::from_secs(2);

/// Any number, which the answer must have too.
const ID: [u8; 2] = [0x6a, 0x6c];

/// The addresses of IPv4; or `rcode N` where the server answers that there are no addresses, and
/// why.
pub(crate) fn lookup(name: &str, server: &str) -> Answer {
    match server.parse().map_err(io::Error::other).and_then(|server| ask(name, server)) {
        Ok(reply) => read(&reply),
        // A timeout of the standard library has another number on each system.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Answer::Refused(110),
        Err(error) => Answer::failed(&error),
    }
}

fn ask(name: &str, server: SocketAddr) -> io::Result<Vec<u8>> {
    let query = query(name).ok_or(io::ErrorKind::InvalidInput)?;
    let here: SocketAddr =
        if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(here)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server)?;
    socket.send(&query)?;
    let mut reply = vec![0; 4096];
    let length = socket.recv(&mut reply)?;
    reply.truncate(length);
    Ok(reply)
}

/// One question for addresses, with recursion (RFC 1035, section 4).
fn query(name: &str) -> Option<Vec<u8>> {
    let mut query = ID.to_vec();
    query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        query.push(length);
        query.extend(label.bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    Some(query)
}

fn read(reply: &[u8]) -> Answer {
    match (reply.get(..2), reply.get(3)) {
        (Some(id), Some(code)) if id == ID => match code & 15 {
            0 => addresses(reply).map_or_else(
                || Answer::Unknown("a reply that is not a DNS message".into()),
                Answer::List,
            ),
            code => Answer::Text(format!("rcode {code}")),
        },
        _ => Answer::Unknown("a reply to something else".into()),
    }
}

fn addresses(reply: &[u8]) -> Option<Vec<String>> {
    let count = u16::from_be_bytes([*reply.get(6)?, *reply.get(7)?]);
    let mut rest = behind_name(reply.get(12..)?)?.get(4..)?;
    let mut found = Vec::new();
    for _ in 0..count {
        rest = behind_name(rest)?;
        let (head, tail) = rest.split_at_checked(10)?;
        let length = usize::from(u16::from_be_bytes([*head.get(8)?, *head.get(9)?]));
        let (data, next) = tail.split_at_checked(length)?;
        if let (Some([0, 1, 0, 1]), Ok(octets)) = (head.get(..4), <[u8; 4]>::try_from(data)) {
            found.push(IpAddr::from(Ipv4Addr::from(octets)).to_string());
        }
        rest = next;
    }
    Some(found)
}

/// What follows a name, which ends with an empty label or in a pointer.
fn behind_name(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        match *bytes.first()? {
            0 => return bytes.get(1..),
            length if length >= 0xc0 => return bytes.get(2..),
            length => bytes = bytes.get(usize::from(length) + 1..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_answered_by_a_server() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap().to_string();
        let answering = std::thread::spawn(move || {
            for reply in 0..2 {
                let mut query = [0; 512];
                let (length, from) = server.recv_from(&mut query).unwrap();
                let mut answer = query[..length].to_vec();
                answer[2] = 0x81;
                if reply == 0 {
                    answer[7] = 1;
                    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 198, 18, 0, 9]);
                } else {
                    answer[3] = 3;
                }
                server.send_to(&answer, from).unwrap();
            }
        });
        assert_eq!(lookup("a.example", &at), Answer::List(vec!["198.18.0.9".into()]));
        assert_eq!(lookup("b.example", &at), Answer::Text("rcode 3".into()));
        answering.join().unwrap();
        assert!(matches!(lookup("a.example", &at), Answer::Refused(_)));
        assert!(matches!(lookup("a..example", &at), Answer::Unknown(_)));
    }

    #[test]
    fn no_reply_makes_it_fail() {
        for reply in [&b""[..], b"jl", b"jl\0\0", b"jl\0\0\0\0\0\x05\0\0\0\0\x01", b"xx\0\0"] {
            assert!(matches!(read(reply), Answer::Unknown(_)), "{reply:?}");
        }
    }
}
