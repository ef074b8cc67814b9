//! Connects to what was asked for, outside: looks the name up, judges every address, and dials
//! judged addresses only.

mod aliases;
mod order;
mod own;
mod resolv_conf;
mod resolve;
pub(crate) mod upstream;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use jail_egress::{Host, Refusal, Request, Verdict, decide};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub(crate) use own::Own;
pub(crate) use resolve::Lookups;

use crate::connection::{self, Target};
use crate::live::Entered;
use crate::session::Session;

/// How long an address is tried before the next one is tried in parallel (RFC 8305, Connection
/// Attempt Delay).
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// How long all addresses together are tried.
const CONNECT_MAX: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The policy objects to every address.
    Refused(Refusal),
    /// The name has no address, or none of them answers.
    Unreachable(io::Error),
}

/// A connection, and the address that it goes to.
pub(crate) struct Dialled {
    pub(crate) stream: TcpStream,
    pub(crate) address: SocketAddr,
}

/// Connects to a host that the policy allows on the port.
pub(crate) async fn dial(
    session: &Session,
    entered: &Entered<'_>,
    host: &Host,
    port: u16,
) -> Result<Dialled, Failure> {
    if let Some(upstream) = &session.upstream {
        // What a name leads to the proxy judges; which addresses are this machine's own it cannot
        // know.
        if let Host::Address(address) = host {
            judged(session, host, port, &[*address])?;
        }
        let to = Target { host: host.clone(), port };
        let protocol = connection::judge(session, &to).map_err(Failure::Refused)?.protocol;
        return upstream::connect(session, upstream, (&to, protocol), entered).await;
    }
    let stream = direct(session, host, port).await?;
    let address = stream.peer_addr().map_err(Failure::Unreachable)?;
    entered.leads_to(address.ip());
    // Meanwhile it may have been taken away.
    judged(session, host, port, &[address.ip()])?;
    prepare(&stream).map_err(Failure::Unreachable)?;
    Ok(Dialled { stream, address })
}

async fn direct(session: &Session, host: &Host, port: u16) -> Result<TcpStream, Failure> {
    let addresses = match host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => session.lookups.addresses(name).await.map_err(Failure::Unreachable)?,
    };
    let judged = judged(session, host, port, &addresses)?;
    race(&judged, port).await.map_err(Failure::Unreachable)
}

/// Those of the addresses that may be dialled, in the order of trying.
fn judged(
    session: &Session,
    host: &Host,
    port: u16,
    addresses: &[IpAddr],
) -> Result<Vec<IpAddr>, Failure> {
    let own = session.own.addresses().map_err(Failure::Unreachable)?;
    let policy = session.policy.borrow();
    let mut refusal = None;
    let mut allowed = Vec::new();
    for address in addresses {
        match decide(&policy, &Request::Dial { host, port, address: *address, own: &own }) {
            Verdict::Allowed { .. } => allowed.push(address.to_canonical()),
            Verdict::Refused(why) => refusal = refusal.or(Some(why)),
        }
    }
    match refusal {
        Some(why) if allowed.is_empty() => Err(Failure::Refused(why)),
        Some(_) | None => Ok(order::order(&allowed)),
    }
}

/// Tries one address after the other, each a moment after the one before or when that has failed.
/// The first that answers counts.
pub(crate) async fn race(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let attempt = tokio::time::timeout(CONNECT_MAX, race_on(addresses, port));
    attempt.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn race_on(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut running = JoinSet::new();
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    loop {
        let next = waiting.next();
        match (next, addresses) {
            (Some(only), [_]) => return TcpStream::connect((*only, port)).await,
            (Some(address), _) => {
                running.spawn_local(TcpStream::connect((*address, port)));
            }
            (None, _) if running.is_empty() => return Err(failed),
            (None, _) => {}
        }
        let is_last = waiting.len() == 0;
        let ended = tokio::select! {
            ended = running.join_next() => ended,
            () = tokio::time::sleep(NEXT_AFTER), if !is_last => None,
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => failed = error,
            Some(Err(error)) => failed = io::Error::other(error),
            None => {}
        }
    }
}

/// Data goes out at once, and a peer that has gone is noticed. What a listening socket accepts is
/// as that is (tcp(7)).
pub(crate) fn prepare(stream: impl AsFd) -> io::Result<()> {
    let stream = stream.as_fd();
    rustix::net::sockopt::set_tcp_nodelay(stream, true)?;
    rustix::net::sockopt::set_socket_keepalive(stream, true)?;
    rustix::net::sockopt::set_tcp_keepidle(stream, Duration::from_secs(60))?;
    rustix::net::sockopt::set_tcp_keepintvl(stream, Duration::from_secs(15))?;
    rustix::net::sockopt::set_tcp_keepcnt(stream, 4)?;
    Ok(())
}
