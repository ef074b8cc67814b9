//! The network by name: a namespace whose only ways out are sockets that the broker outside owns.
//!
//! What is made in the namespace is found and prepared here, on the host: the messages to the
//! kernel, the addresses, room for what comes of it. It is made by the second process of the jail
//! (see [`crate::aside`]), which makes system calls and nothing else. Where the broker gives the
//! jail nothing, no payload waits for more of it than that its program runs: a connection that
//! comes before it waits in the backlog of its socket.

mod broker;
mod inside;
mod routes;
mod secrets;
mod sockets;
mod start;

use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use jail_plan::{
    Content, GivenTo, HostText, InsideOp, Listener, Namespace, Network, Plan, Transport,
};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

pub(crate) use broker::{Broker, Surroundings};
pub(crate) use start::Started;

use self::routes::Routes;
use self::sockets::Wanted;
use crate::failure::{self, About, Problem};
use crate::host::WritableTrees;
use crate::namespaces::{self, has};
use crate::sys::Handover;

/// The most descriptors that the kernel passes on at once (unix(7), `SCM_MAX_FD`).
const DESCRIPTORS_MAX: usize = 253;

/// Three of them are the namespaces, and the file from which the jail reads what was refused.
const SOCKETS_MAX: usize = DESCRIPTORS_MAX - 3;

/// The most bytes of all variables that the broker sends.
const VARIABLES_MAX: usize = 64 * 1024;

/// The compiler writes no such network, so the plan was changed.
const BUILD_AGAIN: &str = "the wrapper is not as jailgen made it; build the jail again";

/// What the supervisor sends the jail when the broker runs, through the
/// broker's end of their socket.
const STARTED: &[u8] = b"s";

/// What a launch makes in the jail's network namespace.
pub(crate) struct Prepared<'a> {
    plan: &'a Network,
    v4: Routes<'a>,
    v6: Routes<'a>,
    /// One for each listener of the plan, in its order.
    sockets: Vec<Wanted>,
    /// Those, once they are made, and the user namespace.
    made: Vec<Handover>,
    user: Handover,
    /// The file that the jail reads what was refused in.
    refused: Handover,
    has_refused: AtomicBool,
    /// What the broker fills, in the plan's order, and whether it is in its places.
    filled: Vec<Handover>,
    has_filled: AtomicBool,
    /// The ends of the socket on which namespaces and sockets are passed to the broker: the
    /// jail's, and the broker's.
    given: Handover,
    taken: Handover,
    /// Secrets that were read before, for the broker.
    said: Handover,
    result: Outcome,
}

/// The result. The second process writes it, and init reads it when the second process
/// reports that it is done.
struct Outcome {
    /// A [`Part`] by its number, and which one of them.
    part: AtomicU32,
    index: AtomicU32,
    /// The error; 0 for none.
    error: AtomicI32,
    /// This machine has no IPv6, and nothing of it was made.
    lacks_v6: AtomicBool,
}

/// What can go wrong in the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A route or an address of IPv4.
    V4 = 0,
    /// The same of IPv6.
    V6 = 1,
    /// Whether there is IPv6.
    Family = 2,
    Socket = 3,
    /// The descriptor of the user namespace.
    User = 4,
}

impl Part {
    const ALL: [Self; 5] = [Self::V4, Self::V6, Self::Family, Self::Socket, Self::User];
}

/// A part that could not be made, by its index.
type Fault = (Part, usize, Errno);

impl<'a> Prepared<'a> {
    /// The network of `plan`, if it has a network by name.
    pub(crate) fn from_plan(plan: &'a Plan) -> Result<Option<Self>, (&'a str, Problem)> {
        let Some(network) = &plan.network else { return Ok(None) };
        let at = |problem| (network.by.as_str(), problem);
        if !has(plan, Namespace::Net) {
            let words = "the jail shares the host's network, which is not its own to fill";
            return Err(at(Problem::new("", words).help(BUILD_AGAIN)));
        }
        Self::of_network(network).map(Some).map_err(at)
    }

    fn of_network(plan: &'a Network) -> Result<Self, Problem> {
        let filled: Vec<_> = files(plan).map(|_| Handover::empty()).collect();
        let count = plan.listeners.len() + filled.len();
        if count > SOCKETS_MAX {
            let words = format!(
                "it takes {count} sockets, and no more than {SOCKETS_MAX} can be handed over"
            );
            return Err(Problem::new("", words)
                .help("grant fewer literal addresses and ports; a name takes no socket until it is asked for"));
        }
        let (v4, v6) = routes::of_network(plan)?;
        let sockets =
            plan.listeners.iter().map(Wanted::from_listener).collect::<Result<Vec<_>, _>>()?;
        let (jail, broker) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .about("a socket")?;
        let (given, taken, said) = (Handover::empty(), Handover::empty(), Handover::empty());
        given.put(jail);
        taken.put(broker);
        let made = sockets.iter().map(|_| Handover::empty()).collect();
        let (user, result) = (Handover::empty(), Outcome::none());
        let (refused, has_refused) = (Handover::empty(), AtomicBool::new(false));
        let has_filled = AtomicBool::new(filled.is_empty());
        Ok(Self {
            plan,
            v4,
            v6,
            sockets,
            made,
            user,
            refused,
            has_refused,
            filled,
            has_filled,
            given,
            taken,
            said,
            result,
        })
    }

