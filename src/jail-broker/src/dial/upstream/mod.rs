//! The proxy that all connections leave by, where the host has no other way out. A name goes to it
//! only after the verdict.

mod bridge;
mod secure;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use jail_egress::{Authority, Host, Protocol};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::connection::Target;
use crate::live::Entered;
use crate::session::Session;

use super::{Dialled, Failure, order, prepare, race};
use secure::Secure;

/// Its answer is not longer.
const ANSWER_MAX: usize = 16 * 1024;

/// More fields are not the answer of a proxy.
const FIELDS_MAX: usize = 64;

/// How long it may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// As many hosts that it makes no tunnel to are remembered.
const REMEMBERED_MAX: usize = 64;

/// A tunnel was made.
const OK: u16 = 200;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

pub(crate) struct Upstream {
    host: Host,
    port: u16,
    /// Where it is spoken to in TLS.
    secure: Option<Secure>,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
    /// Where it makes no tunnel to.
    no_tunnel: RefCell<VecDeque<(Host, u16)>>,
}

impl Upstream {
    /// Reads the plan's record; `credentials` is `user:password`.
    pub(crate) fn new(
        scheme: Scheme,
        (host, port): (&str, u16),
        credentials: Option<&str>,
    ) -> io::Result<Self> {
        let read = host
            .parse::<IpAddr>()
            .map(Host::Address)
            .or_else(|_| Authority::from_wire(host.as_bytes()).map(|authority| authority.host));
        let host =
            read.map_err(|error| io::Error::other(format!("the upstream proxy: {error}")))?;
        let secure = match scheme {
            Scheme::Http => None,
            Scheme::Https => Some(Secure::new(&host)?),
        };
        let authorization = credentials
            .map(|text| format!("Basic {}", STANDARD.encode(text.trim_end_matches(['\r', '\n']))));
        Ok(Self { host, port, secure, authorization, no_tunnel: RefCell::default() })
    }

    /// Reads it from a variable as other programs take it: `http://user:password@host:port`,
    /// `https://` too, or without either.
    pub(crate) fn from_url(text: &str) -> io::Result<Self> {
        // Its text is not shown: it may hold a password.
        let wrong = || {
            io::Error::other(
                "the upstream proxy: its variable is not a URL of the form `http://host:port`",
            )
        };
        let whole = if text.contains("://") { text.into() } else { format!("http://{text}") };
        let url = Url::parse(&whole).map_err(|_| wrong())?;
        let (scheme, port) = match url.scheme() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            _ => return Err(wrong()),
        };
        let host = url.host_str().ok_or_else(wrong)?;
        let text = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let credentials = (!url.username().is_empty()).then(|| {
            format!("{}:{}", text(url.username()), text(url.password().unwrap_or_default()))
        });
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self::new(scheme, (host, url.port().unwrap_or(port)), credentials.as_deref())
    }

    /// Whether it is spoken to in TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure.is_some()
    }

    fn makes_no_tunnel(&self, to: &Target) -> bool {
        self.no_tunnel.borrow().iter().any(|(host, port)| *host == to.host && *port == to.port)
    }

    fn remember(&self, to: &Target) {
        let mut no_tunnel = self.no_tunnel.borrow_mut();
        if no_tunnel.len() == REMEMBERED_MAX {
            no_tunnel.pop_front();
        }
        no_tunnel.push_back((to.host.clone(), to.port));
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

/// Connects through it. Its own address is not judged: the spec names it, and it may well be one of
/// a private network.
pub(crate) async fn connect(
    session: &Session,
    upstream: &Upstream,
    (to, protocol): (&Target, Protocol),
    entered: &Entered<'_>,
) -> Result<Dialled, Failure> {
    let addresses = match &upstream.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => session.lookups.addresses(name).await.map_err(Failure::Unreachable)?,
    };
    let is_http = protocol == Protocol::Http;
    let reached = async {
        if !is_http || !upstream.makes_no_tunnel(to) {
            let way = Way::to(session, upstream, &addresses).await?;
            match way.tunnel(upstream, to, entered).await? {
                Answer::Tunnel(dialled) => return Ok(dialled),
                // Many make tunnels to ports of TLS only.
                Answer::No(status) if is_http && is_for_the_way(status) => upstream.remember(to),
                Answer::No(status) => {
                    return Err(io::Error::other(format!("the upstream proxy answered {status}")));
                }
            }
        }
        Way::to(session, upstream, &addresses).await?.forward(upstream, to).await
    };
    let reached = tokio::time::timeout(ANSWER_TIME_MAX, reached).await;
    reached.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(Failure::Unreachable)
}

