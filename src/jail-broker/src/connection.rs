//! A connection from the jail: judged at each step, carried when every step allows it, reset when
//! one does not.

use std::future::Future;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use jail_egress::{Host, INTERNET, Name, Protocol, Refusal, Request, Verdict, decide};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::dial::{self, Dialled, Failure};
use crate::live::Entered;
use crate::log::Allowed;
use crate::session::Session;
use crate::tls::{Hello, NoHello};
use crate::{http, relay, tls};

/// How long a client may take to say which host it wants.
pub(crate) const FIRST_WORDS_MAX: Duration = Duration::from_secs(10);

/// How long to wait when the kernel has no more descriptors or memory.
pub(crate) const SHORTAGE: Duration = Duration::from_millis(50);

/// Where a connection goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// Why a connection ends before both sides have ended it.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The policy objects.
    Refused(Refusal),
    /// Nothing that the policy could say allows it.
    Unfit(&'static str),
    /// The server has shown a certificate that this machine does not trust: why.
    Untrusted(String),
    /// It could not be made, or broke.
    Broken(std::io::Error),
}

impl Ending {
    /// Broken, by a library's account.
    pub(crate) fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(std::io::Error::other(error))
    }
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(why) => Self::Refused(why),
            Failure::Unreachable(error) => Self::Broken(error),
        }
    }
}

/// Accepts connections until the socket is closed, and serves each in a task of its own.
pub(crate) async fn accept<F: Future<Output = ()> + 'static>(
    session: Rc<Session>,
    listener: Rc<TcpListener>,
    serve: impl Fn(Rc<Session>, TcpStream) -> F + 'static,
) {
    if let Err(error) = dial::prepare(&*listener) {
        session.log.trouble(&format!("connections are not looked after: {error}"));
    }
    loop {
        match listener.accept().await {
            Ok((stream, _)) if session.live.count() >= session.connections_max => {
                session.log.trouble("a connection was refused: there are as many as there may be");
                reset(&stream);
            }
            Ok((stream, _)) => {
                tokio::task::spawn_local(serve(session.clone(), stream));
                // It counts once its task runs.
                tokio::task::yield_now().await;
            }
            // It was closed, because its address stands for another name now.
            Err(error) if error.kind() == ErrorKind::InvalidInput => return,
            Err(_) => tokio::time::sleep(SHORTAGE).await,
        }
    }
}

/// Serves a connection to an address that stands for a host.
pub(crate) async fn transparent(session: Rc<Session>, stream: TcpStream) {
    let Ok(to) = stream.local_addr() else { return };
    let Some(host) = session.host_at(to.ip()) else {
        session.log.stray(to);
        return reset(&stream);
    };
    let place = session.names.borrow().place_at(to.ip());
    let _in_use = place.map(|place| InUse::new(&session, place));
    serve(&session, stream, Target { host, port: to.port() }).await;
}

/// A place of the table with a connection.
struct InUse<'a> {
    session: &'a Session,
    place: usize,
}

impl<'a> InUse<'a> {
    fn new(session: &'a Session, place: usize) -> Self {
        session.names.borrow_mut().connected(place, session.now());
        Self { session, place }
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.session.names.borrow_mut().disconnected(self.place, self.session.now());
    }
}

async fn serve(session: &Session, stream: TcpStream, to: Target) {
    let entered = session.live.enter();
    let allowed = match crate::ask::judge(session, &to).await {
        Ok(allowed) => allowed,
        Err(why) => {
            session.log.refused(&to.host, to.port, why);
            return reset(&stream);
        }
    };
    entered.is_to(&to.host, to.port);
    run(session, stream, (&to, &allowed), Vec::new(), None, &entered).await;
}

/// What the policy says about connecting.
pub(crate) fn judge(session: &Session, to: &Target) -> Result<Allowed, Refusal> {
    let request = Request::Connect { host: &to.host, port: to.port };
    match decide(&session.policy.borrow(), &request) {
        // Under `internet` every port of a public host is allowed, and on most of them the broker
        // can judge no request and find no credential.
        Verdict::Allowed { protocol: Protocol::Tcp, by }
            if by == INTERNET
                && (session.requests.about(&to.host).next().is_some()
                    || session.ends(&to.host).is_some()) =>
        {
            Err(Refusal::Port)
        }
        Verdict::Allowed { protocol, by } => Ok(Allowed { protocol, by }),
        Verdict::Refused(why) => Err(why),
    }
}

/// Carries an allowed connection to its end. `first` was read from it already; `outside` is there
/// where it was dialled before.
pub(crate) async fn run(
    session: &Session,
    stream: TcpStream,
    (to, allowed): (&Target, &Allowed),
    first: Vec<u8>,
    outside: Option<Dialled>,
    entered: &Entered<'_>,
) {
    let goes = (to, allowed);
    match allowed.protocol {
        Protocol::Http => http::transparent(session, stream, goes, first, outside, entered).await,
        Protocol::Tls => secured(session, stream, goes, (first, outside), entered).await,
        Protocol::Tcp => plain(session, stream, goes, (first, outside), entered).await,
    }
}

