//! The fold of a cage: no mounts and no namespaces, so every grant of files becomes a rule of
//! Landlock.
//!
//! A grant that only means something among mounts is an error here: a cage would not keep what it
//! promises.

use std::collections::BTreeSet;

use jail_plan::{
    Access, Argument, Beneath, Closure, FoundAtLaunch, HandOff, Handled, HostOp, HostText, Ids,
    Landlock, LandlockRule, Lifetime, Limit, Missing, Plan, Reach, RefuseFolder, Resource, StartIn,
    StateDirectory, StateFile, StateLink, Step, Terminal,
};
use jail_policy::{Grant, Policy, Scope};

use super::{EVERY_JAIL, argument};
use crate::seal::environment::Environment;
use crate::seal::filter::{cage_filter, filters};
use crate::seal::text::Reader;
use crate::seal::{Request, SealError};

/// What a cage restricts. All but the last must be there: without them it would be none.
pub(in crate::seal) const HANDLES: &[Handled] = &[
    Handled::Writes,
    Handled::Reads,
    Handled::Execution,
    Handled::Devices,
    Handled::BindTcp,
    Handled::ConnectTcp,
    Handled::AbstractSockets,
    Handled::Signals,
    Handled::Sockets,
];

/// The ABI that has all that a cage cannot do without.
const LEAST: u32 = Handled::Signals.since();

pub(in crate::seal) fn is_cage(policy: &Policy) -> bool {
    policy.grants.iter().any(|entry| matches!(entry.grant, Grant::Cage { .. }))
}

/// A grant of a cage in a policy without one.
pub(super) fn misplaced(read: Reader<'_>) -> SealError {
    read.error("this is a grant of a cage, and the policy makes none")
}

/// Folds the grants of a cage's policy into a plan.
pub(super) fn fold(request: &Request<'_>, closure: Closure) -> Result<Plan, SealError> {
    let mut draft = Draft::new(&closure.store);
    for entry in &request.policy.grants {
        draft.apply(Reader { policy: request.policy, entry })?;
    }
    draft.finish(request, closure)
}

struct Draft {
    store: HostText,
    before: Vec<Step<HostOp>>,
    rules: Vec<LandlockRule>,
    connect: BTreeSet<u16>,
    bind: BTreeSet<u16>,
    environment: Environment,
    program: Option<HostText>,
    arguments: Vec<Argument>,
    start: Option<StartIn>,
    datagrams: bool,
    by: String,
}

impl Draft {
    fn new(store: &str) -> Self {
        Self {
            store: HostText::Literal(store.into()),
            before: Vec::new(),
            rules: Vec::new(),
            connect: BTreeSet::new(),
            bind: BTreeSet::new(),
            environment: Environment::default(),
            program: None,
            arguments: vec![Argument::All],
            start: None,
            datagrams: false,
            by: String::new(),
        }
    }

