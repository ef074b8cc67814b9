//! The fold of a policy's grants, in their order, into the fields of a plan.

mod cage;
mod finish;
mod git;
mod host;
mod ids;
mod landlock;
mod limits;
mod network;
mod overlay;
mod requests;
mod session;
mod stage;

use std::collections::BTreeSet;

use jail_plan::{
    Access, Accounts, Argument, Bind, BindArguments, BindVariable, Closure, Copy, Directory, File,
    Folder, HandOff, HostOp, HostText, InsideOp, Lifetime, Mask, Missing, Namespace, Plan, Protect,
    RefuseFolder, Session, SharedFile, StateDirectory, StateFile, Step, Symlink, Terminal, Tmpfs,
};
use jail_policy::{Entry, Grant, Policy, Scope, Zone};

pub(super) use self::cage::{HANDLES as CAGE_HANDLES, is_cage};
use self::git::{git, private};
use self::host::OnHost;
use self::ids::Who;
use self::limits::Limits;
pub(super) use self::stage::name as stage_name;
use super::environment::Environment;
use super::text::Reader;
use super::{Request, SealError};

/// The origin of what every jail has and no grant asks for.
pub(super) const EVERY_JAIL: &str = "jailgen#0";

/// Folds the grants of a policy into a plan over `closure`.
pub(super) fn fold(request: &Request<'_>, closure: Closure) -> Result<Plan, SealError> {
    if is_cage(request.policy) {
        return cage::fold(request, closure);
    }
    refuse_second_folder(request.policy)?;
    let mut draft = Draft::new(request.policy, &closure.store);
    for (index, entry) in request.policy.grants.iter().enumerate() {
        draft.apply(index, entry)?;
    }
    draft.finish(request, closure)
}

/// Lowering makes one grant of the working folder, from everything that mentions it. A policy with
/// two was changed by hand.
fn refuse_second_folder(policy: &Policy) -> Result<(), SealError> {
    match policy.grants.iter().filter(|entry| is_folder(entry)).nth(1) {
        None => Ok(()),
        Some(second) => {
            let error = SealError::at(policy, second, "the working folder is granted twice");
            Err(error.help("remove one of the two grants, or emit the spec again"))
        }
    }
}

fn is_folder(entry: &Entry) -> bool {
    matches!(entry.grant, Grant::Folder { .. })
}

/// Where the grants stand of which the last one counts, and which have a place among the mounts.
struct Last {
    store: Option<usize>,
    zone: Option<usize>,
}

impl Last {
    fn in_policy(policy: &Policy) -> Self {
        let last = |wanted: fn(&Grant) -> bool| {
            policy.grants.iter().rposition(|entry| wanted(&entry.grant))
        };
        Self {
            store: last(|grant| matches!(grant, Grant::Store { .. })),
            zone: last(|grant| matches!(grant, Grant::TimeZone { .. })),
        }
    }
}

struct Draft<'a> {
    policy: &'a Policy,
    store: String,
    last: Last,
    before: Vec<Step<HostOp>>,
    inside: Vec<Step<InsideOp>>,
    environment: Environment,
    namespaces: BTreeSet<Namespace>,
    program: Option<HostText>,
    arguments: Vec<Argument>,
    hostname: Option<String>,
    hostname_entry: Option<&'a Entry>,
    landlock: landlock::Wish,
    terminal: Terminal,
    lifetime: Lifetime,
    limits: Limits,
    ids: Who,
    start_in: Option<HostText>,
    host: OnHost,
    git: Option<Step<InsideOp>>,
    protect: Option<Step<Protect>>,
    private: Vec<Step<InsideOp>>,
    network: network::ByName,
}

impl<'a> Draft<'a> {
    fn new(policy: &'a Policy, store: &str) -> Self {
        Self {
            policy,
            store: store.into(),
            last: Last::in_policy(policy),
            before: Vec::new(),
            inside: Vec::new(),
            environment: Environment::default(),
            namespaces: BTreeSet::from(Namespace::ALL),
            program: None,
            arguments: vec![Argument::All],
            hostname: None,
            hostname_entry: None,
            landlock: landlock::Wish::default(),
            terminal: Terminal::Keep,
            lifetime: Lifetime::Launcher,
            limits: Limits::new(),
            ids: Who::default(),
            start_in: None,
            host: OnHost::default(),
            git: None,
            protect: None,
            private: Vec::new(),
            network: network::ByName::default(),
        }
    }

