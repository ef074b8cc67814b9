//! HTTP/1: each request is read, judged and written anew, so that the server sees no request that was not judged.

mod check;
mod prefixed;
mod requests;
mod servers;
mod tunnel;

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::connection::Target;
use crate::dial::Dialled;
use crate::live::Entered;
use crate::log::Allowed;
use crate::session::Session;

pub use check::{Fault, Meant, proxy_request, server_request};

use prefixed::Prefixed;
use servers::Servers;
use tunnel::Tunnel;

/// How long a connection may be open without a whole head: while the client writes one, and between two requests.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

/// A head is not longer.
const HEAD_MAX: usize = 64 * 1024;

/// A body that comes from a server, or a text of ours.
pub(crate) type Body = Either<Incoming, Full<Bytes>>;

/// What requests are for on a connection.
#[derive(Clone, Copy)]
enum Role<'a> {
    /// A server of HTTP itself: every request is for it.
    Server(&'a Target, &'a Allowed),
    /// A proxy: each request says where it goes.
    Proxy,
}

/// One connection of a client.
struct Serving<'a> {
    session: &'a Session,
    role: Role<'a>,
    servers: Servers<'a>,
    entered: &'a Entered<'a>,
    /// What the connection becomes after the answer that is being sent.
    tunnel: RefCell<Option<Tunnel>>,
}

/// Serves a connection to a host's port of HTTP.
pub(crate) async fn transparent(
    session: &Session,
    stream: TcpStream,
    (to, allowed): (&Target, &Allowed),
    first: Vec<u8>,
    outside: Option<Dialled>,
    entered: &Entered<'_>,
) {
    let servers = Servers::new(session, entered);
    if let Some(outside) = outside {
        servers.is_connected(to, allowed, outside).await;
    }
    let tunnel = RefCell::default();
    let role = Role::Server(to, allowed);
    serve(Serving { session, role, servers, entered, tunnel }, stream, first).await;
}

/// Serves a client that wants a proxy of HTTP.
pub(crate) async fn proxy(session: &Session, stream: TcpStream, entered: &Entered<'_>) {
    let (servers, tunnel) = (Servers::new(session, entered), RefCell::default());
    let serving = Serving { session, role: Role::Proxy, servers, entered, tunnel };
    serve(serving, stream, Vec::new()).await;
}

async fn serve(serving: Serving<'_>, stream: TcpStream, first: Vec<u8>) {
    let serving = Rc::new(serving);
    let service = service_fn(|request: Request<Incoming>| {
        let serving = serving.clone();
        Box::pin(async move { Ok::<_, Infallible>(serving.request(request).await) })
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_MAX)
        .preserve_header_case(true)
        .half_close(true)
        .serve_connection(TokioIo::new(Prefixed::new(first, stream)), service)
        .without_shutdown();
    let parts = tokio::select! {
        ended = connection => ended.ok(),
        () = serving.entered.ended() => None,
    };
    let tunnel = serving.tunnel.borrow_mut().take();
    if let (Some(tunnel), Some(parts)) = (tunnel, parts) {
        let (unread, stream) = parts.io.into_inner().into_parts();
        let first = [unread, parts.read_buf.to_vec()].concat();
        tunnel.run(serving.session, stream, first, serving.entered).await;
    }
}
