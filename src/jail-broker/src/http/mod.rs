//! HTTP: each request is read, judged and written anew, so that the server sees no request that was
//! not judged.
//!
//! It comes on a connection of plain HTTP, or of TLS that ends here; in HTTP/1 or 2 of which the
//! server may speak the other.

mod body;
mod check;
mod forward;
mod heads;
mod pipeline;
mod prefixed;
mod requests;
mod servers;
mod streams;
mod tunnel;

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use jail_egress::Name;
use jail_plan::SecretSocket;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::connection::{Ending, FIRST_WORDS_MAX, Target, log_ending};
use crate::dial::Dialled;
use crate::live::Entered;
use crate::log::Allowed;
use crate::session::Session;
use crate::tls::{Ends, is_distrust};

pub use check::{Fault, Meant, proxy_request, server_request};
pub(crate) use heads::Heads;
pub(crate) use prefixed::Prefixed;

pub use body::{Body, BodyError};
use pipeline::Transport;
use servers::Servers;
use streams::Streams;
use tunnel::Tunnel;

/// How long a connection may be open without a whole head: while the client writes one, and between
/// two requests.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

/// A head is not longer.
const HEAD_MAX: usize = 64 * 1024;

/// How long and for how many bytes a client that sends is still read from after the last answer.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 16 << 20;

/// As many streams of HTTP/2 are open at once on a connection.
const STREAMS_MAX: u32 = 256;

/// How much of a body in HTTP/2 may come before it is read on. From a server a stream carries no
/// more in a round trip, which is longer than the jail's.
const STREAM_WINDOW: u32 = 256 * 1024;
const SERVER_STREAM_WINDOW: u32 = 1024 * 1024;

/// The same for all streams of a connection: the memory that it takes while its reader is slow. It
/// is that of many streams, because when it is used up the others wait.
const WINDOW: u32 = 16 * 1024 * 1024;

/// At most this many connections may take all of it, and those beyond them less and less: a jail's
/// own bound of memory is not the broker's.
const WITH_WINDOW: u32 = 8;
const WINDOW_MIN: u32 = 64 * 1024;

/// How much of an answer may wait in a stream.
const SEND_BUFFER: usize = 64 * 1024;

/// How much may come before it is read, on one more connection. All together it is 1.7 times what
/// those with a whole window take, and the least for each.
fn window(session: &Session) -> u32 {
    let count = u32::try_from(session.live.count()).unwrap_or(u32::MAX);
    let share = 1 + count / WITH_WINDOW;
    (WINDOW / share.saturating_mul(share)).max(WINDOW_MIN)
}

/// What requests are for on a connection.
#[derive(Clone, Copy)]
enum Role<'a> {
    /// A server of HTTP itself: every request is for it.
    Server(&'a Target, &'a Allowed),
    /// A proxy: each request says where it goes.
    Proxy,
    /// A server inside that adds a secret: every request is for its host.
    Socket(&'a SecretSocket, &'a Target, &'a Allowed),
}

/// One connection of a client.
struct Serving<'a> {
    session: &'a Session,
    role: Role<'a>,
    transport: Transport,
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
    let spare = outside.map(|outside| (to.clone(), outside));
    let role = Role::Server(to, allowed);
    let serving = Serving::new(session, role, Transport::Plain, spare, entered);
    serve_plain(serving, stream, first).await;
}

/// Serves a client that wants a proxy of HTTP.
pub(crate) async fn proxy(session: &Session, stream: TcpStream, entered: &Entered<'_>) {
    let serving = Serving::new(session, Role::Proxy, Transport::Plain, None, entered);
    serve_plain(serving, stream, Vec::new()).await;
}

/// Serves a connection to a host's port of TLS, which ends here. `hello` is what the client has
/// sent.
pub(crate) async fn secured(
    session: &Session,
    stream: TcpStream,
    (to, allowed): (&Target, &Allowed),
    (ends, name): (&Ends, &Name),
    (hello, outside): (Vec<u8>, Option<Dialled>),
    entered: &Entered<'_>,
) {
    let accepting = ends.accept(name, Prefixed::new(hello, stream));
    let stream = match tokio::time::timeout(FIRST_WORDS_MAX, accepting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if is_distrust(&error) => {
            let why = "the client does not trust the authority of this launch: it may have its authorities compiled in, or pin the certificate";
            return log_ending(session, to, Ending::Unfit(why));
        }
        Ok(Err(error)) => return log_ending(session, to, Ending::Broken(error)),
        Err(_) => return log_ending(session, to, Ending::Unfit("the client began no TLS in time")),
    };
    let spare = outside.map(|outside| (to.clone(), outside));
    let role = Role::Server(to, allowed);
    let serving = Serving::new(session, role, Transport::Tls, spare, entered);
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => serve_streams(&serving, stream).await,
        Some(_) | None => serve_and_change(serving, stream).await,
    }
}

