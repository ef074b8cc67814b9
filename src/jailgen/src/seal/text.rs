//! From a policy's texts to a plan's: every package must be resolved, and every place absolute.

use jail_plan::{Expansion, HostText, JailPath};
use jail_policy::{Argument, Entry, Grant, Policy, Text};

use super::SealError;

/// Turns the texts of one grant into those of a plan.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) policy: &'a Policy,
    pub(super) entry: &'a Entry,
}

impl Reader<'_> {
    /// A text that is expanded at launch, or used literally.
    pub(super) fn host(self, text: &Text) -> Result<HostText, SealError> {
        let characters = self.characters(text)?;
        if !text.expand {
            return Ok(HostText::Literal(characters.into()));
        }
        Expansion::parse(characters)
            .map(HostText::Expand)
            .map_err(|error| self.error(format!("`{characters}` cannot be expanded: {error}")))
    }

    /// A path, on the host or inside: a literal one must be absolute and without `..`.
    pub(super) fn path(self, text: &Text) -> Result<HostText, SealError> {
        match self.host(text)? {
            HostText::Literal(literal) => match JailPath::parse(&literal) {
                Ok(path) => Ok(HostText::Literal(path.into())),
                Err(error) => {
                    Err(self.error(format!("`{literal}` is not a path in a jail: {error}")))
                }
            },
            expand @ (HostText::Expand(_) | HostText::PerFolder(_)) => Ok(expand),
        }
    }

    /// A text that must be known now.
    pub(super) fn literal(self, text: &Text) -> Result<String, SealError> {
        let characters = self.characters(text)?;
        if text.expand {
            return Err(self.error(format!(
                "`{characters}` must be known when the jail is built, but is expanded at launch"
            )));
        }
        Ok(characters.into())
    }

    pub(super) fn error(self, message: impl Into<String>) -> SealError {
        SealError::at(self.policy, self.entry, message)
    }

    fn characters(self, text: &Text) -> Result<&str, SealError> {
        let characters = text.as_str().ok_or_else(|| {
            self.error(format!("`{text}` has a package that Nix did not resolve"))
        })?;
        if characters.contains('\0') {
            return Err(self.error("a text contains a NUL byte"));
        }
        Ok(characters)
    }
}

/// All texts of a grant, which may name store paths that must exist inside.
pub fn texts(grant: &Grant) -> Vec<&Text> {
    match grant {
        Grant::Program { path } => vec![path],
        // It is read when the jail is built; nothing of it is needed inside.
        Grant::Filter { .. } => Vec::new(),
        Grant::Arguments { words } => words.iter().filter_map(word).collect(),
        Grant::Bind { from, to, .. } | Grant::Copy { from, to, .. } => vec![from, to],
        Grant::Folder { to, .. } => to.iter().collect(),
        Grant::StateDirectory { path, to }
        | Grant::StateFile { path, to }
        | Grant::StateLink { path, to }
        | Grant::FolderState { path, to } => vec![path, to],
        Grant::Reach { path, .. } => vec![path],
        Grant::DeepBind { from, .. } => vec![from],
        Grant::PrivateCopies { folder, .. } => vec![folder],
        Grant::Overlay { lower, to, writes: _ } => lower.iter().chain([to]).collect(),
        Grant::Tmpfs { to, .. }
        | Grant::Proc { to }
        | Grant::Dev { to }
        | Grant::Directory { to, .. } => vec![to],
        Grant::File { to, content, .. } => vec![to, content],
        Grant::Symlink { to, target } => vec![to, target],
        Grant::Accounts { shell } => vec![shell],
        Grant::SetEnv { value, .. } => vec![value],
        Grant::DevShell { environment } => vec![environment],
        Grant::AddPath { folder } => vec![folder],
        Grant::RemountReadOnly { to }
        | Grant::Queues { to }
        | Grant::GitIdentity { to }
        | Grant::LoginProfile { to }
        | Grant::MachineId { to } => vec![to],
        Grant::StartIn { path } => vec![path],
        // These run on the host: what they name is kept by the wrapper, and is not in the jail.
        Grant::HostScript { .. } | Grant::Channel { .. } | Grant::OpenUrls => Vec::new(),
        Grant::HomeAsFolder
        | Grant::Project
        | Grant::Git { .. }
        | Grant::Mask { .. }
        | Grant::Worktree
        | Grant::FollowLinks
        | Grant::BindArguments { .. }
        | Grant::BindVariable { .. }
        | Grant::Session { .. }
        // The proxy runs outside, as does the broker, and what it asks.
        | Grant::Network(_)
        | Grant::Bus { .. }
        | Grant::Store { .. }
        | Grant::ForwardEnv { .. }
        | Grant::UnsetEnv { .. }
        | Grant::Hostname { .. }
        | Grant::TimeZone { .. }
        | Grant::ShareNamespace { .. }
        | Grant::HostNetwork
        | Grant::Cage { .. }
        | Grant::Ports { .. }
        | Grant::SystemCalls { .. }
        | Grant::CallRules { .. }
        | Grant::NestedSandbox
        | Grant::Wall { .. }
        | Grant::LandlockAbi { .. }
        | Grant::Terminal { .. }
        | Grant::TerminalFilter
        | Grant::Quarantine
        | Grant::Protect { .. }
        | Grant::Lifetime { .. }
        | Grant::Limit { .. }
        | Grant::BestEffort
        | Grant::ShownId { .. }
        | Grant::DedicatedUser { .. } => Vec::new(),
    }
}

fn word(argument: &Argument) -> Option<&Text> {
    match argument {
        Argument::Text(text) => Some(text),
        Argument::All => None,
    }
}
