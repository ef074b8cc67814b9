//! The parts of the host that a grant gives by name.

use std::borrow::Cow;

use crate::{Access, Grant, HostUse, Reach, Text, Writes};

/// The places of the host that a grant names, and what may be done there.
#[must_use]
pub fn given(grant: &Grant) -> Vec<(Cow<'_, Text>, Access)> {
    let one = |place, access| vec![(Cow::Borrowed(place), access)];
    match grant.host_use() {
        HostUse::Path { from, access, .. } => one(from, access),
        HostUse::Tree { from, .. } | HostUse::Copied { from, .. } => one(from, Access::ReadOnly),
        HostUse::State(path) | HostUse::StateFile(path) | HostUse::FolderState(path) => {
            one(path, Access::ReadWrite)
        }
        HostUse::Layers { lower, writes } => {
            let lower = lower.iter().map(|folder| (folder, Access::ReadOnly));
            let upper = kept(writes).into_iter().map(|upper| (upper, Access::ReadWrite));
            lower.chain(upper).map(|(place, access)| (Cow::Borrowed(place), access)).collect()
        }
        HostUse::Beneath { path, reach, .. } => one(path, of_reach(reach)),
        // Only the launch knows what most variables contain, but `HOME`, for one, names a place.
        HostUse::Variable { variable, access } => {
            vec![(Cow::Owned(Text::expanded(format!("${variable}"))), access)]
        }
        HostUse::Nothing
        | HostUse::Link
        // Which places these are is the launcher's choice.
        | HostUse::Folder { .. }
        | HostUse::Home
        | HostUse::Repository
        | HostUse::Arguments(_)
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
