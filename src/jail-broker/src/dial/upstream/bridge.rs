//! A way through an upstream proxy that is more than bytes, as a stream of the kernel's, like any
//! other connection: the one end is for the rest of the broker, and a task at the other end speaks
//! TLS or HTTP with the proxy.

use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONNECTION, HeaderValue, PROXY_AUTHORIZATION};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, client, server};
use hyper_util::rt::TokioIo;
use jail_egress::Host;
use tokio::io::{AsyncRead, AsyncWrite, copy, copy_bidirectional, sink};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio_rustls::client::TlsStream;

use crate::connection::reset;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Two ends. The first one is used like a connection of TCP, which goes as far as reading, writing
/// and ending it.
fn pair() -> io::Result<(TcpStream, UnixStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    let ours = std::net::TcpStream::from(OwnedFd::from(ours));
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    Ok((TcpStream::from_std(ours)?, UnixStream::from_std(theirs)?))
}

/// What goes through TLS. `end` ends the connection in the jail, where this breaks.
pub(super) fn secured(outside: TlsStream<TcpStream>, end: Rc<Notify>) -> io::Result<TcpStream> {
    let (stream, inside) = pair()?;
    tokio::task::spawn_local(carry(inside, outside, end));
    Ok(stream)
}

async fn carry(mut inside: UnixStream, mut outside: TlsStream<TcpStream>, end: Rc<Notify>) {
    if copy_bidirectional(&mut inside, &mut outside).await.is_err() {
        reset(outside.get_ref().0);
        drop(outside);
        // If this end were closed now, what came so far would look like all of it.
        end.notify_one();
        drop(copy(&mut inside, &mut sink()).await);
    }
}

/// A request of HTTP to a host, which names the host to the proxy (RFC 9112, 3.2.2), for proxies
/// that make no tunnel to its port. After it the connection ends: when a proxy ends one is for each
/// to decide, and a request that comes too late would be lost.
pub(super) async fn forwarded<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    outside: S,
    (to, port): (&Host, u16),
    authorization: Option<HeaderValue>,
) -> io::Result<TcpStream> {
    let authority = if port == 80 { to.to_string() } else { format!("{to}:{port}") };
    let mut builder = client::conn::http1::Builder::new();
    let made = builder.preserve_header_case(true).handshake(TokioIo::new(outside)).await;
    let (sender, connection) = made.map_err(io::Error::other)?;
    // The task that waits for an answer gets the outcome.
    tokio::task::spawn_local(async move { drop(connection.await) });
    let (stream, inside) = pair()?;
    tokio::task::spawn_local(serve(inside, sender, (authority, authorization)));
    Ok(stream)
}

async fn serve(
    inside: UnixStream,
    sender: SendRequest<Incoming>,
    (authority, authorization): (String, Option<HeaderValue>),
) {
    let sender = Cell::new(Some(sender));
    let service = service_fn(|request: Request<Incoming>| {
        let (sender, named) = (sender.take(), named(request, &authority, authorization.as_ref()));
        async move { answer(sender.ok_or(io::ErrorKind::NotConnected)?, named?).await }
    });
    let mut builder = server::conn::http1::Builder::new();
    builder.preserve_header_case(true).half_close(true);
    drop(builder.serve_connection(TokioIo::new(inside), service).await);
}

/// The request as the proxy wants it.
fn named(
    request: Request<Incoming>,
    authority: &str,
    authorization: Option<&HeaderValue>,
) -> io::Result<Request<Incoming>> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri = Uri::builder().scheme("http").authority(authority).path_and_query(path);
    parts.uri = uri.build().map_err(io::Error::other)?;
    parts.headers.insert(CONNECTION, CLOSE);
    if let Some(value) = authorization {
        parts.headers.insert(PROXY_AUTHORIZATION, value.clone());
    }
    Ok(Request::from_parts(parts, body))
}

async fn answer(
    mut sender: SendRequest<Incoming>,
    request: Request<Incoming>,
) -> io::Result<Response<Incoming>> {
    let mut answer = sender.send_request(request).await.map_err(io::Error::other)?;
    if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        // What it asks for is the broker's to know, and no program's in the jail.
        return Err(io::Error::other("the upstream proxy wants other credentials"));
    }
    answer.headers_mut().insert(CONNECTION, CLOSE);
    Ok(answer)
}
