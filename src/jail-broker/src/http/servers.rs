//! The connections to servers that the requests of one connection are carried over.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jail_egress::Host;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio_rustls::client::TlsStream;

use crate::connection::{Ending, Target};
use crate::dial::{self, Dialled};
use crate::live::Entered;
use crate::log::Allowed;
use crate::session::Session;
use crate::tls::{Speaks, bad_certificate};

use super::body::Body;
use super::forward;
use super::pipeline::Transport;
use super::streams::Local;
use super::{SERVER_STREAM_WINDOW, window};

/// As many that carry one request at a time wait for the next.
const KEPT_MAX: usize = 16;

/// As many are open at once; more requests wait.
const OPEN_MAX: usize = 128;

/// How long a server may take to begin TLS.
const HANDSHAKE_MAX: Duration = Duration::from_secs(20);

/// The connections that are open.
pub(super) struct Servers<'a> {
    session: &'a Session,
    entered: &'a Entered<'a>,
    transport: Transport,
    open: RefCell<Vec<(Target, Sender)>>,
    room: Arc<Semaphore>,
    /// A connection that was made before the first request.
    spare: RefCell<Option<(Target, Dialled)>>,
    /// Held while a connection is made that others may be carried over, too.
    connecting: Mutex<()>,
    /// A server that speaks HTTP/1 is connected to for each request that is under way.
    speaks_http1: Cell<bool>,
}

enum Sender {
    One(http1::SendRequest<Body>),
    Many(http2::SendRequest<Body>),
}

/// A request that was not sent, or why another one has no answer.
enum Unsent {
    Again(Box<Request<Body>>),
    Broken(Ending),
}

/// Why there is no answer to a request.
pub(super) struct Unanswered {
    pub(super) why: Ending,
    /// The body of the request, if none of it has been read.
    pub(super) body: Option<Body>,
}

impl Unanswered {
    fn unsent(why: Ending, request: Request<Body>) -> Self {
        Self { why, body: Some(request.into_body()) }
    }
}

impl<'a> Servers<'a> {
    pub(super) fn new(
        session: &'a Session,
        entered: &'a Entered<'a>,
        transport: Transport,
        spare: Option<(Target, Dialled)>,
    ) -> Self {
        Self {
            session,
            entered,
            transport,
            open: RefCell::default(),
            room: Arc::new(Semaphore::new(OPEN_MAX)),
            spare: RefCell::new(spare),
            connecting: Mutex::new(()),
            speaks_http1: Cell::new(false),
        }
    }

    /// Carries a request, and brings the head of the answer.
    pub(super) async fn send(
        &self,
        (to, allowed): (&Target, &Allowed),
        mut request: Request<Body>,
        speaks: Speaks,
    ) -> Result<Response<Incoming>, Unanswered> {
        // A connection that the server has ended meanwhile may have looked open.
        while let Some(sender) = self.reuse(to, speaks).await {
            match self.try_send(to, sender, request).await {
                Ok(answer) => return Ok(answer),
                Err(Unsent::Again(unsent)) => request = *unsent,
                Err(Unsent::Broken(why)) => return Err(Unanswered { why, body: None }),
            }
        }
        let is_shared = self.transport == Transport::Tls && !self.speaks_http1.get();
        let connecting = match speaks {
            Speaks::Either if is_shared => Some(self.connecting.lock().await),
            Speaks::Either | Speaks::Http1 => None,
        };
        let sender = match self.reuse(to, speaks).await {
            Some(sender) => sender,
            None => match self.connect(to, allowed, speaks).await {
                Ok(sender) => sender,
                Err(why) => return Err(Unanswered::unsent(why, request)),
            },
        };
        drop(connecting);
        match self.try_send(to, sender, request).await {
            Ok(answer) => Ok(answer),
            Err(Unsent::Again(unsent)) => {
                let why = Ending::Broken(io::ErrorKind::ConnectionReset.into());
                Err(Unanswered::unsent(why, *unsent))
            }
            Err(Unsent::Broken(why)) => Err(Unanswered { why, body: None }),
        }
    }

