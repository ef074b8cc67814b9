//! Which place in the jail a grant is about. The `match` is complete: a new kind of grant does not compile until it has answered.

use super::Grant;
use crate::Text;

impl Grant {
    /// The place in the jail that it is about, where it is one and known before the launch.
    #[must_use]
    pub fn target(&self) -> Option<&Text> {
        match self {
            Self::Bind { to, .. }
            | Self::StateDirectory { to, .. }
            | Self::StateFile { to, .. }
            | Self::FolderState { to, .. }
            | Self::DeepBind { from: to, .. }
            | Self::Overlay { to, .. }
            | Self::Tmpfs { to, .. }
            | Self::Proc { to }
            | Self::Dev { to }
            | Self::Directory { to, .. }
            | Self::File { to, .. }
            | Self::Copy { to, .. }
            | Self::Symlink { to, .. }
            | Self::GitIdentity { to }
            | Self::Queues { to } => Some(to),
            Self::Folder { to, .. } => to.as_ref(),
            Self::Program { .. }
            | Self::Arguments { .. }
            | Self::RemountReadOnly { .. }
            | Self::HostScript { .. }
            | Self::Channel { .. }
            | Self::OpenUrls
            | Self::StartIn { .. }
            | Self::HomeAsFolder
            | Self::Worktree
            | Self::BindArguments { .. }
            | Self::BindVariable { .. }
            | Self::Session { .. }
            | Self::Bus { .. }
            | Self::Store { .. }
            | Self::Accounts { .. }
            | Self::SetEnv { .. }
            | Self::DevShell { .. }
            | Self::ForwardEnv { .. }
            | Self::UnsetEnv { .. }
            | Self::AddPath { .. }
            | Self::Hostname { .. }
            | Self::TimeZone { .. }
            | Self::ShareNamespace { .. }
            | Self::HostNetwork
            | Self::Network(_)
            | Self::Cage { .. }
            | Self::Reach { .. }
            | Self::StateLink { .. }
            | Self::Ports { .. }
            | Self::SystemCalls { .. }
            | Self::Filter { .. }
            | Self::CallRules { .. }
            | Self::NestedSandbox
            | Self::Wall { .. }
            | Self::LandlockAbi { .. }
            | Self::Terminal { .. }
            | Self::Lifetime { .. }
            | Self::Limit { .. }
            | Self::BestEffort
            | Self::ShownId { .. }
            | Self::DedicatedUser { .. } => None,
        }
    }
}
