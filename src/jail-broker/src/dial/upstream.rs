//! The proxy that all connections leave by, where the host has no other way out. A name goes to it only after the verdict.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jail_egress::{Authority, Host, Name};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use crate::session::Session;

use super::{Failure, order, race};

/// Its answer is not longer.
const ANSWER_MAX: usize = 16 * 1024;

/// More fields are no answer of a proxy.
const FIELDS_MAX: usize = 64;

/// How long it may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// The proxy.
pub(crate) struct Upstream {
    host: Host,
    port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
}

impl Upstream {
    /// Reads the plan's record; `credentials` is `user:password`.
    pub(crate) fn new(host: &str, port: u16, credentials: Option<&str>) -> io::Result<Self> {
        let read = host
            .parse::<IpAddr>()
            .map(Host::Address)
            .or_else(|_| Authority::from_wire(host.as_bytes()).map(|authority| authority.host));
        let host =
            read.map_err(|error| io::Error::other(format!("the upstream proxy: {error}")))?;
        let authorization = credentials
            .map(|text| format!("Basic {}", STANDARD.encode(text.trim_end_matches(['\r', '\n']))));
        Ok(Self { host, port, authorization })
    }

    /// Reads it from a variable as other programs take it: `http://user:password@host:port`, or without `http://`.
    pub(crate) fn from_url(text: &str) -> io::Result<Self> {
        // Its text is not told: it may hold a password.
        let wrong =
            || io::Error::other("the upstream proxy: its variable is no URL `http://host:port`");
        let whole = if text.contains("://") { text.into() } else { format!("http://{text}") };
        let url = Url::parse(&whole).map_err(|_| wrong())?;
        let (Some(host), "http") = (url.host_str(), url.scheme()) else { return Err(wrong()) };
        let text = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let credentials = (!url.username().is_empty()).then(|| {
            format!("{}:{}", text(url.username()), text(url.password().unwrap_or_default()))
        });
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self::new(host, url.port().unwrap_or(80), credentials.as_deref())
    }

    fn request(&self, to: &Host, port: u16) -> String {
        let mut request = format!("CONNECT {to}:{port} HTTP/1.1\r\nHost: {to}:{port}\r\n");
        if let Some(value) = &self.authorization {
            request.push_str(&format!("Proxy-Authorization: {value}\r\n"));
        }
        request.push_str("\r\n");
        request
    }
}

/// Connects through it. Its own address is not judged: the spec names it, and it may well be one of a private network.
pub(crate) async fn connect(
    session: &Session,
    upstream: &Upstream,
    to: &Host,
    port: u16,
) -> Result<TcpStream, Failure> {
    let addresses = match &upstream.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => resolve(session, name).await?,
    };
    let reached = async {
        let mut stream = race(&order::order(&addresses), upstream.port).await?;
        stream.write_all(upstream.request(to, port).as_bytes()).await?;
        answered(&mut stream).await?;
        Ok(stream)
    };
    let reached = tokio::time::timeout(ANSWER_TIME_MAX, reached).await;
    reached.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(Failure::Unreachable)
}

async fn resolve(session: &Session, name: &Name) -> Result<Vec<IpAddr>, Failure> {
    session.lookups.addresses(name).await.map_err(Failure::Unreachable)
}

/// Reads the head of the answer, byte by byte at its end, because what follows belongs to the client.
async fn answered(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= ANSWER_MAX {
            return Err(io::Error::other("the upstream proxy's answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    let status = status(&head)?;
    if (200..300).contains(&status) {
        Ok(())
    } else {
        Err(io::Error::other(format!("the upstream proxy answered {status}")))
    }
}

fn status(head: &[u8]) -> io::Result<u16> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut answer = httparse::Response::new(&mut fields);
    let parsed = answer.parse(head);
    let is_whole = parsed.is_ok_and(|parsed| parsed.is_complete());
    answer
        .code
        .filter(|_| is_whole)
        .ok_or_else(|| io::Error::other("the upstream proxy does not speak HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_names_the_host_and_the_user() {
        let name = Host::Name(Name::from_wire(b"api.example.com").unwrap());
        let upstream = Upstream::new("proxy.corp.example", 3128, Some("me:s3cret\n")).unwrap();
        assert_eq!(
            upstream.request(&name, 443),
            "CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\
             Proxy-Authorization: Basic bWU6czNjcmV0\r\n\r\n"
        );
        let v6 = Host::Address("2606:4700::1111".parse().unwrap());
        let upstream = Upstream::new("10.0.0.1", 3128, None).unwrap();
        assert!(upstream.request(&v6, 22).starts_with("CONNECT [2606:4700::1111]:22 HTTP/1.1\r\n"));
    }

    #[test]
    fn a_variable_has_all_of_it() {
        let name = Host::Name(Name::from_wire(b"a.example.com").unwrap());
        let request =
            |url: &str| Upstream::from_url(url).map(|upstream| upstream.request(&name, 443));
        let with_user = request("http://me:s%403cret@proxy.corp.example:3128/").unwrap();
        assert!(with_user.contains("\r\nProxy-Authorization: Basic bWU6c0AzY3JldA==\r\n"));
        assert!(!request("http://10.0.0.1:3128").unwrap().contains("Authorization"));
        assert!(request("http://[fd00::1]:3128").is_ok());
        let with_user = request("me:x@proxy.corp.example:3128").unwrap();
        assert!(with_user.contains("Basic bWU6eA=="), "{with_user}");
        for wrong in ["https://proxy.corp.example:3128", "socks5://x:1", ""] {
            let error = request(wrong).unwrap_err().to_string();
            assert!(error.starts_with("the upstream proxy: "), "{error}");
        }
    }

    #[test]
    fn an_answer_is_a_status() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap(), 200);
        assert_eq!(status(b"HTTP/1.0 407 no\r\nProxy-Authenticate: Basic\r\n\r\n").unwrap(), 407);
        for wrong in [&b"SSH-2.0-x\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n"] {
            assert!(status(wrong).is_err());
        }
    }
}
