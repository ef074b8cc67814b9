//! The order in which the broker starts: everything that needs a right, then the two other
//! processes, then no rights are left, and only then something of the jail's is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use jail_egress::{Destination, Pattern, Policy, Rule};
use jail_plan::{Credentials, Listener, Network};
use rustix::thread::CapabilitySet;

use crate::ask::{self, Asker};
use crate::authority::Authority;
use crate::confine::{self, Calls};
use crate::control::Control;
use crate::dial::upstream::{Scheme, Upstream};
use crate::dial::{Lookups, Own};
use crate::factory::Factory;
use crate::given::{self, Sources};
use crate::log::{self, Log, LogFile, Whose};
use crate::names::Names;
use crate::outside::{Outside, Roots};
use crate::policy::{Requests, policy};
use crate::ports::{self, Shown};
use crate::secrets::{Secrets, sources};
use crate::serve::{self, Ready};
use crate::session::{Parts, Session};
use crate::start::{self, Handed, Start};
use crate::sys;
use crate::tls::Ends;

/// A file of credentials is not longer.
const CREDENTIALS_MAX: usize = 4096;

/// What is said where the supervisor is not spoken to.
const USAGE: &str = "jail-broker is started by jail-stub: jail-broker run CHANNEL START LIFE [SECRETS], or jail-broker read START LINE\n";

/// What it is started for.
enum Task {
    /// To be the broker, as [`start`] says.
    Run { channel: OwnedFd, start: OwnedFd, life: OwnedFd, said: Option<OwnedFd> },
    /// To read secrets in the launcher's foreground.
    Read { start: OwnedFd, line: OwnedFd },
}

/// Runs a broker until its supervisor ends it.
#[must_use]
pub fn main() -> ExitCode {
    let Some(task) = arguments() else {
        drop(io::stderr().write_all(USAGE.as_bytes()));
        return ExitCode::from(2);
    };
    let mut name = String::from("jail-broker");
    let done =
        confine::close_to_others().map_err(|error| format!("the broker's own protection: {error}"));
    let done = done.and_then(|()| match task {
        Task::Run { channel, start, life, said } => {
            run(&channel, (start, said), &UnixStream::from(life), &mut name)
        }
        Task::Read { start, line } => sources::pass_on(start, &line, &mut name),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            log::say(&name, &why);
            ExitCode::FAILURE
        }
    }
}

/// What the arguments say. The descriptors among them are apart from each other and from the
/// standard ones.
fn arguments() -> Option<Task> {
    let words: Vec<String> =
        std::env::args_os().skip(1).filter_map(|word| word.into_string().ok()).collect();
    let (command, numbers) = words.split_first()?;
    let all: Option<Vec<i32>> = numbers.iter().map(|number| number.parse().ok()).collect();
    let all = all?;
    let apart: BTreeSet<&i32> = all.iter().filter(|number| **number > 2).collect();
    if apart.len() != numbers.len() {
        return None;
    }
    let taken: io::Result<Vec<OwnedFd>> =
        all.iter().map(|number| sys::inherited(*number)).collect();
    let mut taken = taken.ok()?.into_iter();
    let mut next = || taken.next();
    match (command.as_str(), numbers.len()) {
        ("run", 3 | 4) => {
            Some(Task::Run { channel: next()?, start: next()?, life: next()?, said: next() })
        }
        ("read", 2) => Some(Task::Read { start: next()?, line: next()? }),
        _ => None,
    }
}

fn run(
    channel: &OwnedFd,
    (start, said): (OwnedFd, Option<OwnedFd>),
    life: &UnixStream,
    name: &mut String,
) -> Result<(), String> {
    // On a machine with two processors whatever this does earlier the launch waits for.
    start::await_message(channel).map_err(|error| format!("from the launch: {error}"))?;
    let plan = Planned::read(start, said, name)?;
    // A payload waits for what it is given, so that comes first. A launch that waits for nothing is
    // to see early what cannot start.
    let early = match plan.network.given.is_empty() {
        true => None,
        false => Some(take(channel, &plan)?),
    };
    let prepared = prepare(plan)?;
    let handed = match early {
        Some(handed) => handed,
        None => take(channel, &prepared.plan)?,
    };
    match handed {
        None => Ok(()),
        // A payload that ended at once has asked for nothing.
        Some(_) if start::has_ended(life) => Ok(()),
        Some(handed) => serve(prepared, handed, life).map_err(|error| error.to_string()),
    }
}

