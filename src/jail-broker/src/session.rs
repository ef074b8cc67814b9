//! What all parts of a running broker share.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use jail_egress::{Host, Name, Policy, Reach};
use jail_plan::Network;
use tokio::net::TcpListener;

use crate::ask::{self, Ask};
use crate::connection;
use crate::dial::upstream::Upstream;
use crate::dial::{Lookups, Own};
use crate::dns::Services;
use crate::factory::Factory;
use crate::http::Heads;
use crate::live::Live;
use crate::log::Log;
use crate::names::{Assigned, Full, Names, Now, longest};
use crate::outside::Outside;
use crate::policy::Requests;
use crate::secrets::Secrets;
use crate::tls::Ends;

/// The state of one jail's network.
pub(crate) struct Session {
    pub(crate) policy: RefCell<Policy>,
    pub(crate) names: RefCell<Names>,
    pub(crate) factory: Factory,
    pub(crate) lookups: Lookups,
    pub(crate) own: Own,
    pub(crate) upstream: Option<Upstream>,
    pub(crate) services: Services,
    pub(crate) log: Log,
    pub(crate) live: Live,
    /// Which requests are judged.
    pub(crate) requests: Requests,
    /// The heads of requests that are under way.
    pub(crate) heads: Heads,
    /// The ends of TLS, where it ends here.
    pub(crate) ends: Option<Ends>,
    /// What opens the host's files.
    pub(crate) outside: Rc<Outside>,
    /// The user or command to ask before something is refused.
    pub(crate) ask: OnceCell<Ask>,
    /// The plan's record.
    pub(crate) network: Network,
    pub(crate) secrets: Arc<Secrets>,
    /// The sockets of each place of the table.
    listening: RefCell<HashMap<usize, Vec<Listening>>>,
    /// Where it is listened for addresses that were allowed while the jail ran.
    literals: RefCell<BTreeSet<SocketAddr>>,
    started: Instant,
    pub(crate) connections_max: usize,
    taken: Cell<bool>,
    /// The wrapper's path.
    pub(crate) wrapper: String,
    /// Ports of the host's loopback, and where in the jail they lead.
    shown: RefCell<BTreeMap<u16, u16>>,
}

/// A socket that listens for a name on one port.
struct Listening {
    at: SocketAddr,
    socket: Rc<TcpListener>,
}

/// What a session is made of.
pub(crate) struct Parts {
    pub(crate) policy: Policy,
    pub(crate) names: Names,
    pub(crate) factory: Factory,
    pub(crate) lookups: Lookups,
    pub(crate) own: Own,
    pub(crate) upstream: Option<Upstream>,
    pub(crate) log: Log,
    pub(crate) requests: Requests,
    pub(crate) ends: Option<Ends>,
    pub(crate) outside: Rc<Outside>,
    pub(crate) network: Network,
    pub(crate) connections_max: usize,
    pub(crate) wrapper: String,
    pub(crate) secrets: Arc<Secrets>,
}

/// Why a name has no address.
#[derive(Debug)]
pub(crate) enum NoAddress {
    /// Every place is in use.
    Full,
    /// No socket could be made for it, though it has ports.
    Socket(io::Error),
}

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("every synthetic address is in use"),
            Self::Socket(error) if error.raw_os_error() == Some(libc::ETOOMANYREFS) => f.write_str(
                "this user's processes have as many files on the way to each other as they may have (unix(7)), so no socket could be \
                 passed on",
            ),
            Self::Socket(error) => write!(f, "nothing can listen for it: {error}"),
        }
    }
}

impl From<Full> for NoAddress {
    fn from(Full: Full) -> Self {
        Self::Full
    }
}

