//! Servers inside that add a secret: plain HTTP/1 on a Unix socket and on a port of the jail's
//! loopback, TLS outside, and one host that every request is for.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::rc::Rc;

use jail_egress::{Authority, Host, Protocol};
use jail_plan::SecretSocket;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixListener};

use crate::connection::{self, Target, reset};
use crate::http;
use crate::log::Allowed;
use crate::session::Session;

/// Serves a connection to one of the ports.
pub(crate) async fn port(session: Rc<Session>, stream: TcpStream) {
    let Ok(to) = stream.local_addr() else { return };
    let is_it = |socket: &&SecretSocket| socket.listen == to.port();
    match session.network.egress.sockets.iter().find(is_it) {
        Some(socket) if session.secrets.has(socket) => serve(&session, stream, socket).await,
        Some(_) | None => {
            session.log.stray(to);
            reset(&stream);
        }
    }
}

/// Serves a Unix socket that listens at `path` in the jail.
pub(crate) fn listen(session: &Rc<Session>, path: &str, listener: OwnedFd) -> io::Result<()> {
    let sockets = &session.network.egress.sockets;
    let Some(index) = sockets.iter().position(|socket| socket.socket == path) else {
        return Err(io::Error::other(format!("no server is for {path}")));
    };
    if !sockets.get(index).is_some_and(|socket| session.secrets.has(socket)) {
        // It is closed, and a client is refused.
        return Ok(());
    }
    let listener = StdUnixListener::from(listener);
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    tokio::task::spawn_local(accept(session.clone(), listener, index));
    Ok(())
}

async fn accept(session: Rc<Session>, listener: UnixListener, index: usize) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if session.live.count() < session.connections_max => {
                let session = session.clone();
                tokio::task::spawn_local(async move {
                    if let Some(socket) = session.network.egress.sockets.get(index) {
                        serve(&session, stream, socket).await;
                    }
                });
                // It counts once its task runs.
                tokio::task::yield_now().await;
            }
            Ok(_) => {
                session.log.trouble("a connection was refused: there are as many as there may be");
            }
            Err(_) => tokio::time::sleep(connection::SHORTAGE).await,
        }
    }
}

async fn serve(
    session: &Session,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    socket: &SecretSocket,
) {
    let Some(host) = host(socket) else {
        return session.log.trouble(&format!("`{}` is not the name of a host", socket.host));
    };
    let entered = session.live.enter();
    let to = Target { host, port: socket.port };
    let allowed = Allowed { protocol: Protocol::Tls, by: socket.by.clone() };
    entered.is_to(&to.host, to.port);
    http::socket(session, stream, socket, (&to, &allowed), &entered).await;
}

fn host(socket: &SecretSocket) -> Option<Host> {
    Authority::from_wire(socket.host.as_bytes()).ok().map(|authority| authority.host)
}
