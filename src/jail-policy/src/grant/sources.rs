//! Which places of the host a grant opens. The `match` is complete: a new kind of grant does not compile until it has answered.

use super::Grant;
use crate::Text;

impl Grant {
    /// The places of the host that it opens. State is not among them: it is made where nothing is.
    #[must_use]
    pub fn sources(&self) -> Vec<&Text> {
        match self {
            Self::Bind { from, .. } | Self::Copy { from, .. } | Self::DeepBind { from, .. } => {
                vec![from]
            }
            Self::Overlay { lower, writes: _, to: _ } => lower.iter().collect(),
            Self::Reach { path, .. } => vec![path],
            Self::Program { .. }
            | Self::Filter { .. }
            | Self::Arguments { .. }
            | Self::Folder { .. }
            | Self::StateDirectory { .. }
            | Self::StateFile { .. }
            | Self::StateLink { .. }
            | Self::FolderState { .. }
            | Self::Tmpfs { .. }
            | Self::Proc { .. }
            | Self::Dev { .. }
            | Self::Directory { .. }
            | Self::File { .. }
            | Self::Symlink { .. }
            | Self::Accounts { .. }
            | Self::GitIdentity { .. }
            | Self::SetEnv { .. }
            | Self::DevShell { .. }
            | Self::AddPath { .. }
            | Self::RemountReadOnly { .. }
            | Self::Queues { .. }
            | Self::StartIn { .. }
            | Self::HostScript { .. }
            | Self::Channel { .. }
            | Self::OpenUrls
            | Self::HomeAsFolder
            | Self::Worktree
            | Self::BindArguments { .. }
            | Self::BindVariable { .. }
            | Self::Session { .. }
            | Self::Bus { .. }
            | Self::Store { .. }
            | Self::ForwardEnv { .. }
            | Self::UnsetEnv { .. }
            | Self::Hostname { .. }
            | Self::TimeZone { .. }
            | Self::ShareNamespace { .. }
            | Self::HostNetwork
            | Self::Network(_)
            | Self::Cage { .. }
            | Self::Ports { .. }
            | Self::SystemCalls { .. }
            | Self::CallRules { .. }
            | Self::NestedSandbox
            | Self::Wall { .. }
            | Self::LandlockAbi { .. }
            | Self::Terminal { .. }
            | Self::Lifetime { .. }
            | Self::Limit { .. }
            | Self::BestEffort
            | Self::ShownId { .. }
            | Self::DedicatedUser { .. } => Vec::new(),
        }
    }
}
