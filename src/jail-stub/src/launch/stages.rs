//! The three parts of a launch: what is done before there is a jail, the clone,
//! and the wait for its end.

use alloc::vec::Vec;

use jail_plan::terminal::is_filter;
use jail_plan::{Namespace, Plan};
use rustix::fd::{AsFd, OwnedFd};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use super::Signals;
use crate::caller::Caller;
use crate::cgroup::{self, Held};
use crate::confine::{self, Filter};
use crate::dedicated::{self, Dedicated};
use crate::ending::Ending;
use crate::failure::{About, Failure, Problem};
use crate::first::{self, First};
use crate::handoff::{self, Ledger};
use crate::host::{
    self, Followed, GitGuard, Helper, HostPaths, Masks, OwnState, SharedFiles, Store,
};
use crate::inside::Launch;
use crate::message::{self, Order};
use crate::namespaces::{self, has};
use crate::network::{self, Broker};
use crate::payload::Command;
use crate::process::Process;
use crate::signal;
use crate::standard::ReadOnly;
use crate::steps::{Fixed, Steps};
use crate::subreaper::Subreaper;
use crate::supervisor::{self, Launcher, Supervisor, Watched};
use crate::sys::{self, Cloned};
use crate::terminal::{Given, OutputFilter};

pub(super) fn launch(
    plan: &mut Plan,
    wrapper: network::Started<'_>,
    caller: &mut Caller<'_>,
    signals: &Signals,
    helper: Option<&Helper<'_>>,
    listener: Option<OwnedFd>,
) -> Result<Ending, Failure> {
    // It is found before anything else, because its place decides much of what the working
    // folder is compared with.
    let early = OwnState::state(caller).unwrap_or_default();
    let has_filter = plan.before.iter().any(|step| is_filter(&step.op));
    let hand_off = handoff::Wanted::from_plan(plan);
    host::prepare(plan, caller, helper, early.as_ref())?;
    // It cannot have become another one, unless scripts have run.
    let early = early.filter(|_| helper.is_none());
    let outside = Outside { wrapper, signals, helper, listener, has_filter, hand_off };
    let started = {
        let store = Store::for_caller(caller);
        start(prepare(plan, caller, &store, outside, early)?)?
    };
    supervise(started)
}

/// What the launch has of the host from before the clone.
struct Outside<'a> {
    wrapper: network::Started<'a>,
    signals: &'a Signals,
    helper: Option<&'a Helper<'a>>,
    listener: Option<OwnedFd>,
    /// What the jail writes to a terminal of the launcher's passes through a filter.
    has_filter: bool,
    hand_off: Option<handoff::Wanted>,
}

/// Everything that is found, decided and held on the host, so only the jail is left to be made.
struct Prepared<'a, 'store> {
    plan: &'a Plan,
    caller: &'a Caller<'a>,
    steps: Steps,
    outside: Outside<'a>,
    launcher: Launcher,
    /// The supervisor's end, and init's.
    channel: (OwnedFd, OwnedFd),
    paths: HostPaths<'store>,
    masks: Option<Masks<'a>>,
    command: Command,
    filters: Vec<Filter<'a>>,
    standard: ReadOnly,
    dedicated: Option<Dedicated<'a>>,
    locks: Vec<OwnedFd>,
    held: Held<'a>,
    given: Given,
    filter: Option<OutputFilter>,
    shared: SharedFiles<'a>,
    git: Option<GitGuard<'a>>,
    own_state: Vec<OwnState>,
    leftovers: Option<Subreaper>,
    network: Option<network::Prepared<'a>>,
}

