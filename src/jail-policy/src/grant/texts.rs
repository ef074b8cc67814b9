//! The texts of a grant: those that may name packages, and those that are expanded at launch.

use super::{Argument, Grant};
use crate::text::Text;

impl Grant {
    /// All its texts.
    pub fn texts_mut(&mut self) -> Vec<&mut Text> {
        match self {
            Self::Program { path: text }
            | Self::Filter { path: text }
            | Self::Tmpfs { to: text, .. }
            | Self::Proc { to: text }
            | Self::Dev { to: text }
            | Self::Directory { to: text, .. }
            | Self::Accounts { shell: text }
            | Self::GitIdentity { to: text }
            | Self::LoginProfile { to: text }
            | Self::MachineId { to: text }
            | Self::DeepBind { from: text, .. }
            | Self::Bus { proxy: text, .. }
            | Self::RemountReadOnly { to: text }
            | Self::Queues { to: text }
            | Self::StartIn { path: text }
            | Self::SetEnv { value: text, .. }
            | Self::DevShell { environment: text }
            | Self::AddPath { folder: text } => vec![text],
            Self::Reach { path, .. } => vec![path],
            Self::PrivateCopies { folder, .. } => vec![folder],
            Self::Network(grant) => grant.texts_mut(),
            Self::Overlay { lower, writes, to } => {
                lower.iter_mut().chain(writes.texts_mut()).chain([to]).collect()
            }
            Self::Bind { from: one, to: other, .. }
            | Self::StateLink { path: one, to: other }
            | Self::StateDirectory { path: one, to: other }
            | Self::StateFile { path: one, to: other }
            | Self::FolderState { path: one, to: other }
            | Self::File { to: one, content: other, .. }
            | Self::Copy { from: one, to: other, .. }
            | Self::Symlink { to: one, target: other }
            | Self::HostScript { script: one, shell: other, .. }
            | Self::Channel { script: one, shell: other, .. } => vec![one, other],
            Self::Arguments { words } => words.iter_mut().filter_map(Argument::text_mut).collect(),
            Self::Folder { to, .. } => to.iter_mut().collect(),
            Self::HomeAsFolder
            | Self::Worktree
            | Self::FollowLinks
            | Self::Project
            | Self::Git { .. }
            | Self::Mask { .. }
            | Self::OpenUrls
            | Self::TerminalFilter
            | Self::Quarantine
            | Self::Protect { .. }
            | Self::BindArguments { .. }
            | Self::BindVariable { .. }
            | Self::Session { .. }
            | Self::Store { .. }
            | Self::ForwardEnv { .. }
            | Self::UnsetEnv { .. }
            | Self::Hostname { .. }
            | Self::TimeZone { .. }
            | Self::ShareNamespace { .. }
            | Self::HostNetwork
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

    /// The same with resolved packages as characters. Symbolic ones stay.
    #[must_use]
    pub fn resolved(mut self) -> Self {
        for text in self.texts_mut() {
            *text = text.resolved();
        }
        self
    }
}