    /// Takes one grant in. The match is complete: a new grant does not compile until this says what
    /// the plan does about it.
    fn apply(&mut self, index: usize, entry: &'a Entry) -> Result<(), SealError> {
        let read = Reader { policy: self.policy, entry };
        let by = entry.by.to_string();
        match &entry.grant {
            Grant::Program { path } => self.program = Some(read.path(path)?),
            Grant::Arguments { words } => {
                self.arguments =
                    words.iter().map(|word| argument(read, word)).collect::<Result<_, _>>()?;
            }
            Grant::Bind { from, to, access, missing } => {
                let (from, to) = (read.path(from)?, read.path(to)?);
                self.inside.push(Step::new(
                    by,
                    InsideOp::Bind(Bind { from, to, access: *access, missing: *missing }),
                ));
            }
            Grant::Folder { access, to, stage } => {
                let to = to.as_ref().map(|to| read.path(to)).transpose()?;
                self.refuse_folder(entry);
                let how = HandOff { quarantine: self.has(&Grant::Quarantine) };
                self.before.extend(host::looked_through(*access, how, &by));
                let stage = stage.as_ref().map(|name| stage::of_name(read, name)).transpose()?;
                self.before.extend(stage.iter().flat_map(|stage| stage::made(stage, &by)));
                let folder = Folder { to, access: *access, stage };
                self.inside.push(Step::new(by, InsideOp::Folder(folder)));
            }
            Grant::Worktree => self.inside.push(Step::new(by, InsideOp::Worktree)),
            // It is part of the working folder's operation.
            Grant::HomeAsFolder | Grant::Project | Grant::Quarantine => {}
            Grant::Protect { globs } => self.protect(globs, by),
            Grant::Git { settings } => self.git = git(*settings, by),
            Grant::Mask { globs } => {
                self.inside.push(Step::new(by, InsideOp::Mask(Mask { globs: globs.clone() })));
            }
            Grant::PrivateCopies { folder, names } => {
                self.private.push(private(read, folder, names)?);
            }
            Grant::FollowLinks => self.private.push(Step::new(by, InsideOp::FollowLinks)),
            Grant::BindArguments { access } => {
                self.inside.push(Step::new(
                    by,
                    InsideOp::BindArguments(BindArguments { access: *access }),
                ));
            }
            Grant::BindVariable { variable, separator, access } => {
                let (variable, separator) = (variable.clone(), separator.clone());
                self.inside.push(Step::new(
                    by,
                    InsideOp::BindVariable(BindVariable { variable, separator, access: *access }),
                ));
            }
            Grant::StateDirectory { path, to } => {
                let (path, to) = (read.path(path)?, read.path(to)?);
                self.before.push(Step::new(
                    by.clone(),
                    HostOp::StateDirectory(StateDirectory { path: path.clone() }),
                ));
                self.inside.push(state_bind(path, to, by));
            }
            Grant::StateFile { path, to } => {
                let (path, to) = (read.path(path)?, read.path(to)?);
                self.before.push(Step::new(
                    by.clone(),
                    HostOp::StateFile(StateFile { path: path.clone() }),
                ));
                self.inside
                    .push(Step::new(by, InsideOp::SharedFile(SharedFile { from: path, to })));
            }
            Grant::FolderState { path, to } => {
                let (before, inside) = session::folder_state(read, path, to)?;
                self.before.push(before);
                self.inside.push(inside);
            }
            Grant::DeepBind { from, missing } => {
                self.inside.push(session::deep(read, from, *missing)?);
            }
            Grant::Overlay { lower, writes, to } => {
                let (before, inside) = overlay::fold(read, lower, writes, to)?;
                self.before.extend(before);
                self.inside.push(inside);
            }
            Grant::Bus { service, proxy, rules } => {
                let (before, inside) = session::bus(read, *service, proxy, rules)?;
                self.before.push(before);
                self.inside.push(inside);
            }
            Grant::Session { service } => {
                self.inside.push(Step::new(by, InsideOp::Session(Session { service: *service })));
            }
            Grant::Store { scope } if self.last.store == Some(index) => {
                self.inside.push(self.store(*scope, by));
            }
            Grant::Store { .. } => {}
            Grant::Tmpfs { to, mode, size } => {
                let to = read.path(to)?;
                self.inside
                    .push(Step::new(by, InsideOp::Tmpfs(Tmpfs { to, mode: *mode, size: *size })));
            }
            Grant::Proc { to } => {
                let nested = self.has(&Grant::NestedSandbox);
                let proc = if nested { InsideOp::ProcForSandboxes } else { InsideOp::Proc };
                self.inside.push(Step::new(by, proc(read.path(to)?)));
            }
            Grant::Dev { to } => self.inside.push(Step::new(by, InsideOp::Dev(read.path(to)?))),
            Grant::Directory { to, mode } => {
                let to = read.path(to)?;
                self.inside.push(Step::new(by, InsideOp::Directory(Directory { to, mode: *mode })));
            }
            Grant::File { to, content, mode } => {
                let (to, content) = (read.path(to)?, read.literal(content)?);
                self.inside.push(Step::new(by, InsideOp::File(File { to, content, mode: *mode })));
            }
            Grant::Copy { from, to, append, missing } => {
                let (from, to, append) = (read.path(from)?, read.path(to)?, append.clone());
                self.inside.push(Step::new(
                    by,
                    InsideOp::Copy(Copy { from, to, append, missing: *missing }),
                ));
            }
            Grant::Symlink { to, target } => {
                let (to, target) = (read.path(to)?, read.literal(target)?);
                self.inside.push(Step::new(by, InsideOp::Symlink(Symlink { to, target })));
            }
            Grant::Accounts { shell } => {
                let shell = read.literal(shell)?;
                self.inside.push(Step::new(by, InsideOp::Accounts(Accounts { shell })));
            }
            Grant::GitIdentity { to } => {
                self.inside.push(Step::new(by, InsideOp::GitIdentity(read.path(to)?)));
            }
            Grant::MachineId { to } => {
                self.inside.push(Step::new(by, InsideOp::MachineId(read.path(to)?)));
            }
            Grant::RemountReadOnly { to } => {
                self.inside.push(Step::new(by, InsideOp::RemountReadOnly(read.path(to)?)));
            }
            Grant::Queues { to } => {
                self.inside.push(Step::new(by, InsideOp::Queues(read.path(to)?)));
            }
            Grant::HostScript { phase, script, shell } => {
                self.host.script(read, *phase, script, shell, &mut self.before)?;
            }
            Grant::Channel { name, script, shell } => {
                self.host.channel(read, name, script, shell, &mut self.before)?;
            }
            Grant::TerminalFilter => self.before.push(Step::new(by, HostOp::FilterTerminal)),
            Grant::OpenUrls => self.host.open_urls(by, &mut self.before),
            Grant::StartIn { path } => self.start_in = Some(read.path(path)?),
            Grant::SetEnv { name, value } => self.environment.set(entry, name, read.host(value)?),
            // The builder has put its variables in its place.
            Grant::DevShell { environment } => {
                return Err(read.error(format!("the environment `{environment}` was not read")));
            }
            Grant::ForwardEnv { name, missing } => self.environment.forward(entry, name, *missing),
            Grant::UnsetEnv { name } => self.environment.unset(name),
            Grant::AddPath { folder } => self.environment.add_path(entry, read.host(folder)?)?,
            Grant::Hostname { name } => {
                self.hostname = Some(name.clone());
                self.hostname_entry = Some(entry);
            }
            Grant::TimeZone { zone } if self.last.zone == Some(index) => {
                self.time_zone(entry, *zone);
            }
            Grant::TimeZone { .. } => {}
            Grant::ShareNamespace { namespace } => self.share(read, *namespace)?,
            Grant::HostNetwork => self.share(read, Namespace::Net)?,
            Grant::Network(grant) => self.network.add(read, grant)?,
            Grant::Cage { .. }
            | Grant::Reach { .. }
            | Grant::StateLink { .. }
            | Grant::LoginProfile { .. }
            | Grant::Ports { .. } => return Err(cage::misplaced(read)),
            // Read by `filters`, all of them together.
            Grant::SystemCalls { .. } | Grant::CallRules { .. } | Grant::Filter { .. } => {}
            Grant::NestedSandbox => self.landlock.nested(),
            Grant::Wall { wall } => self.landlock.wall(*wall, entry),
            Grant::LandlockAbi { least } => self.landlock.least(*least, entry),
            Grant::Terminal { terminal } => self.terminal = *terminal,
            Grant::Lifetime { lifetime } => self.lifetime = *lifetime,
            Grant::Limit { resource, value } => self.limits.set(*resource, *value, by),
            Grant::BestEffort => self.limits.best_effort(),
            Grant::ShownId { kind, id } => self.ids.show(*kind, *id, by),
            Grant::DedicatedUser { name } => self.ids.dedicate(name, by),
        }
        Ok(())
    }

