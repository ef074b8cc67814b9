//! Which grants are worth a question before a spec is built for the first time: those that reach further than the folder that
//! the jail is started in, which its user chooses.

use crate::danger::is_secret;
use crate::exposure::{Exposure, Severity, exposures, given};
use crate::grant::{Grant, NetworkGrant, Writes};
use crate::policy::Entry;
use crate::{Access, Namespace, Reach, Service, Terminal};

/// Why a grant is worth a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Something runs on the host, or can be started there from inside.
    RunsOnHost,
    /// Something of the host outside the working folder can be changed.
    WritesOutside,
    /// What is worth most can be read or used: keys, tokens, the home folder, what is typed, the camera.
    Exposes,
    /// The combinator is called `unsafe-…`: what it adds is not looked at.
    Unsafe,
}

impl Concern {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RunsOnHost => "on the host",
            Self::WritesOutside => "outside the working folder",
            Self::Exposes => "what is yours",
            Self::Unsafe => "not safe",
        }
    }
}

/// Why an entry is worth a question, if it is.
#[must_use]
pub fn concern(entry: &Entry) -> Option<Concern> {
    if entry.by.combinator.starts_with("unsafe-") {
        return Some(Concern::Unsafe);
    }
    of_grant(&entry.grant).or_else(|| exposes(&entry.grant).then_some(Concern::Exposes))
}

/// With a network, what can be read once is somebody else's.
fn exposes(grant: &Grant) -> bool {
    match grant {
        Grant::Terminal { terminal: Terminal::Shared } => true,
        Grant::ForwardEnv { name, .. } => is_secret(name),
        Grant::ShareNamespace { namespace } => match namespace {
            Namespace::Pid | Namespace::User | Namespace::Ipc => true,
            Namespace::Cgroup | Namespace::Mount | Namespace::Net | Namespace::Uts => false,
        },
        Grant::Session { service } => {
            matches!(service, Service::SshAgent | Service::GpgAgent | Service::Camera)
        }
        // Every cage may read it; the processes in it are the host's, and Landlock keeps others out of them.
        Grant::Reach { path, reach: Reach::Ro, .. } if path.as_str() == Some("/proc") => false,
        grant => {
            let is_bad = |exposure: &Exposure| exposure.severity <= Severity::High;
            given(grant).iter().any(|(place, access)| exposures(place, *access).iter().any(is_bad))
        }
    }
}

fn of_grant(grant: &Grant) -> Option<Concern> {
    match grant {
        Grant::HostScript { .. } | Grant::Channel { .. } | Grant::OpenUrls | Grant::Bus { .. } => {
            Some(Concern::RunsOnHost)
        }
        Grant::Session { service } => of_service(*service),
        Grant::ShareNamespace { namespace } => of_namespace(*namespace),
        Grant::Bind { access, .. }
        | Grant::BindArguments { access }
        | Grant::BindVariable { access, .. } => of_access(*access),
        Grant::Reach { reach, .. } => of_reach(*reach),
        Grant::Network(grant) => of_network(grant),
        Grant::Overlay { writes, .. } => match writes {
            Writes::Kept { .. } => Some(Concern::WritesOutside),
            Writes::Refused | Writes::Memory => None,
        },
        Grant::StateDirectory { .. }
        | Grant::StateFile { .. }
        | Grant::FolderState { .. }
        | Grant::StateLink { .. }
        // What the worktrees of a repository share lies beside the working folder.
        | Grant::Worktree
        // All of the home folder, where the jail is started in it.
        | Grant::HomeAsFolder => Some(Concern::WritesOutside),
        Grant::Program { .. }
        | Grant::Arguments { .. }
        | Grant::Folder { .. }
        | Grant::DeepBind { .. }
        | Grant::Store { .. }
        | Grant::Tmpfs { .. }
        | Grant::Proc { .. }
        | Grant::Dev { .. }
        | Grant::Directory { .. }
        | Grant::File { .. }
        | Grant::Copy { .. }
        | Grant::Symlink { .. }
        | Grant::Accounts { .. }
        | Grant::GitIdentity { .. }
        | Grant::RemountReadOnly { .. }
        | Grant::Queues { .. }
        | Grant::StartIn { .. }
        | Grant::SetEnv { .. }
        | Grant::DevShell { .. }
        | Grant::ForwardEnv { .. }
        | Grant::UnsetEnv { .. }
        | Grant::AddPath { .. }
        | Grant::Hostname { .. }
        | Grant::TimeZone { .. }
        | Grant::HostNetwork
        | Grant::Cage { .. }
        | Grant::Ports { .. }
        | Grant::SystemCalls { .. }
        | Grant::CallRules { .. }
        | Grant::Filter { .. }
        | Grant::NestedSandbox
        | Grant::Wall { .. }
        | Grant::LandlockAbi { .. }
        | Grant::Terminal { .. }
        | Grant::Lifetime { .. }
        | Grant::Limit { .. }
        | Grant::BestEffort
        | Grant::ShownId { .. }
        | Grant::DedicatedUser { .. } => None,
    }
}

/// Who is asked is a command of the spec's own. Where a jail may connect to is its network, as `network` is.
fn of_network(grant: &NetworkGrant) -> Option<Concern> {
    match grant {
        NetworkGrant::Ask { command, .. } => (!command.is_empty()).then_some(Concern::RunsOnHost),
        NetworkGrant::Host { .. }
        | NetworkGrant::Internet { .. }
        | NetworkGrant::Resolvers { .. }
        | NetworkGrant::Proxy
        | NetworkGrant::Upstream { .. }
        | NetworkGrant::HostPort { .. }
        | NetworkGrant::Exposed { .. } => None,
    }
}

/// Through these a jail has programs started, or keys typed, outside.
fn of_service(service: Service) -> Option<Concern> {
    match service {
        Service::X11
        | Service::NixDaemon
        | Service::SessionBus
        | Service::SystemBus
        | Service::FilteredSessionBus
        | Service::FilteredSystemBus => Some(Concern::RunsOnHost),
        Service::Wayland
        | Service::Pulse
        | Service::Pipewire
        | Service::SshAgent
        | Service::GpgAgent
        | Service::Gpu
        | Service::Camera => None,
    }
}

/// With the host's mounts a jail has the host's view of its files.
fn of_namespace(namespace: Namespace) -> Option<Concern> {
    match namespace {
        Namespace::Mount => Some(Concern::WritesOutside),
        Namespace::Cgroup
        | Namespace::Ipc
        | Namespace::Net
        | Namespace::Pid
        | Namespace::User
        | Namespace::Uts => None,
    }
}

fn of_access(access: Access) -> Option<Concern> {
    match access {
        Access::ReadOnly => None,
        Access::ReadWrite | Access::Device => Some(Concern::WritesOutside),
    }
}

fn of_reach(reach: Reach) -> Option<Concern> {
    match reach {
        Reach::Ro | Reach::Rox => None,
        Reach::Rw | Reach::Rwx | Reach::Device => Some(Concern::WritesOutside),
    }
}
