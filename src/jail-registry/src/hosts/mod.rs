//! Known hosts in groups: in a spec, `"@npm"` means the hosts of the npm registry, and
//! `"@claude-code"` those that Claude Code connects to.
//!
//! `hosts/data.rs` has them, each with the page that documents it. If that page is wrong, a spec
//! can name its hosts itself.

mod data;

pub use data::GROUPS;

use crate::builders::Preset;

/// Hosts that belong together.
#[derive(Clone, Copy, Debug)]
pub struct HostGroup {
    /// Its name, without the `@`.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub summary: &'static str,
    /// The hosts of the group.
    pub hosts: &'static [KnownHost],
    /// Further groups that it includes.
    pub groups: &'static [&'static str],
}

/// A host, and why it is in a group.
#[derive(Clone, Copy, Debug)]
pub struct KnownHost {
    /// The host as `network-allow` takes it: `github.com:22`.
    pub host: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// The page that documents it.
    pub source: &'static str,
}

/// The prefix of the name of a group.
pub const GROUP_MARK: char = '@';

/// The group of this name.
#[must_use]
pub fn group(name: &str) -> Option<&'static HostGroup> {
    GROUPS.iter().find(|group| group.name == name)
}

impl HostGroup {
    /// All its hosts, with those of the groups that it includes.
    pub fn all(&self) -> impl Iterator<Item = &'static KnownHost> {
        let of_groups = self.groups.iter().filter_map(|name| group(name));
        self.hosts.iter().chain(of_groups.flat_map(|group| group.hosts))
    }
}

impl Preset {
    /// The hosts that the agent connects to by itself.
    #[must_use]
    pub fn hosts(&self) -> Option<&'static HostGroup> {
        group(self.package)
    }
}

#[cfg(test)]
mod tests;