    /// Whether the policy grants this anywhere.
    fn has(&self, grant: &Grant) -> bool {
        self.policy.grants.iter().any(|entry| entry.grant == *grant)
    }

    /// All of a policy are one list.
    fn protect(&mut self, globs: &[String], by: String) {
        let step = self.protect.get_or_insert_with(|| Step::new(by, Protect { globs: Vec::new() }));
        step.op.globs.extend_from_slice(globs);
    }

    /// Wherever the working folder is granted, bad working folders are refused first.
    fn refuse_folder(&mut self, entry: &Entry) {
        let home_allowed =
            self.policy.grants.iter().any(|entry| matches!(entry.grant, Grant::HomeAsFolder));
        let by = entry.by.to_string();
        self.before.insert(0, Step::new(by, HostOp::RefuseFolder(RefuseFolder { home_allowed })));
        let project = self.policy.grants.iter().find(|entry| entry.grant == Grant::Project);
        if let Some(project) = project {
            // What is refused is the folder that the jail gets.
            self.before.insert(0, Step::new(project.by.to_string(), HostOp::EnterProject));
        }
    }

    fn store(&self, scope: Scope, by: String) -> Step<InsideOp> {
        let store = HostText::Literal(self.store.clone());
        match scope {
            Scope::Closure => Step::new(by, InsideOp::StoreClosure),
            Scope::Whole => Step::new(
                by,
                InsideOp::Bind(Bind {
                    from: store.clone(),
                    to: store,
                    access: Access::ReadOnly,
                    missing: Missing::Fail,
                }),
            ),
        }
    }

