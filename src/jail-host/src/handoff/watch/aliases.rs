//! Symbolic links that were there when the jail was started: `.vscode` may lead to a folder whose
//! own name says nothing. What they lead to is protected under the link's name.

use super::events::joined;
use crate::handoff::place::{Place, split, target};

/// More links are not followed.
const LINKS_MAX: usize = 64;
/// Nor does one lead through more others.
const STEPS_MAX: usize = 8;

/// Where links lead, and the names that they have.
#[derive(Debug, Default)]
pub(super) struct Aliases(Vec<(Vec<u8>, Vec<u8>)>);

impl Aliases {
    /// Takes in a link at a path: the places in the project that it leads to, the last of which may
    /// be missing.
    pub(super) fn add(&mut self, place: &Place, link: &[u8]) -> Vec<Vec<u8>> {
        let mut places = Vec::new();
        let mut at = link.to_vec();
        while self.0.len() < LINKS_MAX && places.len() < STEPS_MAX {
            let to = place.parent(&at).and_then(|(folder, name)| target(&folder, name));
            let Some(next) = to.ok().and_then(|to| below(place, split(&at).0, &to)) else { break };
            self.0.push((next.clone(), link.to_vec()));
            places.push(next.clone());
            at = next;
        }
        places
    }

    /// Whether a link leads to this very place.
    pub(super) fn is_end(&self, path: &[u8]) -> bool {
        self.0.iter().any(|(end, _)| end == path)
    }

    /// The other names of a path.
    pub(super) fn names(&self, path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        self.0.iter().filter_map(|(end, link)| match path.strip_prefix(end.as_slice())? {
            [] => Some(link.clone()),
            [b'/', rest @ ..] => Some(joined(link, rest)),
            [..] => None,
        })
    }
}

/// Where a link in a folder leads, as a path below the project; nothing, where that is elsewhere,
/// the project itself or in `.git`.
fn below(place: &Place, folder: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let (mut names, rest): (Vec<&[u8]>, &[u8]) = match target.strip_prefix(b"/") {
        Some(_) => (Vec::new(), target.strip_prefix(place.path.as_slice())?.strip_prefix(b"/")?),
        None => (folder.split(|byte| *byte == b'/').filter(|it| !it.is_empty()).collect(), target),
    };
    for name in rest.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    let first = names.first().filter(|first| **first != b".git");
    first.is_some().then(|| names.join(b"/".as_slice()))
}