/// Does what can be done before there is a jail.
fn prepare<'a: 'store, 'store>(
    plan: &'a Plan,
    caller: &'a Caller<'a>,
    store: &'store Store,
    outside: Outside<'a>,
    early: Option<OwnState>,
) -> Result<Prepared<'a, 'store>, Failure> {
    let steps = Steps::from_plan(plan);
    let at_namespaces = |problem| steps.fixed(Fixed::Namespaces, "", problem);
    let launcher = supervisor::launcher(plan).map_err(at_namespaces)?;
    // Before anything else is opened, so its number in init does not depend on the plan.
    let channel = message::channel().about("a socket").map_err(at_namespaces)?;
    let grants = host::grants(plan, caller);
    let paths = host::paths(plan, &grants, caller, store)?;
    let masks = Masks::start(plan, &paths, outside.wrapper.text)?;
    host::report_folder(plan, caller);
    host::report_subfolder(plan, caller, paths.trees());
    let at_command = |(by, problem)| steps.fixed(Fixed::Command, by, problem);
    let command = Command::from_plan(plan, caller).map_err(at_command)?;
    let filters =
        confine::filters(plan).map_err(|problem| steps.fixed(Fixed::Seccomp, "", problem))?;
    let standard =
        ReadOnly::from_plan(plan, caller).map_err(|problem| at_command(("", problem)))?;
    if plan.namespaces.is_empty() && !plan.inside.is_empty() {
        let problem =
            Problem::new("", "the plan has operations inside and no namespace to do them in");
        return Err(at_namespaces(problem));
    }
    let at_user = |(by, problem)| steps.fixed(Fixed::Namespaces, by, problem);
    host::record(plan, &grants, &paths, store)?;
    let dedicated = Dedicated::for_launch(plan, caller).map_err(at_user)?;
    if let Some(user) = &dedicated {
        dedicated::share(user, plan, caller, &paths)
            .map_err(|problem| at_user((user.by, problem)))?;
    }
    let locks = host::hold(plan, caller, &paths)?;
    let mut shared = SharedFiles::find(plan, caller, &paths)?;
    let held = cgroup::hold(plan, caller, shared.count())
        .map_err(|(by, problem)| steps.fixed(Fixed::Cgroup, by, problem))?;
    shared.start(plan, held.folder())?;
    let git = GitGuard::start(plan, caller, &paths, held.folder())?;
    let given = Given::from_plan(plan);
    let filter = match (outside.has_filter && given.is_replaced, &plan.host) {
        (false, _) => None,
        (true, Some(host)) => Some(OutputFilter::start(host, outside.signals.mask)),
        (true, None) => Some(Err(Problem::new("", "the plan names no helper"))),
    };
    let filter = filter.transpose().map_err(|problem| at_command(("", problem)))?;
    let own_state = OwnState::find(caller, early).map_err(at_namespaces)?;
    // Programs that the helper's scripts left running on the host would look the same.
    let leftovers = match has(plan, Namespace::Pid) || outside.helper.is_some() {
        true => None,
        false => Some(Subreaper::collect().map_err(at_namespaces)?),
    };
    let at_network = |(by, problem)| steps.fixed(Fixed::Network, by, problem);
    let network = network::Prepared::from_plan(plan).map_err(at_network)?;
    if let (Some(network), Some(prepared)) = (&plan.network, &network) {
        host::check_for_broker(network, caller, paths.trees()).map_err(at_network)?;
        let around = network::Surroundings {
            plan,
            wrapper: outside.wrapper,
            caller,
            group: held.folder(),
            mask: outside.signals.mask,
        };
        let signals = &outside.signals.pending;
        prepared.read_secrets(&around, paths.trees(), signals).map_err(at_network)?;
    }
    Ok(Prepared {
        plan,
        caller,
        steps,
        outside,
        launcher,
        channel,
        paths,
        masks,
        command,
        filters,
        standard,
        dedicated,
        locks,
        held,
        given,
        filter,
        shared,
        git,
        own_state,
        leftovers,
        network,
    })
}

/// The jail, and what the supervisor needs.
struct Started<'a> {
    plan: &'a Plan,
    steps: Steps,
    /// The jail's init.
    first: Process,
    signals: &'a Signals,
    helper: Option<&'a Helper<'a>>,
    launcher: Launcher,
    channel: OwnedFd,
    standard: ReadOnly,
    locks: Vec<OwnedFd>,
    held: Held<'a>,
    given: Given,
    filter: Option<OutputFilter>,
    shared: Followed<'a>,
    masks: Option<Masks<'a>>,
    git: Option<GitGuard<'a>>,
    leftovers: Option<Subreaper>,
    broker: Option<Broker>,
    ledger: Option<Ledger>,
}

/// Clones the jail's init, which never returns from here. What only init needs is dropped: the jail
/// has its own copy by now.
#[inline(never)]
fn start<'a>(prepared: Prepared<'a, '_>) -> Result<Started<'a>, Failure> {
    let Prepared { plan, caller, steps, .. } = prepared;
    let held = &prepared.held;
    let since = handoff::before();
    let cloned = sys::clone(namespaces::flags(plan, held.folder().is_some()), held.folder());
    let at_namespaces = |problem| steps.fixed(Fixed::Namespaces, "", problem);
    let first = match cloned {
        Err(error) => return Err(at_namespaces(namespaces::refused(plan, caller, error))),
        Ok(Cloned::Child) => become_first(prepared),
        Ok(Cloned::Parent(number, process)) => Process::made(number, process),
    };
    if let Some(user) = &prepared.dedicated {
        let mapped = dedicated::map(user, caller, first.number())
            .and_then(|()| Order::Go.send(&prepared.channel.0).about("init"));
        if let Err(problem) = mapped {
            let _ = first.signal(signal::KILL);
            return Err(steps.fixed(Fixed::Namespaces, user.by, problem));
        }
    }
    let broker = match prepared.network.as_ref().map(|network| broker(network, &prepared)) {
        None => None,
        Some(Ok(broker)) => Some(broker),
        Some(Err(problem)) => {
            let _ = first.signal(signal::KILL);
            let by = plan.network.as_ref().map_or("", |network| network.by.as_str());
            return Err(steps.fixed(Fixed::Network, by, problem));
        }
    };
    let mask = prepared.outside.signals.mask;
    let wanted = prepared.outside.hand_off;
    let ledger = wanted.map(|wanted| Ledger::start(wanted, plan, caller, since, mask));
    let ledger = ledger.transpose().map_err(|(by, problem)| {
        let _ = first.signal(signal::KILL);
        steps.fixed(Fixed::Command, &by, problem)
    })?;
    // It is about the machine, so it can be reported while the jail is made.
    confine::landlock::report_missing(&plan.landlock, caller, prepared.paths.trees());
    let (channel, _) = prepared.channel;
    Ok(Started {
        plan,
        steps,
        first,
        signals: prepared.outside.signals,
        helper: prepared.outside.helper,
        launcher: prepared.launcher,
        channel,
        standard: prepared.standard,
        locks: prepared.locks,
        held: prepared.held,
        given: prepared.given,
        filter: prepared.filter,
        shared: prepared.shared.followed(),
        masks: prepared.masks,
        git: prepared.git,
        leftovers: prepared.leftovers,
        broker,
        ledger,
    })
}