impl Session {
    pub(crate) fn new(parts: Parts) -> Rc<Self> {
        Rc::new(Self {
            policy: RefCell::new(parts.policy),
            names: RefCell::new(parts.names),
            factory: parts.factory,
            lookups: parts.lookups,
            own: parts.own,
            upstream: parts.upstream,
            services: Services::default(),
            log: parts.log,
            live: Live::default(),
            requests: parts.requests,
            heads: Heads::default(),
            ends: parts.ends,
            outside: parts.outside,
            ask: OnceCell::new(),
            network: parts.network,
            secrets: parts.secrets,
            listening: RefCell::default(),
            literals: RefCell::default(),
            started: Instant::now(),
            connections_max: parts.connections_max,
            taken: Cell::new(false),
            wrapper: parts.wrapper,
            shown: RefCell::default(),
        })
    }

    /// The ends of TLS with a host, if it ends here.
    pub(crate) fn ends<'a>(&'a self, host: &'a Host) -> Option<(&'a Ends, &'a Name)> {
        let Host::Name(name) = host else { return None };
        self.ends.as_ref().filter(|_| self.requests.end(name)).map(|ends| (ends, name))
    }

    /// What time it is for the table of names.
    pub(crate) fn now(&self) -> Now {
        self.started.elapsed()
    }

    /// The host that an address of the jail stands for. `None`: a synthetic one that stands for no
    /// name.
    pub(crate) fn host_at(&self, address: IpAddr) -> Option<Host> {
        let names = self.names.borrow();
        match names.name_at(address) {
            Some(name) => Some(Host::Name(name)),
            None if names.is_synthetic(address) => None,
            None => Some(Host::Address(address.to_canonical())),
        }
    }

    /// Gives names that rules name their places and sockets, before anybody asks.
    pub(crate) fn prepare(self: &Rc<Self>, name: &Name) -> Result<(), NoAddress> {
        let now = self.now();
        let assigned = self.names.borrow_mut().keep(name, now)?;
        self.listen(name, &assigned).map(drop)
    }

    /// The addresses of an allowed name. What its ports need listens when this returns.
    pub(crate) fn addresses(self: &Rc<Self>, name: &Name) -> Result<Vec<IpAddr>, NoAddress> {
        let now = self.now();
        let assigned = self.names.borrow_mut().assign(name, now)?;
        self.listen(name, &assigned)
    }

    /// Makes the sockets of a name that are not there yet. Those of a name that was there before
    /// are closed, with every connection that waits on them: it was meant for that one.
    fn listen(self: &Rc<Self>, name: &Name, assigned: &Assigned) -> Result<Vec<IpAddr>, NoAddress> {
        let mut listening = self.listening.borrow_mut();
        let sockets = listening.entry(assigned.place).or_default();
        if assigned.is_new {
            sockets.drain(..).for_each(|old| close(&old.socket));
        }
        let addresses = self.names.borrow().addresses(assigned.place);
        let ports = self.ports(name);
        let wanted = addresses
            .iter()
            .flat_map(|address| ports.iter().map(|port| SocketAddr::new(*address, *port)));
        let mut failed = None;
        for at in wanted {
            if self.has_wildcard(at) || sockets.iter().any(|one| one.at == at) {
                continue;
            }
            match self.listen_at(at) {
                Ok(socket) => sockets.push(Listening { at, socket }),
                Err(error) if at.is_ipv6() && lacks_family(&error) => {
                    self.names.borrow_mut().has_no_v6();
                }
                Err(error) => failed = failed.or(Some((at, error))),
            }
        }
        if let Some((at, error)) = failed {
            self.taken(name, at, &error);
            // With one port taken by the payload the others still work.
            if sockets.is_empty() && !self.is_internet() {
                return Err(NoAddress::Socket(error));
            }
        }
        Ok(self.names.borrow().addresses(assigned.place))
    }

    /// Makes the sockets that names need under rules that were changed.
    pub(crate) fn listen_again(self: &Rc<Self>) {
        let all: Vec<(usize, Name)> =
            self.names.borrow().all().map(|(place, name)| (place, name.clone())).collect();
        for (place, name) in all {
            if let Err(error) = self.listen(&name, &Assigned { place, is_new: false }) {
                self.log.trouble(&format!("{name}: {error}"));
            }
        }
    }

    /// Whether a route of the jail leads to an address. Only the launch can make one: the right to
    /// it is given up then.
    pub(crate) fn has_route(&self, address: IpAddr) -> bool {
        let (local, unreachable) = (&self.network.local, &self.network.unreachable);
        longest(local, address) > longest(unreachable, address)
    }

    /// Listens for an address that was allowed while the jail runs, where nothing does so yet.
    pub(crate) fn listen_for(self: &Rc<Self>, at: SocketAddr) -> io::Result<()> {
        let is_launched = |listener: &jail_plan::Listener| {
            listener.port == at.port() && listener.address.parse() == Ok(at.ip())
        };
        if self.has_wildcard(at) || self.network.listeners.iter().any(is_launched) {
            return Ok(());
        }
        if self.literals.borrow_mut().insert(at)
            && let Err(error) = self.listen_at(at)
        {
            self.literals.borrow_mut().remove(&at);
            return Err(error);
        }
        Ok(())
    }

    /// A port of the host leads to one of the jail. The log names the port if it was chosen at
    /// launch.
    pub(crate) fn is_shown(&self, outside: u16, inside: u16) {
        self.shown.borrow_mut().insert(outside, inside);
        let is_free_one = |exposed: &jail_plan::Exposed| {
            let inner = exposed.to..exposed.to.saturating_add(exposed.count);
            exposed.from == 0 && (exposed.to == 0 || inner.contains(&inside))
        };
        if self.network.egress.exposed.iter().any(is_free_one) {
            self.log
                .say_at_the_end(format!("port {inside} of the jail is 127.0.0.1:{outside} here"));
        }
    }

    pub(crate) fn shown(&self) -> BTreeMap<u16, u16> {
        self.shown.borrow().clone()
    }

    /// The ports on which a name is served: until the user was asked about it, those that a program
    /// may mean.
    fn ports(&self, name: &Name) -> Vec<u16> {
        let host = Host::Name(name.clone());
        let mut ports = self.policy.borrow().ports(&host);
        if ask::can_ask(self, &host) {
            ports.extend(ask::PORTS);
            ports.sort_unstable();
            ports.dedup();
        }
        ports
    }

    fn listen_at(self: &Rc<Self>, at: SocketAddr) -> io::Result<Rc<TcpListener>> {
        let socket = std::net::TcpListener::from(self.factory.listen(at)?);
        socket.set_nonblocking(true)?;
        let socket = Rc::new(TcpListener::from_std(socket)?);
        let (session, listener) = (self.clone(), socket.clone());
        tokio::task::spawn_local(connection::accept(session, listener, connection::transparent));
        Ok(socket)
    }

    /// Whether one of the plan's sockets takes the port on all addresses of the family.
    fn has_wildcard(&self, at: SocketAddr) -> bool {
        self.network.listeners.iter().any(|listener| {
            let address = listener.address.parse::<IpAddr>();
            listener.purpose == jail_plan::Purpose::Address
                && listener.port == at.port()
                && address.is_ok_and(|address| {
                    address.is_unspecified() && address.is_ipv4() == at.is_ipv4()
                })
        })
    }

    fn is_internet(&self) -> bool {
        matches!(self.policy.borrow().reach, Reach::Internet { .. })
    }

    /// Says once that a port of a name could not be listened on: mostly because the payload has it
    /// on all addresses.
    fn taken(&self, name: &Name, at: SocketAddr, error: &io::Error) {
        self.log.trouble(&format!("{name}: nothing can listen on {at} in the jail: {error}"));
        if error.kind() == io::ErrorKind::AddrInUse && !self.taken.replace(true) {
            self.log.say(&format!(
                "port {} of {name} cannot be reached: a program of the jail listens on that port of all addresses",
                at.port()
            ));
        }
    }
}

/// Whether an error says that there is no such family in the jail: the machine may have no IPv6.
fn lacks_family(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

/// Ends a listening socket at once, also if a task waits on it, so that its address is free again.
fn close(socket: &TcpListener) {
    // It cannot fail for a socket that listens; one that does not is closed.
    let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
}