    async fn try_send(
        &self,
        to: &Target,
        sender: Sender,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Unsent> {
        match sender {
            Sender::One(mut sender) => {
                let request = forward::as_http1(request, to, self.transport);
                let answer = sender.try_send_request(request).await.map_err(unsent)?;
                self.keep(to, Sender::One(sender));
                Ok(answer)
            }
            Sender::Many(mut sender) => {
                let request = forward::as_http2(request, to, self.transport);
                sender.try_send_request(request).await.map_err(unsent)
            }
        }
    }

    /// A connection that is open and can take a request now.
    async fn reuse(&self, to: &Target, speaks: Speaks) -> Option<Sender> {
        if self.open.borrow().is_empty() {
            return None;
        }
        // After the end of an answer the connection's own task has to run before it can take
        // another request.
        tokio::task::yield_now().await;
        let mut open = self.open.borrow_mut();
        open.retain(|(_, sender)| !sender.is_closed());
        let fits = |(target, sender): &(Target, Sender)| {
            target.host == to.host && target.port == to.port && sender.can_take(speaks)
        };
        let place = open.iter().position(fits)?;
        match open.get(place) {
            Some((_, Sender::Many(sender))) => Some(Sender::Many(sender.clone())),
            _ => Some(open.swap_remove(place).1),
        }
    }

    fn keep(&self, to: &Target, sender: Sender) {
        let mut open = self.open.borrow_mut();
        if open.len() == KEPT_MAX {
            open.remove(0);
        }
        open.push((to.clone(), sender));
    }

    async fn connect(
        &self,
        to: &Target,
        allowed: &Allowed,
        speaks: Speaks,
    ) -> Result<Sender, Ending> {
        let room = self.room.clone().acquire_owned().await.map_err(Ending::other)?;
        let outside = self.dial(to, allowed).await?;
        let Transport::Tls = self.transport else {
            return Ok(Sender::One(speak_http1(outside.stream, room).await?));
        };
        let stream = self.secure(to, outside, speaks).await?;
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let sender = speak_http2(stream, room, window(self.session)).await?;
            self.keep(to, Sender::Many(sender.clone()));
            return Ok(Sender::Many(sender));
        }
        self.speaks_http1.set(true);
        Ok(Sender::One(speak_http1(stream, room).await?))
    }

    async fn dial(&self, to: &Target, allowed: &Allowed) -> Result<Dialled, Ending> {
        let spare = self.spare.borrow_mut().take();
        let outside = match spare {
            Some((target, outside)) if target.host == to.host && target.port == to.port => outside,
            Some(_) | None => dial::dial(self.session, self.entered, &to.host, to.port).await?,
        };
        self.session.log.allowed(&to.host, to.port, outside.address, allowed);
        Ok(outside)
    }

    async fn secure(
        &self,
        to: &Target,
        outside: Dialled,
        speaks: Speaks,
    ) -> Result<TlsStream<TcpStream>, Ending> {
        let (Some(ends), Host::Name(name)) = (&self.session.ends, &to.host) else {
            return Err(Ending::Unfit("TLS does not end in the broker for this host"));
        };
        let connecting = ends.connect(name, outside.stream, speaks);
        let connected = tokio::time::timeout(HANDSHAKE_MAX, connecting).await;
        connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
            match bad_certificate(&error) {
                Some(why) => Ending::Untrusted(why),
                None => Ending::Broken(error),
            }
        })
    }
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_closed(),
            Self::Many(sender) => sender.is_closed(),
        }
    }

    fn can_take(&self, speaks: Speaks) -> bool {
        match (self, speaks) {
            (Self::One(sender), _) => sender.is_ready(),
            (Self::Many(sender), Speaks::Either) => sender.is_ready(),
            (Self::Many(_), Speaks::Http1) => false,
        }
    }
}

/// Speaks HTTP/1 on a connection. It ends when the sender is dropped and the last answer has been
/// read.
async fn speak_http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    room: OwnedSemaphorePermit,
) -> Result<http1::SendRequest<Body>, Ending> {
    let mut builder = http1::Builder::new();
    let made = builder.preserve_header_case(true).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(Ending::other)?;
    tokio::task::spawn_local(async move {
        // The task that waits for an answer gets the error.
        drop(connection.with_upgrades().await);
        drop(room);
    });
    Ok(sender)
}

/// The same for HTTP/2, with streams whose bodies wait for their reader.
async fn speak_http2(
    stream: TlsStream<TcpStream>,
    room: OwnedSemaphorePermit,
    window: u32,
) -> Result<http2::SendRequest<Body>, Ending> {
    let mut builder = http2::Builder::new(Local);
    builder
        .initial_stream_window_size(SERVER_STREAM_WINDOW.min(window))
        .initial_connection_window_size(window);
    let made = builder.handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(Ending::other)?;
    tokio::task::spawn_local(async move {
        drop(connection.await);
        drop(room);
    });
    Ok(sender)
}

fn unsent(mut error: TrySendError<Request<Body>>) -> Unsent {
    match error.take_message() {
        Some(request) => Unsent::Again(Box::new(request)),
        None => Unsent::Broken(Ending::other(error.into_error())),
    }
}