fn broker(network: &network::Prepared<'_>, prepared: &Prepared<'_, '_>) -> Result<Broker, Problem> {
    let around = network::Surroundings {
        plan: prepared.plan,
        wrapper: prepared.outside.wrapper,
        caller: prepared.caller,
        group: prepared.held.folder(),
        mask: prepared.outside.signals.mask,
    };
    Broker::start(network, &around)
}

#[inline(never)]
fn become_first(prepared: Prepared<'_, '_>) -> ! {
    let (outside, inside) = prepared.channel;
    // It must see when the supervisor's end is closed.
    drop(outside);
    if let Some(network) = &prepared.network {
        network.is_inside();
    }
    let launch = Launch {
        caller: prepared.caller,
        paths: &prepared.paths,
        plan: prepared.plan,
        own_state: &prepared.own_state,
        shared: &prepared.shared,
        masks: prepared.masks.as_ref(),
        git: prepared.git.as_ref(),
        listener: prepared.outside.listener.as_ref(),
        network: prepared.network.as_ref(),
        dedicated: prepared.dedicated.as_ref(),
        steps: prepared.steps,
    };
    let first = First {
        launch,
        command: &prepared.command,
        standard: &prepared.standard,
        filters: &prepared.filters,
        own_cgroup: prepared.held.folder().is_some(),
        instead: prepared.held.resources(),
        given: prepared.given,
        launcher: &prepared.launcher,
        mask: prepared.outside.signals.mask,
    };
    first::run(&first, &inside)
}

/// Waits for the jail's end.
#[inline(never)]
fn supervise(started: Started<'_>) -> Result<Ending, Failure> {
    let Started { plan, steps, first, held, leftovers, .. } = started;
    let at_namespaces = |problem| steps.fixed(Fixed::Namespaces, "", problem);
    // No process of the same user may inspect or trace the supervisor, and it dumps no core.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .about("dumpable")
        .map_err(at_namespaces)?;
    let mut kept: Vec<_> = held.descriptors().collect();
    kept.extend(started.locks.iter().map(AsFd::as_fd));
    kept.extend(leftovers.as_ref().map(AsFd::as_fd));
    kept.extend(started.git.iter().flat_map(GitGuard::descriptors));
    kept.extend(started.masks.iter().flat_map(Masks::descriptors));
    let watched = Watched {
        channel: started.channel,
        signals: &started.signals.pending,
        launcher: started.launcher,
        helper: started.helper,
        broker: started.broker.as_ref(),
        ledger: started.ledger.as_ref(),
        standard: &started.standard,
        shared: started.shared,
        kept,
    };
    let (outcome, lost) =
        Supervisor::new(plan, watched, first, started.given, started.filter).watch();
    let gone = started.broker.as_ref().and_then(|broker| broker.finish(outcome.has_run()));
    let unwatched = started.ledger.as_ref().and_then(Ledger::stop_watching);
    if let Some(leftovers) = &leftovers {
        leftovers.end(started.ledger.as_ref().map(Ledger::number));
    }
    let has_run = outcome.has_run();
    let mut ending = Ending::from_outcome(outcome, &lost, plan, &held);
    if let Some(git) = started.git.filter(|_| has_run) {
        ending.notes.extend(git.finish(&started.signals.pending));
    }
    // The placeholders in folders of the host are gone by then.
    let looked = started.ledger.as_ref().and_then(|ledger| ledger.finish(has_run));
    let by = plan.network.as_ref().map_or("", |network| network.by.as_str());
    ending.notes.extend(gone.map(|gone| gone.note(by)));
    ending.notes.extend(unwatched.into_iter().chain(looked));
    Ok(ending)
}
