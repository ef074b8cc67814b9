//! What resolv.conf(5) says, as far as it concerns which servers to ask.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// As many servers as the C library takes (MAXNS).
const SERVERS_MAX: usize = 3;

/// The servers, and how long they are waited for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ResolvConf {
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) timeout: Duration,
    pub(crate) attempts: usize,
}

/// Reads it as the C library does: what is not understood is passed over, and without a server this
/// machine is asked.
pub(crate) fn parse(bytes: &[u8]) -> ResolvConf {
    let text = String::from_utf8_lossy(bytes);
    let mut conf = ResolvConf { servers: Vec::new(), timeout: Duration::from_secs(5), attempts: 2 };
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("nameserver") if conf.servers.len() < SERVERS_MAX => {
                conf.servers.extend(words.next().and_then(server));
            }
            Some("options") => words.for_each(|option| set(&mut conf, option)),
            Some(_) | None => {}
        }
    }
    if conf.servers.is_empty() {
        conf.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53));
    }
    conf
}

/// A link-local server may have its interface: `fe80::1%eth0`. It is not asked, because a scope
/// needs the interface's number.
fn server(text: &str) -> Option<SocketAddr> {
    text.parse().ok().map(|address: IpAddr| SocketAddr::new(address, 53))
}

/// The bounds are the C library's (RES_MAXRETRANS, RES_MAXRETRY); it is waited no longer than a
/// client inside waits.
fn set(conf: &mut ResolvConf, option: &str) {
    if let Some(seconds) = option.strip_prefix("timeout:").and_then(|text| text.parse().ok()) {
        conf.timeout = Duration::from_secs(u64::clamp(seconds, 1, 5));
    }
    if let Some(attempts) = option.strip_prefix("attempts:").and_then(|text| text.parse().ok()) {
        conf.attempts = usize::clamp(attempts, 1, 5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_times_are_read_and_the_rest_is_passed_over() {
        let text = "# made by hand\nsearch lan example.com\nnameserver 127.0.0.53\n\
            nameserver fe80::1%eth0\nnameserver 2606:4700::1111 \noptions edns0 trust-ad timeout:1 attempts:99\n\
            nameserver\nnameserver x\n\u{fffd}";
        assert_eq!(
            parse(text.as_bytes()),
            ResolvConf {
                servers: vec![
                    "127.0.0.53:53".parse().unwrap(),
                    "[2606:4700::1111]:53".parse().unwrap()
                ],
                timeout: Duration::from_secs(1),
                attempts: 5
            }
        );
    }

    #[test]
    fn without_a_server_this_machine_is_asked() {
        assert_eq!(parse(b"").servers, ["127.0.0.1:53".parse().unwrap()]);
    }
}