/// What the launch has handed over, and the sockets of the servers inside by their paths.
type Taken = (Handed, BTreeMap<String, OwnedFd>);

/// Takes what the launch hands over, and gives what it waits for. `None`: the launch has failed,
/// and the stub reports why.
fn take(channel: &OwnedFd, plan: &Planned) -> Result<Option<Taken>, String> {
    let Network { listeners, given, .. } = &plan.network;
    let handed = start::receive(channel, (listeners.len(), given::count(given)));
    let Some(mut handed) = handed.map_err(|error| format!("from the launch: {error}"))? else {
        return Ok(None);
    };
    let sources = Sources { authority: plan.authority.as_ref(), placeholders: &plan.placeholders };
    let filled = std::mem::take(&mut handed.given);
    let servers = given::give(given, filled, &sources, channel)?;
    Ok(Some((handed, servers)))
}

/// What the plan says, read and checked, and what comes of it that a payload may wait for.
struct Planned {
    start: Start,
    network: Network,
    policy: Policy,
    upstream: Option<Upstream>,
    requests: Requests,
    authority: Option<Authority>,
    secrets: Arc<Secrets>,
    /// What the jail has of each secret; nothing of one that is missing.
    placeholders: BTreeMap<String, Vec<u8>>,
}

impl Planned {
    fn read(start: OwnedFd, said: Option<OwnedFd>, name: &mut String) -> Result<Self, String> {
        let (mut start, mut network) =
            Start::read(start).map_err(about("what the supervisor says"))?;
        name.clone_from(&start.name);
        let policy = policy(&network.egress)?;
        let upstream = upstream(&start, &network)?;
        let read = sources::read(&mut start, &network.egress.secrets, said)?;
        let missing = given::leave_out_missing(&mut network, &read);
        let secrets = Arc::new(Secrets::new(read, &network.egress.sockets)?);
        let mut placeholders = secrets.placeholders();
        placeholders.extend(missing.into_iter().map(|name| (name, Vec::new())));
        let requests = Requests::from_plan(&network.egress)?;
        let has_authority = !(requests.is_empty() && network.egress.sockets.is_empty())
            || given::needs_authority(&network.given);
        let authority = has_authority.then(Authority::new).transpose();
        let authority = authority.map_err(about("the authority of the launch"))?;
        Ok(Self { start, network, policy, upstream, requests, authority, secrets, placeholders })
    }
}

