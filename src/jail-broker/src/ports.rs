//! Ports of the host's loopback inside, and ports of the jail on the host's loopback.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::rc::Rc;

use jail_plan::{Exposed, HostPort};
use tokio::net::{TcpSocket, TcpStream};

use crate::connection::reset;
use crate::session::Session;
use crate::{dial, relay};

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// How often a free port is looked for that is free in both families.
const ATTEMPTS: usize = 16;

/// So many places behind a port that is taken are tried.
const SEARCHED: usize = 200;

/// A port on the host that leads to one of the jail.
pub(crate) struct Shown {
    pub(crate) sockets: Vec<StdListener>,
    pub(crate) outside: u16,
    pub(crate) inside: u16,
}

/// Binds the ports of the host.
///
/// # Errors
/// Which one is taken, for the user.
pub(crate) fn show(exposed: &[Exposed]) -> Result<Vec<Shown>, String> {
    let mut shown = Vec::new();
    for one in exposed {
        for offset in 0..one.count {
            let outside = if one.from == 0 { 0 } else { one.from.saturating_add(offset) };
            let (outside, sockets) = bind(outside).map_err(|error| {
                let first = if one.to == 0 { one.from } else { one.to };
                let inside = first.saturating_add(offset);
                let why = if error.kind() == io::ErrorKind::AddrInUse {
                    format!("another program listens on it{}", free(one))
                } else {
                    error.to_string()
                };
                format!("port {outside} of the host, which `expose-port` leads to port {inside} of the jail: {why}")
            })?;
            // Inside it may be the one that it is on the host, also where that is any free one.
            let inside = if one.to == 0 { outside } else { one.to.saturating_add(offset) };
            shown.push(Shown { sockets, outside, inside });
        }
    }
    Ok(shown)
}

/// As many ports behind these as are exposed, that are free at this moment.
fn free(taken: &Exposed) -> String {
    let is_free = |first: &u16| {
        (0..taken.count)
            .all(|offset| first.checked_add(offset).is_some_and(|port| bind_both(port).is_ok()))
    };
    let behind = taken.from.saturating_add(taken.count);
    let found = (behind..=u16::MAX).take(SEARCHED).find(is_free);
    match (found, taken.count) {
        (None, _) => String::new(),
        (Some(first), 1) => format!(", and {first} is free"),
        (Some(first), count) => format!(", and {first}-{} are free", first + (count - 1)),
    }
}

fn bind(port: u16) -> io::Result<(u16, Vec<StdListener>)> {
    let mut attempt = bind_both(port);
    for _ in 0..ATTEMPTS {
        match &attempt {
            // Another program has the port in one family.
            Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => {
                attempt = bind_both(port);
            }
            Ok(_) | Err(_) => break,
        }
    }
    attempt
}

fn bind_both(port: u16) -> io::Result<(u16, Vec<StdListener>)> {
    let [v4, v6] = LOOPBACK;
    let first = StdListener::bind((v4, port))?;
    let port = first.local_addr()?.port();
    let mut sockets = vec![first];
    match StdListener::bind((v6, port)) {
        Ok(second) => sockets.push(second),
        // A host without IPv6.
        Err(error)
            if matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT)) => {}
        Err(error) => return Err(error),
    }
    for socket in &sockets {
        socket.set_nonblocking(true)?;
    }
    Ok((port, sockets))
}

/// Carries a connection from the host to a server in the jail.
pub(crate) async fn exposed(session: Rc<Session>, outside: TcpStream, port: u16) {
    let entered = session.live.enter();
    let inside = match reach_inside(&session, port).await {
        Ok(inside) => inside,
        Err(error) => {
            session.log.trouble(&format!("port {port} of the jail: {error}"));
            return reset(&outside);
        }
    };
    both(&inside, &outside, entered.ended()).await;
}

async fn reach_inside(session: &Session, port: u16) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(io::ErrorKind::ConnectionRefused);
    for address in LOOPBACK {
        let socket = std::net::TcpStream::from(session.factory.socket(address)?);
        socket.set_nonblocking(true)?;
        match TcpSocket::from_std_stream(socket).connect(SocketAddr::new(address, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Carries a connection from the jail to a port of the host's loopback.
pub(crate) async fn host(session: Rc<Session>, inside: TcpStream) {
    let entered = session.live.enter();
    let Ok(to) = inside.local_addr() else { return };
    let is_it = |port: &&HostPort| port.from == to.port();
    let Some(port) = session.network.egress.host_ports.iter().find(is_it) else {
        session.log.stray(to);
        return reset(&inside);
    };
    match dial::race(&LOOPBACK, port.to).await {
        Ok(outside) => {
            session.log.host_port(port);
            both(&inside, &outside, entered.ended()).await;
        }
        Err(error) => {
            session.log.trouble(&format!("port {} of the host: {error}", port.to));
            reset(&inside);
        }
    }
}

async fn both(inside: &TcpStream, outside: &TcpStream, ended: impl Future<Output = ()>) {
    let are_ready = dial::prepare(inside).is_ok() && dial::prepare(outside).is_ok();
    let is_over = tokio::select! {
        (_, carried) = relay::carry(inside, outside), if are_ready => carried.is_ok(),
        () = ended => false,
    };
    if !is_over {
        reset(inside);
        reset(outside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(from: u16, count: u16) -> Exposed {
        Exposed { from, to: 3000, count, by: "expose-port#1".into() }
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let taken = StdListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = show(&[exposed(port, 1)]).map(|_| ()).unwrap_err();
        let said = format!(
            "port {port} of the host, which `expose-port` leads to port 3000 of the jail: another program listens on it, and "
        );
        let free = error.strip_prefix(&said).and_then(|rest| rest.strip_suffix(" is free"));
        assert!(
            free.is_some_and(|free| free.parse().is_ok_and(|free: u16| free != port)),
            "{error}"
        );
    }

    #[test]
    fn a_port_may_have_one_number_on_both_sides() {
        let shown = show(&[Exposed { from: 0, to: 0, count: 1, by: "expose-port#1".into() }]);
        assert!(shown.unwrap().iter().all(|one| one.inside == one.outside));
    }

    #[test]
    fn a_free_port_is_found_for_each() {
        let shown = show(&[exposed(0, 3)]).unwrap();
        let insides: Vec<u16> = shown.iter().map(|one| one.inside).collect();
        assert_eq!(insides, [3000, 3001, 3002]);
        assert!(shown.iter().all(|one| one.outside > 0));
    }
}