    fn apply(&mut self, read: Reader<'_>) -> Result<(), SealError> {
        let entry = read.entry;
        let by = entry.by.to_string();
        match &entry.grant {
            Grant::Cage { datagrams, .. } => {
                self.datagrams = *datagrams;
                self.by = by;
            }
            Grant::Program { path } => self.program = Some(read.path(path)?),
            Grant::Arguments { words } => {
                self.arguments =
                    words.iter().map(|word| argument(read, word)).collect::<Result<_, _>>()?;
            }
            Grant::Reach { path, reach, missing } => {
                self.rule(read.path(path)?, *reach, *missing, by);
            }
            Grant::Folder { to: None, .. } => self.working_folder(by),
            Grant::Folder { to: Some(folder), .. } => {
                self.start = Some(StartIn::Path(read.path(folder)?));
            }
            Grant::StateDirectory { path, .. } => {
                let path = read.path(path)?;
                let (made, of) = (path.clone(), by.clone());
                self.before
                    .push(Step::new(of, HostOp::StateDirectory(StateDirectory { path: made })));
                self.rule(path, Reach::Rw, Missing::Fail, by);
            }
            Grant::StateFile { path, .. } => {
                let path = read.path(path)?;
                let (made, of) = (path.clone(), by.clone());
                self.before.push(Step::new(of, HostOp::StateFile(StateFile { path: made })));
                self.rule(path, Reach::Rw, Missing::Fail, by);
            }
            Grant::StateLink { path, to } => {
                let (path, to) = (read.path(path)?, read.path(to)?);
                self.before.push(Step::new(by, HostOp::StateLink(StateLink { path, to })));
            }
            Grant::GitIdentity { to } => {
                let path = read.path(to)?;
                self.before.push(Step::new(by.clone(), HostOp::GitIdentity(path.clone())));
                self.rule(path, Reach::Ro, Missing::Fail, by);
            }
            Grant::LoginProfile { to } => {
                let path = read.path(to)?;
                self.before.push(Step::new(by.clone(), HostOp::LoginProfile(path.clone())));
                self.rule(path, Reach::Ro, Missing::Fail, by);
            }
            Grant::Store { scope } => self.execution(*scope, by),
            Grant::Ports { connect, bind } => {
                self.connect.extend(connect);
                self.bind.extend(bind);
            }
            Grant::SetEnv { name, value } => self.environment.set(entry, name, read.host(value)?),
            Grant::ForwardEnv { name, missing } => self.environment.forward(entry, name, *missing),
            Grant::UnsetEnv { name } => self.environment.unset(name),
            Grant::AddPath { folder } => self.environment.add_path(entry, read.host(folder)?)?,
            Grant::Bind { .. }
            | Grant::RemountReadOnly { .. }
            | Grant::Queues { .. }
            | Grant::HostScript { .. }
            | Grant::Channel { .. }
            | Grant::OpenUrls
            | Grant::TerminalFilter
            | Grant::Quarantine
            | Grant::Protect { .. }
            | Grant::StartIn { .. }
            | Grant::HomeAsFolder
            | Grant::Project
            | Grant::Git { .. }
            | Grant::Mask { .. }
            | Grant::PrivateCopies { .. }
            | Grant::FollowLinks
            | Grant::Worktree
            | Grant::FolderState { .. }
            | Grant::DeepBind { .. }
            | Grant::Overlay { .. }
            | Grant::Session { .. }
            | Grant::Limit { .. }
            | Grant::BestEffort
            | Grant::Bus { .. }
            | Grant::DevShell { .. }
            | Grant::ShownId { .. }
            | Grant::DedicatedUser { .. }
            | Grant::BindArguments { .. }
            | Grant::BindVariable { .. }
            | Grant::Tmpfs { .. }
            | Grant::Proc { .. }
            | Grant::Dev { .. }
            | Grant::Directory { .. }
            | Grant::File { .. }
            | Grant::Copy { .. }
            | Grant::Symlink { .. }
            | Grant::Accounts { .. }
            | Grant::MachineId { .. }
            | Grant::Hostname { .. }
            | Grant::TimeZone { .. }
            | Grant::ShareNamespace { .. }
            | Grant::HostNetwork
            | Grant::Network(_)
            | Grant::SystemCalls { .. }
            | Grant::CallRules { .. }
            | Grant::Filter { .. }
            | Grant::NestedSandbox
            | Grant::Wall { .. }
            | Grant::LandlockAbi { .. }
            | Grant::Terminal { .. }
            | Grant::Lifetime { .. } => {
                return Err(read.error("a cage has no mounts and no namespaces to do this with"));
            }
        }
        Ok(())
    }

    fn rule(&mut self, path: HostText, reach: Reach, missing: Missing, by: String) {
        self.rules.push(LandlockRule::Path(Beneath { path, reach, missing, by }));
    }

    /// The working folder is refused where a jail would refuse it, and for the same reason.
    fn working_folder(&mut self, by: String) {
        let refuse = RefuseFolder { home_allowed: false };
        self.before.insert(0, Step::new(by.clone(), HostOp::RefuseFolder(refuse)));
        let how = HandOff { quarantine: false };
        self.before.extend(super::host::looked_through(Access::ReadWrite, how, &by));
        self.rules.push(LandlockRule::Folder(FoundAtLaunch { reach: Reach::Rw, by }));
        self.start = Some(StartIn::Folder);
    }

    fn execution(&mut self, scope: Scope, by: String) {
        match scope {
            Scope::Closure => {
                self.rules.push(LandlockRule::Closure(FoundAtLaunch { reach: Reach::Rox, by }));
            }
            Scope::Whole => {
                self.rule(self.store.clone(), Reach::Rox, Missing::Fail, by);
            }
        }
    }

    fn finish(mut self, request: &Request<'_>, closure: Closure) -> Result<Plan, SealError> {
        let Some(program) = self.program else {
            return Err(
                SealError::new("the policy names no program").help("give the cage an `argv`")
            );
        };
        let standard = FoundAtLaunch { reach: Reach::Device, by: EVERY_JAIL.into() };
        self.rules.push(LandlockRule::Standard(standard));
        let landlock = Landlock {
            handles: HANDLES.to_vec(),
            rules: self.rules,
            bind: self.bind.into_iter().collect(),
            connect: self.connect.into_iter().collect(),
            least: LEAST,
            by: self.by,
        };
        let mut plan = Plan {
            version: jail_plan::VERSION,
            name: request.policy.name.clone(),
            host: None,
            before: self.before,
            namespaces: Vec::new(),
            ids: Ids::Caller,
            network: None,
            cgroup: None,
            closure,
            inside: Vec::new(),
            hostname: None,
            env: self.environment.into_variables(),
            start: self.start.unwrap_or(StartIn::Folder),
            argv: [vec![Argument::Text(program)], self.arguments].concat(),
            terminal: Terminal::Keep,
            lifetime: Lifetime::Launcher,
            time: None,
            limits: vec![Limit { resource: Resource::Core, value: 0 }],
            landlock,
            seccomp: [vec![cage_filter(request.arch, self.datagrams)?], filters(request)?].concat(),
            after: Vec::new(),
        };
        plan.host = super::host::helper(None, request.host, &plan);
        Ok(plan)
    }
}