    /// Has secrets read that may require a prompt.
    pub(crate) fn read_secrets(
        &self,
        around: &Surroundings<'_>,
        trees: &WritableTrees<'_>,
        signals: &OwnedFd,
    ) -> Result<(), (&str, Problem)> {
        let said = secrets::read(self.plan, around, trees, signals);
        if let Some(said) = said.map_err(|problem| (self.plan.by.as_str(), problem))? {
            self.said.put(said);
        }
        Ok(())
    }

    /// In the jail: the broker's ends belong to the broker alone.
    pub(crate) fn is_inside(&self) {
        drop(self.taken.take());
        drop(self.said.take());
    }

    /// Whether the file with what was refused is not in place yet, and it is time: soon
    /// nothing can be made any more.
    pub(crate) fn lacks_refused(&self, next: Option<&InsideOp>) -> bool {
        !self.has_refused.load(Ordering::SeqCst) && is_late(next)
    }

    /// Whether the files that the broker fills must be made now.
    pub(crate) fn lacks_filled(&self, next: Option<&InsideOp>) -> bool {
        is_late(next) && !self.has_filled.swap(true, Ordering::SeqCst)
    }

    /// What the broker fills: what it is, its path, and where it is given.
    pub(crate) fn filled(&self) -> impl Iterator<Item = (&Content, &HostText, &Handover)> {
        files(self.plan).zip(&self.filled).map(|((content, path), given)| (content, path, given))
    }

    /// It has: this is the file, opened to append.
    pub(crate) fn give_refused(&self, file: OwnedFd) {
        self.refused.put(file);
        self.has_refused.store(true, Ordering::SeqCst);
    }

    /// Outside: the broker's end. The other one belongs to the jail alone, so the broker sees
    /// when a launch has failed.
    fn outside(&self) -> Option<OwnedFd> {
        drop(self.given.take());
        self.taken.take()
    }

    /// Whether all of it was made.
    fn check(&self) -> Result<(), Problem> {
        if let Some(fault) = self.result.get() {
            return Err(self.problem(fault));
        }
        if self.result.lacks_v6.load(Ordering::SeqCst) {
            self.tell_lost();
        }
        Ok(())
    }

    fn problem(&self, (part, index, error): Fault) -> Problem {
        let problem = match part {
            Part::V4 => self.v4.problem(index, error),
            Part::V6 => self.v6.problem(index, error),
            Part::Family => Problem::errno("IPv6", error),
            Part::Socket => {
                let object = self.plan.listeners.get(index).map(place).unwrap_or_default();
                Problem::errno(&object, error)
            }
            Part::User => Problem::errno("the user namespace", error),
        };
        match error {
            Errno::MFILE | Errno::NFILE | Errno::TOOMANYREFS => {
                problem.help("it takes more descriptors than are allowed: raise the limit (`ulimit -n`)")
            }
            Errno::ADDRINUSE | Errno::EXIST | Errno::INVAL => problem.help(BUILD_AGAIN),
            Errno::OPNOTSUPP | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT => problem.help(
                "this kernel lacks a part of its network, or a container's filter hides it: `jailgen doctor` says what there is",
            ),
            _ => namespaces::explain(problem),
        }
    }

    /// Reports which listeners are missing without IPv6. One that has a twin
    /// in IPv4 is not reported.
    fn tell_lost(&self) {
        let listeners = &self.plan.listeners;
        let is_lost = |(listener, wanted): &(&Listener, &Wanted)| {
            let has_twin = |other: &Listener| {
                other.purpose == listener.purpose
                    && other.transport == listener.transport
                    && other.port == listener.port
                    && !other.address.contains(':')
            };
            wanted.is_v6() && !(wanted.is_everyones() && listeners.iter().any(has_twin))
        };
        let lost: Vec<_> = listeners
            .iter()
            .zip(&self.sockets)
            .filter(is_lost)
            .map(|(listener, _)| place(listener))
            .collect();
        if !lost.is_empty() {
            let words = "left out, because this machine has no IPv6: ";
            failure::say(&[words, &lost.join(", ")].concat(), None);
        }
    }
}

fn files(plan: &Network) -> impl Iterator<Item = (&Content, &HostText)> {
    plan.given.iter().filter_map(|given| match &given.to {
        GivenTo::File(path) => Some((&given.content, path)),
        GivenTo::Variable(_) => None,
    })
}

/// Whether the next operation makes something read-only, or there is no next one.
fn is_late(next: Option<&InsideOp>) -> bool {
    matches!(next, None | Some(InsideOp::RemountReadOnly(_)))
}

impl Outcome {
    const fn none() -> Self {
        Self {
            part: AtomicU32::new(0),
            index: AtomicU32::new(0),
            error: AtomicI32::new(0),
            lacks_v6: AtomicBool::new(false),
        }
    }

    fn put(&self, (part, index, error): Fault) {
        self.part.store(part as u32, Ordering::SeqCst);
        self.index.store(u32::try_from(index).unwrap_or(u32::MAX), Ordering::SeqCst);
        self.error.store(error.raw_os_error(), Ordering::SeqCst);
    }

    fn get(&self) -> Option<Fault> {
        let error = self.error.load(Ordering::SeqCst);
        let part = self.part.load(Ordering::SeqCst);
        let part = Part::ALL.into_iter().find(|one| *one as u32 == part)?;
        let index = usize::try_from(self.index.load(Ordering::SeqCst)).unwrap_or(usize::MAX);
        (error != 0).then(|| (part, index, Errno::from_raw_os_error(error)))
    }
}

/// `tcp 198.18.0.1 port 53`.
fn place(listener: &Listener) -> alloc::string::String {
    let transport = match listener.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    format!("{transport} {} port {}", listener.address, listener.port)
}
