//! The table: every combinator with its docs, signature, example, packages and lowering.
//!
//! A name that is not in it is unknown to the evaluator, to nixlib and to the reader:
//! nothing is accepted silently.

mod agents;
mod base;
mod bus;
pub(crate) mod by_name;
pub(crate) mod caches;
mod desktop;
mod environment;
mod filesystem;
mod homes;
mod host;
mod launch;
pub(crate) mod layers;
pub(crate) mod limits;
mod meta;
pub mod names;
pub(crate) mod namespaces;
pub(crate) mod network;
mod overlays;
pub(crate) mod process;
pub(crate) mod secrets;
mod xwayland;

use crate::lower::Call;
use crate::packages::{Brings, Brought, Side};
use crate::signature::{Param, Signature, Type};

/// A combinator: its documentation, its arguments, and what it is lowered to.
#[derive(Clone, Copy, Debug)]
pub struct Combinator {
    /// The name, as specs write it.
    pub name: &'static str,
    /// The version of jailgen that first had it.
    pub since: &'static str,
    /// Whether jail.nix has it too, with the same name, arguments and intent.
    pub in_jail_nix: bool,
    /// What it does, in one sentence without a full stop.
    pub summary: &'static str,
    /// What else the author of a spec should know; Markdown.
    pub docs: &'static str,
    /// What it takes.
    pub signature: Signature,
    /// An expression that uses it.
    pub example: &'static str,
    /// The packages that it needs.
    pub brings: &'static [Brings],
    /// What it means.
    pub lower: Lower,
}

/// What a combinator means.
#[derive(Clone, Copy)]
pub enum Lower {
    /// It is a permission: this adds its grants. `None` means that a diagnostic was recorded.
    Permission(fn(&mut Call<'_, '_>) -> Option<()>),
    /// It makes a text from a text: one that is expanded at launch, or one that stays as it
    /// is. The evaluator does it.
    Text {
        /// Whether the text that it makes is expanded at launch.
        expand: bool,
    },
}

impl std::fmt::Debug for Lower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Permission(_) => "Permission",
            Self::Text { .. } => "Text",
        })
    }
}

/// The combinators of one topic.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    /// The title of the chapter.
    pub title: &'static str,
    /// What belongs here; Markdown.
    pub intro: &'static str,
    /// Its combinators, in alphabetical order.
    pub combinators: &'static [Combinator],
}

/// The whole table, by chapter.
pub static CHAPTERS: &[Chapter] = &[
    base::CHAPTER,
    meta::CHAPTER,
    filesystem::CHAPTER,
    overlays::CHAPTER,
    launch::CHAPTER,
    environment::CHAPTER,
    process::CHAPTER,
    limits::CHAPTER,
    namespaces::CHAPTER,
    layers::CHAPTER,
    network::CHAPTER,
    agents::CHAPTER,
    desktop::CHAPTER,
    bus::CHAPTER,
    host::CHAPTER,
];

/// The permissions that every jail starts with, unless it uses `reset`.
pub static BASE_PERMISSIONS: &[&str] =
    &[names::BASE, names::BIND_NIX_STORE_RUNTIME_CLOSURE, names::FAKE_PASSWD];

/// All combinators, in the order of the docs.
pub fn combinators() -> impl Iterator<Item = &'static Combinator> {
    CHAPTERS.iter().flat_map(|chapter| chapter.combinators)
}

/// The combinator of this name.
#[must_use]
pub fn combinator(name: &str) -> Option<&'static Combinator> {
    combinators().find(|combinator| combinator.name == name)
}

const SINCE: &str = "0.1.0";

const NOTHING: Signature = Signature { params: &[] };

/// The defaults of an entry: it is ours alone, takes no arguments and needs no packages.
/// An entry names all else.
const OURS: Combinator = Combinator {
    name: "",
    since: SINCE,
    in_jail_nix: false,
    summary: "",
    docs: "",
    signature: NOTHING,
    example: "",
    brings: &[],
    // Without a lowering of its own, an entry grants nothing, and a spec
    // that uses it gets an error.
    lower: Lower::Permission(|_| None),
};

const fn param(name: &'static str, ty: Type) -> Param {
    Param { name, ty }
}

const fn on_host(package: Brought) -> Brings {
    Brings { package, side: Side::Host }
}

const fn inside(package: Brought) -> Brings {
    Brings { package, side: Side::Inside }
}