/// Whether an answer objects to CONNECT, and not to the credentials.
fn is_for_the_way(status: u16) -> bool {
    matches!(status, 400 | 403 | 404 | 405 | 501)
}

/// What the proxy says about a tunnel.
enum Answer {
    Tunnel(Dialled),
    No(u16),
}

/// A connection to the proxy itself.
struct Way {
    stream: Stream,
    address: SocketAddr,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Way {
    async fn to(session: &Session, upstream: &Upstream, addresses: &[IpAddr]) -> io::Result<Self> {
        let stream = race(&order::order(addresses), upstream.port).await?;
        prepare(&stream)?;
        let address = stream.peer_addr()?;
        let stream = match &upstream.secure {
            Some(secure) => Stream::Tls(Box::new(secure.begin(&session.outside, stream).await?)),
            None => Stream::Plain(stream),
        };
        Ok(Self { stream, address })
    }

    /// Asks for a connection to the host.
    async fn tunnel(
        self,
        upstream: &Upstream,
        to: &Target,
        entered: &Entered<'_>,
    ) -> io::Result<Answer> {
        let request = upstream.request(&to.host, to.port);
        let (status, stream) = match self.stream {
            Stream::Plain(mut stream) => (asked(&mut stream, &request).await?, stream),
            Stream::Tls(mut stream) => match asked(&mut *stream, &request).await? {
                OK => (OK, bridge::secured(*stream, entered.end())?),
                status => return Ok(Answer::No(status)),
            },
        };
        Ok(match status {
            OK => Answer::Tunnel(Dialled { stream, address: self.address }),
            status => Answer::No(status),
        })
    }

    /// Requests of HTTP go to the proxy itself, and each says which host it is for.
    async fn forward(self, upstream: &Upstream, to: &Target) -> io::Result<Dialled> {
        let value = upstream.authorization.as_deref().map(HeaderValue::from_str).transpose();
        let (to, value) = ((&to.host, to.port), value.map_err(io::Error::other)?);
        let stream = match self.stream {
            Stream::Plain(stream) => bridge::forwarded(stream, to, value).await,
            Stream::Tls(stream) => bridge::forwarded(*stream, to, value).await,
        };
        Ok(Dialled { stream: stream?, address: self.address })
    }
}

/// Sends a request, and reads the head of the answer, byte by byte, because what follows belongs to
/// the client: its status, of which all of success are [`OK`].
async fn asked(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &str,
) -> io::Result<u16> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= ANSWER_MAX {
            return Err(io::Error::other("the upstream proxy's answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    match status(&head)? {
        200..300 => Ok(OK),
        status => Ok(status),
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
    use jail_egress::Name;

    use super::*;

    #[test]
    fn the_request_names_the_host_and_the_user() {
        let name = Host::Name(Name::from_wire(b"api.example.com").unwrap());
        let at = ("proxy.corp.example", 3128);
        let upstream = Upstream::new(Scheme::Http, at, Some("me:s3cret\n")).unwrap();
        assert!(upstream.secure.is_none());
        assert_eq!(
            upstream.request(&name, 443),
            "CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\
             Proxy-Authorization: Basic bWU6czNjcmV0\r\n\r\n"
        );
        let v6 = Host::Address("2606:4700::1111".parse().unwrap());
        let upstream = Upstream::new(Scheme::Http, ("10.0.0.1", 3128), None).unwrap();
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
        for wrong in ["socks5://x:1", "ftp://x", ""] {
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