    fn time_zone(&mut self, entry: &Entry, zone: Zone) {
        self.environment.time_zone(entry, zone);
        match zone {
            Zone::Utc => {}
            Zone::Host => {
                let place = HostText::Literal("/etc/localtime".into());
                let (from, to, by) = (place.clone(), place, entry.by.to_string());
                self.inside.push(Step::new(
                    by,
                    InsideOp::Copy(Copy { from, to, append: None, missing: Missing::Skip }),
                ));
            }
        }
    }

    fn share(&mut self, read: Reader<'_>, namespace: Namespace) -> Result<(), SealError> {
        match namespace {
            Namespace::Mount => {
                Err(read.error("a jail with mounts of its own cannot share the mount namespace"))
            }
            Namespace::Cgroup
            | Namespace::Ipc
            | Namespace::Net
            | Namespace::Pid
            | Namespace::User
            | Namespace::Uts => {
                self.namespaces.remove(&namespace);
                Ok(())
            }
        }
    }
}

/// State is created before it is bound, so a missing one is an error like any other.
fn state_bind(from: HostText, to: HostText, by: String) -> Step<InsideOp> {
    Step::new(
        by,
        InsideOp::Bind(Bind { from, to, access: Access::ReadWrite, missing: Missing::Fail }),
    )
}

fn argument(read: Reader<'_>, word: &jail_policy::Argument) -> Result<Argument, SealError> {
    match word {
        jail_policy::Argument::Text(text) => Ok(Argument::Text(read.host(text)?)),
        jail_policy::Argument::All => Ok(Argument::All),
    }
}
