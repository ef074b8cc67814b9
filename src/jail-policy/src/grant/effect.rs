//! What each grant does, in one row: what of the host it uses, and what it puts where in the jail.
//! What is asked before a build, what is dangerous, what is shown and what a later grant covers are
//! all decided by these answers and not by the grants, so a new grant answers here.

use super::{Grant, NetworkGrant, Scope, Secret, SecretTo, Writes};
use crate::{Access, Missing, Namespace, Reach, Service, Terminal, Text};

/// What of the host a grant uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostUse<'a> {
    /// Nothing: it is about the jail's own, or removes something.
    Nothing,
    /// What is at a path.
    Path {
        /// The path of the host.
        from: &'a Text,
        /// What may be done there.
        access: Access,
        /// What to do when it is missing.
        missing: Missing,
    },
    /// A tree, read-only, with the targets of its links.
    Tree {
        /// The path of the host.
        from: &'a Text,
        /// What to do when it is missing.
        missing: Missing,
    },
    /// What a file holds at launch.
    Copied {
        /// The path of the host.
        from: &'a Text,
        /// What to do when it is missing.
        missing: Missing,
    },
    /// A folder that is made where it is missing, and may be written.
    State(&'a Text),
    /// A file that may be missing, and may be written and replaced.
    StateFile(&'a Text),
    /// The same below this path, with a folder for each working folder.
    FolderState(&'a Text),
    /// A link that is made if nothing is there.
    Link,
    /// Folders over each other.
    Layers {
        /// The folders that are not written to.
        lower: &'a [Text],
        /// Where writes go.
        writes: &'a Writes,
    },
    /// In a cage: everything beneath a place.
    Beneath {
        /// The path of the place.
        path: &'a Text,
        /// What may be done there.
        reach: Reach,
        /// What to do when it is missing.
        missing: Missing,
    },
    /// The folder that the wrapper is started in.
    Folder {
        /// What may be done there.
        access: Access,
        /// Where it is in the jail, or which one it is for a cage.
        to: Option<&'a Text>,
    },
    /// The home folder, if the wrapper is started there.
    Home,
    /// The repository of the working folder, for writing.
    Repository,
    /// The paths among the wrapper's arguments.
    Arguments(Access),
    /// The paths in a variable.
    Variable {
        /// The name of the variable.
        variable: &'a str,
        /// What may be done there.
        access: Access,
    },
    /// The name and the address in the user's configuration of git.
    Identity,
    /// Something of the user's session.
    Session(Service),
    /// A message bus, through a proxy that lets only the named messages through.
    Bus,
    /// The Nix store, read-only.
    Store(Scope),
    /// The value of a variable.
    Value(&'a str),
    /// A namespace that the jail shares with the host.
    Namespace(Namespace),
    /// All of the host's network.
    Network,
    /// What a broker outside carries of the network.
    ByName(&'a NetworkGrant),
    /// In a cage: ports of the network.
    Ports {
        /// Those that may be connected to.
        connect: &'a [u16],
        /// Those that may be bound.
        bind: &'a [u16],
    },
    /// All of the host, as far as Landlock rules allow.
    Cage {
        /// Whether sockets for datagrams can be made.
        datagrams: bool,
    },
    /// System calls that may exceed what every jail has.
    Calls(&'a [String]),
    /// The launcher's own terminal.
    Terminal,
    /// A script runs there.
    Script,
    /// A program inside has a script run there.
    Channel(&'a str),
    /// The user's browser.
    Browser,
}

/// What one grant uses of the host, and where it appears in the jail.
struct Effect<'a> {
    host: HostUse<'a>,
    /// The place in the jail that it is about.
    target: Option<&'a Text>,
    /// Whether something is there in any case, whatever the host has at launch.
    certain: bool,
}

impl<'a> Effect<'a> {
    /// It puts something here, if it can.
    fn at(self, target: &'a Text) -> Self {
        Self { target: Some(target), ..self }
    }

    /// It puts something here, or the launch stops.
    fn surely_at(self, target: &'a Text) -> Self {
        Self { target: Some(target), certain: true, ..self }
    }

    fn at_if_there(self, target: &'a Text, missing: Missing) -> Self {
        match missing {
            Missing::Fail => self.surely_at(target),
            Missing::Skip => self.at(target),
        }
    }
}

impl Grant {
    /// What of the host it uses.
    #[must_use]
    pub fn host_use(&self) -> HostUse<'_> {
        self.effect().host
    }

    /// The place in the jail that it is about, if there is one that is known before the launch.
    #[must_use]
    pub fn target(&self) -> Option<&Text> {
        self.effect().target
    }

    /// Whether it is certain to put something at its place, whatever the host has at launch.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.effect().certain
    }

    /// The places of the host that it opens. State is not included: it is made where nothing is.
    #[must_use]
    pub fn sources(&self) -> Vec<&Text> {
        match self.host_use() {
            HostUse::Path { from, .. }
            | HostUse::Tree { from, .. }
            | HostUse::Copied { from, .. }
            | HostUse::Beneath { path: from, .. } => vec![from],
            HostUse::Layers { lower, writes: _ } => lower.iter().collect(),
            HostUse::Nothing
            | HostUse::State(_)
            | HostUse::StateFile(_)
            | HostUse::FolderState(_)
            | HostUse::Link
            | HostUse::Folder { .. }
            | HostUse::Home
            | HostUse::Repository
            | HostUse::Arguments(_)
            | HostUse::Variable { .. }
            | HostUse::Identity
            | HostUse::Session(_)
            | HostUse::Bus
            | HostUse::Store(_)
            | HostUse::Value(_)
            | HostUse::Namespace(_)
            | HostUse::Network
            | HostUse::ByName(_)
            | HostUse::Ports { .. }
            | HostUse::Cage { .. }
            | HostUse::Calls(_)
            | HostUse::Terminal
            | HostUse::Script
            | HostUse::Channel(_)
            | HostUse::Browser => Vec::new(),
        }
    }

    /// The table, and the only place that distinguishes all grants by what they give.
    fn effect(&self) -> Effect<'_> {
        let uses = |host| Effect { host, target: None, certain: false };
        let own = || uses(HostUse::Nothing);
        match self {
            Self::Bind { from, to, access, missing } => {
                uses(HostUse::Path { from, access: *access, missing: *missing })
                    .at_if_there(to, *missing)
            }
            Self::DeepBind { from, missing } => {
                uses(HostUse::Tree { from, missing: *missing }).at_if_there(from, *missing)
            }
            Self::Copy { from, to, append: _, missing } => {
                uses(HostUse::Copied { from, missing: *missing }).at_if_there(to, *missing)
            }
            Self::StateDirectory { path, to } => uses(HostUse::State(path)).surely_at(to),
            Self::StateFile { path, to } => uses(HostUse::StateFile(path)).surely_at(to),
            Self::FolderState { path, to } => uses(HostUse::FolderState(path)).surely_at(to),
            Self::StateLink { .. } => uses(HostUse::Link),
            Self::Overlay { lower, writes, to } => {
                uses(HostUse::Layers { lower, writes }).surely_at(to)
            }
            Self::Reach { path, reach, missing } => {
                uses(HostUse::Beneath { path, reach: *reach, missing: *missing })
            }
            Self::Folder { access, to, stage } => {
                // Of the host's own folder a stage only reads.
                let access = if stage.is_some() { Access::ReadOnly } else { *access };
                let to = to.as_ref();
                Effect { target: to, ..uses(HostUse::Folder { access, to }) }
            }
            Self::HomeAsFolder => uses(HostUse::Home),
            Self::Worktree => uses(HostUse::Repository),
            Self::BindArguments { access } => uses(HostUse::Arguments(*access)),
            Self::BindVariable { variable, separator: _, access } => {
                uses(HostUse::Variable { variable, access: *access })
            }
            Self::GitIdentity { to } => uses(HostUse::Identity).at(to),
            Self::Session { service } => uses(HostUse::Session(*service)),
            Self::Bus { .. } => uses(HostUse::Bus),
            Self::Store { scope } => uses(HostUse::Store(*scope)),
            Self::ForwardEnv { name, .. } => uses(HostUse::Value(name)),
            Self::ShareNamespace { namespace } => uses(HostUse::Namespace(*namespace)),
            Self::HostNetwork => uses(HostUse::Network),
            Self::Network(grant) => {
                Effect { target: of_network(grant), ..uses(HostUse::ByName(grant)) }
            }
            Self::Ports { connect, bind } => uses(HostUse::Ports { connect, bind }),
            Self::Cage { alias: _, datagrams } => uses(HostUse::Cage { datagrams: *datagrams }),
            Self::CallRules { allow, .. } => uses(HostUse::Calls(allow)),
            Self::Terminal { terminal: Terminal::Shared } => uses(HostUse::Terminal),
            Self::HostScript { .. } => uses(HostUse::Script),
            Self::Channel { name, .. } => uses(HostUse::Channel(name)),
            Self::OpenUrls => uses(HostUse::Browser),
            Self::Tmpfs { to, .. }
            | Self::Proc { to }
            | Self::Dev { to }
            | Self::File { to, .. }
            | Self::Symlink { to, .. }
            | Self::MachineId { to }
            | Self::Queues { to } => own().surely_at(to),
            // If a folder is there already, it changes nothing.
            Self::Directory { to, .. } => own().at(to),
            Self::Program { .. }
            | Self::Arguments { .. }
            // They qualify the grant of the working folder, and give nothing without one.
            | Self::Project
            | Self::Git { .. }
            | Self::Mask { .. }
            // It qualifies the grant of the folder.
            | Self::PrivateCopies { .. }
            | Self::FollowLinks
            | Self::StartIn { .. }
            | Self::Accounts { .. }
            | Self::RemountReadOnly { .. }
            | Self::LoginProfile { .. }
            | Self::SetEnv { .. }
            | Self::DevShell { .. }
            | Self::UnsetEnv { .. }
            | Self::AddPath { .. }
            | Self::Hostname { .. }
            | Self::TimeZone { .. }
            | Self::SystemCalls { .. }
            | Self::Filter { .. }
            | Self::NestedSandbox
            | Self::Wall { .. }
            | Self::LandlockAbi { .. }
            | Self::Terminal { terminal: Terminal::Keep | Terminal::NewSession }
            | Self::TerminalFilter
            | Self::Quarantine
            | Self::Protect { .. }
            | Self::Lifetime { .. }
            | Self::Limit { .. }
            | Self::BestEffort
            | Self::ShownId { .. }
            | Self::DedicatedUser { .. } => own(),
        }
    }
}

/// The place where a part of the network by name puts something.
fn of_network(grant: &NetworkGrant) -> Option<&Text> {
    match grant {
        NetworkGrant::Secret(Secret { to: SecretTo::File(path), .. }) => Some(path),
        NetworkGrant::Secret(Secret { to: SecretTo::Variable(_), .. })
        | NetworkGrant::Host { .. }
        | NetworkGrant::Internet { .. }
        | NetworkGrant::Resolvers { .. }
        | NetworkGrant::Proxy
        | NetworkGrant::Upstream { .. }
        | NetworkGrant::HostPort { .. }
        | NetworkGrant::Exposed { .. }
        | NetworkGrant::Ask { .. }
        | NetworkGrant::Requests { .. }
        // Below whatever the spec puts anywhere.
        | NetworkGrant::SecretSocket(_)
        | NetworkGrant::Authorities { .. } => None,
    }
}