/// A step of a connection: `None` if it has failed or must end, which is then logged and done.
async fn step<T>(
    session: &Session,
    stream: &TcpStream,
    to: &Target,
    entered: &Entered<'_>,
    run: impl Future<Output = Result<T, Ending>>,
) -> Option<T> {
    let done = tokio::select! {
        done = run => done.map_err(Some),
        () = entered.ended() => Err(None),
    };
    done.map_err(|ending| {
        if let Some(ending) = ending {
            log_ending(session, to, ending);
        }
        reset(stream);
    })
    .ok()
}

/// Puts an ending in the log.
pub(crate) fn log_ending(session: &Session, to: &Target, ending: Ending) {
    match ending {
        Ending::Refused(why) => session.log.refused(&to.host, to.port, why),
        Ending::Unfit(why) => session.log.unfit(&to.host, to.port, why),
        Ending::Untrusted(why) => session.log.untrusted(&to.host, to.port, &why),
        Ending::Broken(error) => session.log.broken(&to.host, to.port, &error),
    }
}

/// TLS: the client says first which server it wants.
async fn secured(
    session: &Session,
    stream: TcpStream,
    goes: (&Target, &Allowed),
    (first, outside): (Vec<u8>, Option<Dialled>),
    entered: &Entered<'_>,
) {
    let (to, _) = goes;
    let hello = step(session, &stream, to, entered, hello(session, &stream, to, first)).await;
    let Some(Some(bytes)) = hello else { return };
    match session.ends(&to.host) {
        Some(end) => {
            let (ends, name) = end;
            http::secured(session, stream, goes, (ends, name), (bytes, outside), entered).await;
        }
        None => plain(session, stream, goes, (bytes, outside), entered).await,
    }
}

/// What the client has sent, which asks for the right server. `None`: it was gone before.
async fn hello(
    session: &Session,
    stream: &TcpStream,
    to: &Target,
    first: Vec<u8>,
) -> Result<Option<Vec<u8>>, Ending> {
    let hello = tokio::time::timeout(FIRST_WORDS_MAX, tls::hello(stream, first)).await;
    let Hello { server_name, bytes } = match hello {
        Err(_) => return Err(Ending::Unfit("the client began no TLS in time")),
        Ok(Err(NoHello::NotTls)) => return Err(Ending::Unfit("what the client sent is not TLS")),
        // A client that only looks whether the port is open, as `nc -z` does.
        Ok(Err(NoHello::Gone)) => return Ok(None),
        Ok(Ok(hello)) => hello,
    };
    let sni = server_name.as_deref().map(str::as_bytes);
    let request = Request::Tls { host: &to.host, port: to.port, sni };
    if let Verdict::Refused(why) = decide(&session.policy.borrow(), &request) {
        return Err(Ending::Refused(why));
    }
    // Where any name may be asked for, that of a host whose requests are judged is asked for at
    // that host alone, and no other there.
    let asked = sni.and_then(|name| Name::from_wire(name).ok()).map(Host::Name);
    let is_judged = |host: &Host| session.ends(host).is_some();
    if (is_judged(&to.host) || asked.as_ref().is_some_and(is_judged))
        && asked.as_ref() != Some(&to.host)
    {
        return Err(Ending::Refused(Refusal::OtherServer));
    }
    Ok(Some(bytes))
}

/// Any protocol: the broker does not wait for the client.
async fn plain(
    session: &Session,
    stream: TcpStream,
    goes: (&Target, &Allowed),
    (first, outside): (Vec<u8>, Option<Dialled>),
    entered: &Entered<'_>,
) {
    let carried = carry(session, &stream, goes, (first, outside), entered);
    step(session, &stream, goes.0, entered, carried).await;
}

async fn carry(
    session: &Session,
    stream: &TcpStream,
    (to, allowed): (&Target, &Allowed),
    (first, outside): (Vec<u8>, Option<Dialled>),
    entered: &Entered<'_>,
) -> Result<(), Ending> {
    let mut outside = match outside {
        Some(outside) => outside,
        None => dial::dial(session, entered, &to.host, to.port).await?,
    };
    session.log.allowed(&to.host, to.port, outside.address, allowed);
    if !first.is_empty() {
        outside.stream.write_all(&first).await.map_err(Ending::Broken)?;
    }
    drop(first);
    let (_, ended) = relay::carry(stream, &outside.stream).await;
    ended.map_err(|_| {
        reset(&outside.stream);
        Ending::Broken(std::io::ErrorKind::ConnectionReset.into())
    })
}

/// Makes the connection end with a reset when it is dropped.
pub(crate) fn reset(stream: &TcpStream) {
    // A socket for which that fails is gone already.
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