/// Serves a client of a server inside that adds a secret. The client's side is plain, and the
/// host's is TLS.
pub(crate) async fn socket<S: AsyncRead + AsyncWrite + Unpin>(
    session: &Session,
    stream: S,
    socket: &SecretSocket,
    (to, allowed): (&Target, &Allowed),
    entered: &Entered<'_>,
) {
    let role = Role::Socket(socket, to, allowed);
    let serving = Serving::new(session, role, Transport::Tls, None, entered);
    serve_and_change(serving, stream).await;
}

impl<'a> Serving<'a> {
    fn new(
        session: &'a Session,
        role: Role<'a>,
        transport: Transport,
        spare: Option<(Target, Dialled)>,
        entered: &'a Entered<'a>,
    ) -> Self {
        let servers = Servers::new(session, entered, transport, spare);
        Self { session, role, transport, servers, entered, tunnel: RefCell::default() }
    }
}

async fn serve_plain(serving: Serving<'_>, stream: TcpStream, first: Vec<u8>) {
    let (session, entered) = (serving.session, serving.entered);
    let Some((tunnel, mut stream, read)) = serve(serving, Prefixed::new(first, stream)).await
    else {
        return;
    };
    let Some(tunnel) = tunnel else { return linger(&mut stream).await };
    let (unread, stream) = stream.into_parts();
    tunnel.run(session, stream, [unread, read.to_vec()].concat(), entered).await;
}

/// HTTP/1 on a connection that becomes a WebSocket or nothing else.
async fn serve_and_change<S: AsyncRead + AsyncWrite + Unpin>(serving: Serving<'_>, stream: S) {
    let entered = serving.entered;
    let Some((tunnel, mut stream, read)) = serve(serving, stream).await else { return };
    match tunnel {
        Some(tunnel) => tunnel.run_web_socket(stream, &read, entered).await,
        None => linger(&mut stream).await,
    }
}

/// Ends a connection so that the client reads the last answer: one that is closed over bytes that
/// were not read, as the body of a refused request, is reset (RFC 9112, 9.6).
async fn linger(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let rest = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    // Whatever comes of it, this was the end.
    drop(tokio::time::timeout(LINGER_TIME, rest).await);
}

/// HTTP/1. The connection in the end and what it becomes, with what was read of it already. `None`:
/// it is broken, or must end.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    serving: Serving<'_>,
    stream: S,
) -> Option<(Option<Tunnel>, S, Bytes)> {
    let serving = &serving;
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_MAX)
        .preserve_header_case(true)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service_fn(|request| answer(serving, request)))
        .without_shutdown();
    let parts = tokio::select! {
        ended = connection => ended.ok(),
        () = serving.entered.ended() => None,
    }?;
    let tunnel = serving.tunnel.borrow_mut().take();
    Some((tunnel, parts.io.into_inner(), parts.read_buf))
}

/// Serves the requests of a connection that speaks HTTP/2.
async fn serve_streams(serving: &Serving<'_>, stream: TlsStream<Prefixed>) {
    let window = window(serving.session);
    tokio::select! {
        // How it ended the client knows, and each request has its own line.
        () = serve_http2(stream, window, |request| answer(serving, request)) => {}
        () = serving.entered.ended() => {}
    }
}

/// Serves a connection of HTTP/2 to its end, each stream by itself. `window` is how much of bodies
/// may wait to be read.
pub async fn serve_http2<'a>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    window: u32,
    answer: impl Fn(Request<Incoming>) -> Answering<'a>,
) {
    let streams = Streams::new();
    let connection = http2::Builder::new(streams.clone())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_MAX.try_into().unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW.min(window))
        .initial_connection_window_size(window)
        .max_send_buf_size(SEND_BUFFER)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    tokio::select! {
        _ = connection => {}
        () = streams.run() => {}
    }
}

/// An answer that is being made.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + 'a>>;

fn answer<'a>(serving: &'a Serving<'_>, request: Request<Incoming>) -> Answering<'a> {
    Box::pin(async move { Ok(serving.request(request).await) })
}