fn about(what: &'static str) -> impl Fn(io::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// What the broker makes while it has rights.
struct Prepared {
    plan: Planned,
    log: LogFile,
    control: Control,
    shown: Vec<Shown>,
    own: Own,
    outside: Rc<Outside>,
    asker: Option<Asker>,
    files: u64,
}

fn prepare(plan: Planned) -> Result<Prepared, String> {
    let files = confine::raise_files();
    let Planned { start, network, .. } = &plan;
    let state = Path::new(&start.state);
    let log = LogFile::create(&state.join("log").join(&start.name), &start.log_name());
    let log = log.map_err(about("the log of the network"))?;
    let control = state.join("sessions").join(&start.session).join("control");
    let shown = ports::show(&network.egress.exposed)?;
    let bound = Control::bind(&control).map_err(about("the session's control socket"))?;
    let own = Own::new().map_err(about("the addresses of this machine"))?;
    let speaks_tls =
        plan.authority.is_some() || plan.upstream.as_ref().is_some_and(Upstream::is_secure);
    let roots = if speaks_tls { Roots::Needed } else { Roots::NotNeeded };
    let outside =
        Outside::start(control, roots).map_err(about("a process for the host's files"))?;
    let outside = Rc::new(outside);
    let asker = network.egress.ask.as_ref().map(Asker::start).transpose();
    let asker = asker.map_err(about("a process that asks"))?;
    // Where the C library is linked statically, random bytes are read from a file, which is opened
    // once and now: with all files given up, the numbers of queries would have nothing to come
    // from.
    let random = getrandom::fill(&mut [0]);
    random.map_err(|error| format!("random numbers: {error}"))?;
    Ok(Prepared { plan, log, control: bound, shown, own, outside, asker, files })
}

fn upstream(start: &Start, network: &Network) -> Result<Option<Upstream>, String> {
    let Some(upstream) = &network.egress.upstream else { return Ok(None) };
    let credentials = match &upstream.credentials {
        None => None,
        Some(Credentials::File(path)) => Some(file(path)?),
        Some(Credentials::Variable(name)) => match start.variables.get(name) {
            Some(value) => Some(value.clone()),
            None => return Err(format!("the upstream proxy's credentials: {name} is not set")),
        },
    };
    if upstream.host.is_empty() {
        let url = credentials.as_deref().unwrap_or_default();
        return Upstream::from_url(url).map(Some).map_err(|error| error.to_string());
    }
    let scheme = if upstream.tls { Scheme::Https } else { Scheme::Http };
    let made = Upstream::new(scheme, (&upstream.host, upstream.port), credentials.as_deref());
    made.map(Some).map_err(|error| error.to_string())
}

fn file(path: &str) -> Result<String, String> {
    let about = |error: &dyn std::fmt::Display| {
        format!("the upstream proxy's credentials: {path}: {error}")
    };
    let text = fs::read_to_string(PathBuf::from(path)).map_err(|error| about(&error))?;
    if text.len() > CREDENTIALS_MAX { Err(about(&"too long")) } else { Ok(text) }
}

/// Starts the factory, gives everything up, and serves until the end.
fn serve(prepared: Prepared, (handed, servers): Taken, mut life: &UnixStream) -> io::Result<()> {
    let Prepared { plan, log, control, shown, own, outside, asker, files } = prepared;
    let Planned { start, network, policy, upstream, requests, authority, secrets, .. } = plan;
    let factory = Factory::start(handed.user, handed.network)?;
    let lookups = Lookups::new(&network.egress.resolvers, outside.clone())?;
    let ends = authority.map(|authority| Ends::new(authority, outside.clone()));
    confine::give_up(CapabilitySet::empty(), Calls::Broker)?;
    let named = policy.rules.iter().filter_map(|rule| match &rule.destination {
        Destination::Names(Pattern::Exactly(name)) => Some(name.clone()),
        Destination::Names(Pattern::Below(_)) | Destination::Address(_) => None,
    });
    let named: Vec<_> = named.collect();
    let (names_max, connections_max) =
        bounds(files, named.len(), sockets_of_a_name(&policy, network.egress.ask.is_some()));
    let whose = Whose { name: start.name, session: start.session, places: start.places };
    let parts = Parts {
        policy,
        names: Names::new(&network.local, &network.addresses, names_max),
        factory,
        lookups,
        own,
        upstream,
        log: Log::new(whose, log, handed.refused),
        requests,
        ends,
        outside,
        connections_max,
        wrapper: start.wrapper,
        network,
        secrets,
    };
    let session = Session::new(parts);
    let sockets = handed.sockets;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    life.set_nonblocking(true)?;
    local.block_on(&runtime, async {
        let listeners: Vec<Listener> = session.network.listeners.clone();
        let ready = Ready { named, listeners, sockets, shown, control, asker, servers };
        serve::start(&session, ready)?;
        life.write_all(b"ready\n")?;
        serve::until_the_end(&session, life.as_fd().try_clone_to_owned()?).await
    })
}

/// How many names and connections there may be, by how many files may be open: a quarter of them
/// for the sockets of names, and half for connections, which take two each.
fn bounds(files: u64, named: usize, sockets: usize) -> (usize, usize) {
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    let names = (files / 4 / sockets.max(1)).clamp(1, 4096);
    (names.max(named + named / 4), (files / 4).clamp(64, 16_384))
}

/// How many sockets a name may have that a program chooses: one for each port and family.
fn sockets_of_a_name(policy: &Policy, is_asked: bool) -> usize {
    let is_chosen = |rule: &&Rule| match &rule.destination {
        Destination::Names(Pattern::Below(_)) => true,
        Destination::Names(Pattern::Exactly(_)) | Destination::Address(_) => false,
    };
    let chosen = policy.rules.iter().filter(is_chosen).flat_map(|rule| rule.ports.iter().copied());
    let asked = if is_asked { ask::PORTS.as_slice() } else { &[] };
    let ports: BTreeSet<u16> = chosen.chain(asked.iter().copied()).collect();
    // Two ports, because some may be allowed while the jail runs.
    2 * ports.len().max(2)
}
