//! The words that an argument is usually one of, for an editor to offer. What an argument may be is
//! decided where it is lowered, from the same tables where there is one.

use crate::builders::{PRESETS, cage};
use crate::hosts::{GROUP_MARK, GROUPS};
use crate::keys::KEYS;
use crate::lower::by_name::PLACES;
use crate::table::{caches, layers, namespaces};

/// A list of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// These.
    Given(&'static [&'static str]),
    /// The packages of the agents.
    Agents,
    /// What happens at a refused system call.
    Answers,
    /// The caches that are known by name.
    Caches,
    /// The lists of system calls.
    CallLists,
    /// The system calls.
    Calls,
    /// The groups of known hosts, and the hosts in them.
    Hosts,
    /// The variables of known keys.
    Keys,
    /// The namespaces that can be shared.
    Namespaces,
    /// The parts of a request.
    Places,
    /// The profiles of cages.
    Profiles,
    /// What Landlock checks.
    Walls,
}

/// A word, and what it stands for where that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word {
    /// The word, as it is between quotes.
    pub text: String,
    /// A few words about it; may be empty.
    pub about: &'static str,
}

impl Words {
    /// All words of the list.
    #[must_use]
    pub fn all(self) -> Vec<Word> {
        match self {
            Self::Given(words) => plain(words.iter().copied()),
            Self::Agents => plain(PRESETS.iter().map(|preset| preset.package)),
            Self::Answers => plain(layers::ANSWERS.iter().map(|(word, _)| *word)),
            Self::Caches => {
                let words = caches::CACHES.iter().map(|cache| word(cache.name, cache.reason));
                words.collect()
            }
            Self::CallLists => plain(layers::BASES.iter().map(|(word, _)| *word)),
            Self::Calls => plain(jail_seccomp::names()),
            Self::Hosts => hosts(),
            Self::Keys => plain(KEYS.iter().map(|key| key.variable)),
            Self::Namespaces => plain(namespaces::NAMES.iter().map(|(word, _)| *word)),
            Self::Places => plain(PLACES.iter().map(|(word, _)| *word)),
            Self::Profiles => plain(cage::PROFILES.iter().map(|profile| profile.name)),
            Self::Walls => plain(layers::WALLS.iter().map(|(word, _)| *word)),
        }
    }
}

fn word(text: impl Into<String>, about: &'static str) -> Word {
    Word { text: text.into(), about }
}

fn plain(words: impl Iterator<Item = &'static str>) -> Vec<Word> {
    let mut words: Vec<_> = words.map(|text| word(text, "")).collect();
    words.sort();
    words.dedup();
    words
}

fn hosts() -> Vec<Word> {
    let groups =
        GROUPS.iter().map(|group| word(format!("{GROUP_MARK}{}", group.name), group.summary));
    let known = GROUPS.iter().flat_map(|group| group.hosts);
    let mut words: Vec<_> =
        groups.chain(known.map(|known| word(known.host, known.purpose))).collect();
    words.sort();
    // A host may be in several groups, each with a purpose of its own.
    words.dedup_by(|second, first| second.text == first.text);
    words
}
