//! What of the host a grant gives by name.

use std::borrow::Cow;

use crate::{Access, Grant, Reach, Text, Writes};

/// The places of the host that a grant names, and what may be done there.
#[must_use]
pub fn given(grant: &Grant) -> Vec<(Cow<'_, Text>, Access)> {
    if let Grant::BindVariable { variable, access, .. } = grant {
        // What most variables hold only the launch knows, but not all: `HOME` names a place.
        return vec![(Cow::Owned(Text::expanded(format!("${variable}"))), *access)];
    }
    named(grant).into_iter().map(|(place, access)| (Cow::Borrowed(place), access)).collect()
}

fn named(grant: &Grant) -> Vec<(&Text, Access)> {
    match grant {
        Grant::Bind { from, access, .. } => vec![(from, *access)],
        Grant::DeepBind { from, .. } | Grant::Copy { from, .. } => vec![(from, Access::ReadOnly)],
        Grant::StateDirectory { path, .. }
        | Grant::StateFile { path, .. }
        | Grant::FolderState { path, .. } => vec![(path, Access::ReadWrite)],
        Grant::Overlay { lower, writes, .. } => {
            let lower = lower.iter().map(|folder| (folder, Access::ReadOnly));
            lower.chain(kept(writes).into_iter().map(|upper| (upper, Access::ReadWrite))).collect()
        }
        Grant::Reach { path, reach, .. } => vec![(path, of_reach(*reach))],
        Grant::Program { .. }
        | Grant::Arguments { .. }
        | Grant::Folder { .. }
        | Grant::HomeAsFolder
        | Grant::Worktree
        | Grant::BindArguments { .. }
        | Grant::BindVariable { .. }
        | Grant::Session { .. }
        | Grant::Bus { .. }
        | Grant::Store { .. }
        | Grant::Tmpfs { .. }
        | Grant::Proc { .. }
        | Grant::Dev { .. }
        | Grant::Directory { .. }
        | Grant::File { .. }
        | Grant::Symlink { .. }
        | Grant::Accounts { .. }
        | Grant::GitIdentity { .. }
        | Grant::RemountReadOnly { .. }
        | Grant::Queues { .. }
        | Grant::HostScript { .. }
        | Grant::Channel { .. }
        | Grant::OpenUrls
        | Grant::StartIn { .. }
        | Grant::SetEnv { .. }
        | Grant::DevShell { .. }
        | Grant::ForwardEnv { .. }
        | Grant::UnsetEnv { .. }
        | Grant::AddPath { .. }
        | Grant::Hostname { .. }
        | Grant::TimeZone { .. }
        | Grant::ShareNamespace { .. }
        | Grant::HostNetwork
        | Grant::Network(_)
        | Grant::Cage { .. }
        | Grant::StateLink { .. }
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
        | Grant::DedicatedUser { .. } => Vec::new(),
    }
}

fn kept(writes: &Writes) -> Option<&Text> {
    match writes {
        Writes::Kept { upper, .. } => Some(upper),
        Writes::Refused | Writes::Memory => None,
    }
}

fn of_reach(reach: Reach) -> Access {
    match reach {
        Reach::Ro | Reach::Rox => Access::ReadOnly,
        Reach::Rw | Reach::Rwx => Access::ReadWrite,
        Reach::Device => Access::Device,
    }
}
