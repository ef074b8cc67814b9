//! Which grants are worth a question before a spec is built for the first time: those that reach
//! further than the folder that the jail is started in, which its user chooses.

use crate::danger::is_secret;
use crate::exposure::{Exposure, Severity, exposures, given};
use crate::grant::{
    Grant, HostUse, NetworkGrant, Secret, SecretSocket, SecretSource, UpstreamProxy, Writes,
};
use crate::policy::Entry;
use crate::{Access, Namespace, Reach, Service};

/// Why a grant is worth a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Something runs on the host, or can be started there from inside.
    RunsOnHost,
    /// Something of the host outside the working folder can be changed.
    WritesOutside,
    /// What is most valuable can be read or used: keys, tokens, the home folder,
    /// what is typed, the camera.
    Exposes,
    /// The combinator is called `unsafe-…`: no check looks at what it adds.
    Unsafe,
}

impl Concern {
    /// The concern in words, as an approval asks about it.
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

/// The reason why an entry is worth a question, if it is.
#[must_use]
pub fn concern(entry: &Entry) -> Option<Concern> {
    if entry.by.combinator.starts_with("unsafe-") {
        return Some(Concern::Unsafe);
    }
    of_grant(&entry.grant).or_else(|| exposes(&entry.grant).then_some(Concern::Exposes))
}

/// With a network, whatever can be read once can be sent away.
fn exposes(grant: &Grant) -> bool {
    match grant.host_use() {
        HostUse::Terminal => true,
        HostUse::Value(name) => is_secret(name),
        HostUse::Namespace(namespace) => match namespace {
            Namespace::Pid | Namespace::User | Namespace::Ipc => true,
            Namespace::Cgroup | Namespace::Mount | Namespace::Net | Namespace::Uts => false,
        },
        HostUse::Session(service) => {
            matches!(service, Service::SshAgent | Service::GpgAgent | Service::Camera)
        }
        // Every cage may read it; the processes in it are the host's, and Landlock keeps others out
        // of them.
        HostUse::Beneath { path, reach: Reach::Ro, .. } if path.as_str() == Some("/proc") => false,
        HostUse::Path { .. }
        | HostUse::Tree { .. }
        | HostUse::Copied { .. }
        | HostUse::State(_)
        | HostUse::StateFile(_)
        | HostUse::FolderState(_)
        | HostUse::Layers { .. }
        | HostUse::Beneath { .. }
        | HostUse::Variable { .. } => {
            let is_bad = |exposure: &Exposure| exposure.severity <= Severity::High;
            given(grant).iter().any(|(place, access)| exposures(place, *access).iter().any(is_bad))
        }
        HostUse::ByName(grant) => hands_over(grant),
        HostUse::Nothing
        | HostUse::Link
        | HostUse::Folder { .. }
        | HostUse::Home
        | HostUse::Repository
        | HostUse::Arguments(_)
        | HostUse::Identity
        | HostUse::Bus
        | HostUse::Store(_)
        | HostUse::Network
        | HostUse::Ports { .. }
        | HostUse::Cage { .. }
        | HostUse::Calls(_)
        | HostUse::Script
        | HostUse::Channel(_)
        | HostUse::Browser => false,
    }
}

/// Whether something of the user's is sent to a host of the spec's own choosing: what is read there
/// for a login may be any file.
fn hands_over(grant: &NetworkGrant) -> bool {
    match grant {
        NetworkGrant::Upstream { proxy: UpstreamProxy::At { credentials, .. } } => {
            credentials.is_some()
        }
        // Its value is a name that is looked up.
        NetworkGrant::Upstream { proxy: UpstreamProxy::Variable { name } } => is_secret(name),
        NetworkGrant::Secret(_) | NetworkGrant::SecretSocket(_) => true,
        NetworkGrant::Host { .. }
        | NetworkGrant::Internet { .. }
        | NetworkGrant::Resolvers { .. }
        | NetworkGrant::Proxy
        | NetworkGrant::HostPort { .. }
        | NetworkGrant::Exposed { .. }
        | NetworkGrant::Ask { .. }
        | NetworkGrant::Requests { .. }
        | NetworkGrant::Authorities { .. } => false,
    }
}

fn of_grant(grant: &Grant) -> Option<Concern> {
    match grant.host_use() {
        HostUse::Script | HostUse::Channel(_) | HostUse::Browser | HostUse::Bus => {
            Some(Concern::RunsOnHost)
        }
        HostUse::Session(service) => of_service(service),
        HostUse::Namespace(namespace) => of_namespace(namespace),
        HostUse::Path { access, .. }
        | HostUse::Arguments(access)
        | HostUse::Variable { access, .. } => of_access(access),
        HostUse::ByName(grant) => of_network(grant),
        HostUse::Beneath { reach, .. } => of_reach(reach),
        HostUse::Layers { writes, .. } => match writes {
            Writes::Kept { .. } => Some(Concern::WritesOutside),
            Writes::Refused | Writes::Memory => None,
        },
        HostUse::State(_)
        | HostUse::StateFile(_)
        | HostUse::FolderState(_)
        | HostUse::Link
        // What the worktrees of a repository share is next to the working folder.
        | HostUse::Repository
        // All of the home folder, where the jail is started in it.
        | HostUse::Home => Some(Concern::WritesOutside),
        HostUse::Nothing
        | HostUse::Tree { .. }
        | HostUse::Copied { .. }
        | HostUse::Folder { .. }
        | HostUse::Identity
        | HostUse::Store(_)
        | HostUse::Value(_)
        | HostUse::Network
        | HostUse::Ports { .. }
        | HostUse::Cage { .. }
        | HostUse::Calls(_)
        | HostUse::Terminal => None,
    }
}

/// A command of the spec's own answers, and so it may print a secret. Where a jail may connect to
/// is its network, as `network` is.
fn of_network(grant: &NetworkGrant) -> Option<Concern> {
    match grant {
        NetworkGrant::Ask { command, .. } => (!command.is_empty()).then_some(Concern::RunsOnHost),
        NetworkGrant::Secret(Secret { from, .. })
        | NetworkGrant::SecretSocket(SecretSocket { from, .. }) => match from {
            SecretSource::Command(_) => Some(Concern::RunsOnHost),
            SecretSource::File(_) | SecretSource::Variable(_) | SecretSource::Keyring(_) => None,
        },
        NetworkGrant::Host { .. }
        | NetworkGrant::Internet { .. }
        | NetworkGrant::Resolvers { .. }
        | NetworkGrant::Proxy
        | NetworkGrant::Upstream { .. }
        | NetworkGrant::HostPort { .. }
        | NetworkGrant::Exposed { .. }
        | NetworkGrant::Requests { .. }
        | NetworkGrant::Authorities { .. } => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::ProxyCredentials;
    use crate::{Origin, Text};

    fn concern_about(grant: NetworkGrant) -> Option<Concern> {
        let by = Origin { combinator: "upstream-proxy".into(), index: 1 };
        concern(&Entry { by, grant: Grant::Network(grant) })
    }

    #[test]
    fn what_a_proxy_is_sent_of_the_users_is_asked_about_and_a_proxy_alone_is_not() {
        let at = |credentials| NetworkGrant::Upstream {
            proxy: UpstreamProxy::At {
                host: "a.example".into(),
                port: 3128,
                tls: false,
                credentials,
            },
        };
        let named = |name: &str| NetworkGrant::Upstream {
            proxy: UpstreamProxy::Variable { name: name.into() },
        };
        let file = ProxyCredentials::File { path: Text::expanded("~/.ssh/id_ed25519") };
        let variable = ProxyCredentials::Variable { name: "LOGIN".into() };
        assert_eq!(concern_about(at(Some(file))), Some(Concern::Exposes));
        assert_eq!(concern_about(at(Some(variable))), Some(Concern::Exposes));
        assert_eq!(concern_about(named("GITHUB_TOKEN")), Some(Concern::Exposes));
        assert_eq!(concern_about(at(None)), None);
        assert_eq!(concern_about(named("HTTPS_PROXY")), None);
    }
}
