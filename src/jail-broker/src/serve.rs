//! Starts a task for each socket, and waits for the end.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::TcpListener as StdListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::rc::Rc;

use jail_egress::Name;
use jail_plan::{Listener, Purpose, Transport};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};

use crate::ask::{Ask, Asker};
use crate::control::Control;
use crate::ports::{self, Shown};
use crate::session::{NoAddress, Session};
use crate::{connection, control, dns, proxy, socket, sys};

/// The payload has ended and the terminal is given back: the closing line is due.
const SAY_CLOSING_LINE: u8 = b'e';

/// After so long without a connection memory goes back to the kernel.
const QUIET: std::time::Duration = std::time::Duration::from_secs(30);

/// All sockets, before anything is read from them.
pub(crate) struct Ready {
    /// The names that rules name.
    pub(crate) named: Vec<Name>,
    pub(crate) listeners: Vec<Listener>,
    /// Those of the listeners, in their order.
    pub(crate) sockets: Vec<OwnedFd>,
    pub(crate) shown: Vec<Shown>,
    pub(crate) control: Control,
    pub(crate) asker: Option<Asker>,
    /// Unix sockets of servers that add a secret, by their paths inside.
    pub(crate) servers: BTreeMap<String, OwnedFd>,
}

/// Starts everything. When it returns, every name that a rule names can be connected to.
pub(crate) fn start(session: &Rc<Session>, ready: Ready) -> io::Result<()> {
    if let Some(asker) = ready.asker {
        drop(session.ask.set(Ask::new(asker)?));
    }
    for name in &ready.named {
        match session.prepare(name) {
            // Why it has no socket is in the log; the others work.
            Ok(()) | Err(NoAddress::Socket(_)) => {}
            Err(NoAddress::Full) => {
                return Err(io::Error::other("the spec names more hosts than there is room for"));
            }
        }
    }
    for (listener, socket) in ready.listeners.iter().zip(ready.sockets) {
        listen(session, listener, socket)?;
    }
    for (path, listener) in ready.servers {
        socket::listen(session, &path, listener)?;
    }
    for shown in ready.shown {
        show(session, shown)?;
    }
    control::serve(session, ready.control)?;
    tokio::task::spawn_local(tidy(session.clone()));
    Ok(())
}

fn listen(session: &Rc<Session>, listener: &Listener, socket: OwnedFd) -> io::Result<()> {
    // The launch hands over something else in the place of a socket that this machine cannot have:
    // it may lack a family.
    if rustix::net::sockopt::socket_type(&socket).is_err() {
        return Ok(());
    }
    match (listener.transport, listener.purpose) {
        (Transport::Udp, Purpose::Dns) => {
            let socket = std::net::UdpSocket::from(socket);
            socket.set_nonblocking(true)?;
            let socket = UdpSocket::from_std(socket)?;
            tokio::task::spawn_local(dns::serve::datagrams(session.clone(), socket));
            Ok(())
        }
        (Transport::Tcp, Purpose::Dns) => accept(session, socket, dns::serve::connection),
        (Transport::Tcp, Purpose::Proxy) => accept(session, socket, proxy::serve),
        (Transport::Tcp, Purpose::Address) => accept(session, socket, connection::transparent),
        (Transport::Tcp, Purpose::HostPort) => accept(session, socket, ports::host),
        (Transport::Tcp, Purpose::SecretSocket) => accept(session, socket, socket::port),
        (
            Transport::Udp,
            Purpose::Proxy | Purpose::Address | Purpose::HostPort | Purpose::SecretSocket,
        ) => Err(io::Error::other("datagrams are for DNS only")),
    }
}

fn accept<F: Future<Output = ()> + 'static>(
    session: &Rc<Session>,
    socket: impl Into<StdListener>,
    serve: impl Fn(Rc<Session>, TcpStream) -> F + 'static,
) -> io::Result<()> {
    let socket = socket.into();
    socket.set_nonblocking(true)?;
    let socket = Rc::new(TcpListener::from_std(socket)?);
    tokio::task::spawn_local(connection::accept(session.clone(), socket, serve));
    Ok(())
}

fn show(session: &Rc<Session>, shown: Shown) -> io::Result<()> {
    session.is_shown(shown.outside, shown.inside);
    for socket in shown.sockets {
        let inside = shown.inside;
        accept(session, socket, move |session, stream| ports::exposed(session, stream, inside))?;
    }
    Ok(())
}

/// Gives memory back once a burst of connections is over, and has the log say what it counted.
async fn tidy(session: Rc<Session>) {
    let mut most = 0;
    loop {
        tokio::time::sleep(QUIET).await;
        session.log.settle();
        let now = session.live.count();
        if most > now + 64 {
            sys::trim_memory();
            most = now;
        }
        most = most.max(now);
    }
}

/// Waits until the supervisor ends, and prints the closing line on request.
pub(crate) async fn until_the_end(session: &Session, life: OwnedFd) -> io::Result<()> {
    let ended = end(session, life).await;
    session.log.settle_all();
    ended
}

async fn end(session: &Session, life: OwnedFd) -> io::Result<()> {
    let mut life = UnixStream::from_std(StdUnixStream::from(life))?;
    let mut order = [0];
    // Whatever else is ordered means nothing, and the end of the stream is one without a word.
    while life.read(&mut order).await.is_ok_and(|count| count == 1) {
        if order == [SAY_CLOSING_LINE] {
            session.log.close();
            break;
        }
    }
    session.log.used(&session.secrets.uses());
    Ok(())
}
