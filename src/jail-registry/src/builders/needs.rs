//! Which packages a builder needs. Nix must know them during evaluation, before
//! the builder is expanded.

use std::collections::BTreeSet;

use super::{Builder, COMMON_JAIL_OPTIONS, COMMON_PKGS, Makes, options};
use crate::table::{BASE_PERMISSIONS, combinator, names};

/// The combinators that a builder applies when an argument is given.
const APPLIES: &[(&str, &[&str])] = &[
    ("allowedHosts", &[names::NETWORK_ALLOW]),
    (names::CACHES, &[names::CACHES]),
    ("configPaths", &[names::STATE_DIR, names::STATE_FILE]),
    ("enableGitWorktrees", &[names::GIT_WORKTREE, names::READWRITE, names::TRY_READONLY]),
    ("enableNix", &[names::NIX_DAEMON]),
    ("enableOpenUrls", &[names::OPEN_URLS_IN_BROWSER]),
    ("env", &[names::SET_ENV]),
    ("extraPkgs", &[names::ADD_PKG_DEPS]),
    ("extraReadonlyDirs", &[names::READONLY]),
    ("extraReadwriteDirs", &[names::READWRITE]),
    ("fwdEnv", &[names::FWD_ENV]),
    ("limits", options::LIMITS),
    ("nixConfigDir", &[names::READONLY, names::READWRITE]),
    ("secrets", &[names::SECRET]),
    ("separateState", &[names::SEPARATE_STATE_DIR, names::SEPARATE_STATE_FILE]),
    ("workspace", &[names::WORKSPACE]),
];

/// The combinators that it applies whatever is given.
const ALWAYS: &[&str] = &[
    names::ADD_PKG_DEPS,
    names::CACHES,
    names::MASK,
    names::PRIVATE_COPIES,
    names::SET_ARGV,
    names::SET_ENV,
    names::STATE_DIR,
    names::STATE_FILE,
];

/// The packages that a builder needs, besides those of its arguments and the agent
/// itself: attributes of nixpkgs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Whatever it is given.
    pub always: Vec<&'static str>,
    /// Unless this argument is given.
    pub unless: Vec<(&'static str, Vec<&'static str>)>,
    /// If this argument is given.
    pub with: Vec<(&'static str, Vec<&'static str>)>,
}

/// What `builder` needs.
#[must_use]
pub fn needs(builder: &Builder) -> Needs {
    if builder.makes == Makes::Cage {
        let always = super::cage::BRINGS.iter().map(|package| package.attribute()).collect();
        return Needs { always, unless: Vec::new(), with: Vec::new() };
    }
    let always = BASE_PERMISSIONS.iter().chain(ALWAYS).copied();
    let options = brought(COMMON_JAIL_OPTIONS.iter().copied());
    let with = APPLIES
        .iter()
        .filter(|(argument, _)| takes(builder, argument))
        .map(|(argument, combinators)| {
            let mut packages = brought(combinators.iter().copied());
            packages.extend((*argument == "enableNix").then_some(options::NIX_PACKAGE));
            (*argument, packages)
        })
        .filter(|(_, packages)| !packages.is_empty());
    Needs {
        always: brought(always),
        unless: vec![("baseJailOptions", options), ("basePackages", COMMON_PKGS.to_vec())],
        with: with.collect(),
    }
}

fn takes(builder: &Builder, argument: &str) -> bool {
    builder.fields().iter().any(|field| field.name == argument)
}

fn brought(combinators: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let brings = combinators.filter_map(combinator).flat_map(|combinator| combinator.brings);
    let packages: BTreeSet<_> = brings.map(|brings| brings.package.attribute()).collect();
    packages.into_iter().collect()
}
