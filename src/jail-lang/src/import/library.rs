//! What the inputs of a flake are, and the names of their attributes in a spec.

use std::collections::BTreeMap;

use jail_registry::{BUILDERS, Builder, names};
use rnix::ast::{self, HasEntry};
use rowan::ast::AstNode as _;

use super::lookup::{attribute, unwrapped};
use crate::query::{attr_name, plain};

/// A flake that the importer knows, or another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Library {
    /// jail.nix.
    JailNix,
    /// jailed-agents.
    JailedAgents,
    /// nixpkgs.
    Nixpkgs,
    /// Another version of nixpkgs, by the name of the input.
    OtherNixpkgs(String),
    /// The packages of agents.
    LlmAgents,
    /// ai-cage.
    AiCage,
    /// The flake itself.
    Itself,
    /// Any other, by the name of the input.
    Other(String),
}

/// The counterpart of something of the file in a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counterpart {
    /// How it is written there.
    pub(super) text: String,
    /// How many more arguments it takes to be a jail, if it makes jails.
    pub(super) wants: Option<usize>,
    /// The input of the flake that it belongs to, where a spec must declare it.
    pub(super) input: Option<String>,
}

impl Counterpart {
    pub(super) fn value(text: &str) -> Self {
        Self { text: text.into(), wants: None, input: None }
    }

    fn maker(text: &str, wants: usize) -> Self {
        Self { text: text.into(), wants: Some(wants), input: None }
    }

    /// `jail` of jail.nix.
    pub(super) fn jail() -> Self {
        Self::maker("jail", 3)
    }
}

/// The common options of jailed-agents, which have no name in a spec.
const COMMON_OPTIONS: [&str; 4] =
    [names::NETWORK, names::TIME_ZONE, names::NO_NEW_SESSION, names::MOUNT_CWD];

/// The inputs of the file, if it is a flake.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    pub(super) is_flake: bool,
    declared: BTreeMap<String, Declared>,
}

#[derive(Clone, Debug)]
struct Declared {
    library: Library,
    /// What the file writes for it: `url = "…";` and the rest.
    entries: Vec<String>,
}

impl Inputs {
    pub(super) fn from_root(root: &ast::Expr) -> Self {
        let mut declared = BTreeMap::new();
        let flake = match unwrapped(root) {
            ast::Expr::AttrSet(set) if attribute(&set, "outputs").is_some() => Some(set),
            _ => None,
        };
        for entry in flake.iter().flat_map(HasEntry::attrpath_values) {
            let (Some(path), Some(value)) = (path(&entry), entry.value()) else { continue };
            match path.split_first() {
                Some((first, rest)) if first == "inputs" => declare(&mut declared, rest, &value),
                _ => {}
            }
        }
        Self { is_flake: flake.is_some(), declared }
    }

    /// The library that the input of this name is. The name decides where nothing else does: an
    /// input may come from the registry, and a file that is not a flake gets it as an argument.
    pub(super) fn library(&self, name: &str) -> Option<Library> {
        if name == "self" {
            return Some(Library::Itself);
        }
        let known = match self.declared.get(name) {
            Some(declared) => declared.library.clone(),
            None if self.is_flake => by_name(name).unwrap_or(Library::Other(name.into())),
            None => by_name(name)?,
        };
        // The packages of a spec come from one nixpkgs.
        let is_second = known == Library::Nixpkgs
            && name != "nixpkgs"
            && self.declared.contains_key(name)
            && self.declared.contains_key("nixpkgs");
        Some(if is_second { Library::OtherNixpkgs(name.into()) } else { known })
    }

    /// Whether the file declares an input of this name.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.declared.contains_key(name)
    }

    /// How another input is declared in a spec.
    pub(super) fn declaration(&self, name: &str) -> Option<String> {
        let entries = &self.declared.get(name)?.entries;
        let lines: Vec<String> =
            entries.iter().map(|entry| format!("inputs.{name}{entry};")).collect();
        Some(lines.join("\n"))
    }
}

fn declare(declared: &mut BTreeMap<String, Declared>, path: &[String], value: &ast::Expr) {
    match (path, value) {
        ([], ast::Expr::AttrSet(set)) => {
            for entry in set.attrpath_values() {
                if let (Some(path), Some(value)) = (self::path(&entry), entry.value()) {
                    declare(declared, &path, &value);
                }
            }
        }
        ([], _) => {}
        ([name, rest @ ..], value) => {
            let library = by_name(name).unwrap_or_else(|| Library::Other(name.clone()));
            let known = declared
                .entry(name.clone())
                .or_insert_with(|| Declared { library, entries: Vec::new() });
            if let Some(library) = url(rest, value).and_then(|url| by_url(&url)) {
                known.library = library;
            }
            let dotted: String = rest.iter().map(|part| format!(".{part}")).collect();
            known.entries.push(format!("{dotted} = {}", value.syntax().text()));
        }
    }
}

fn url(path: &[String], value: &ast::Expr) -> Option<String> {
    match (path, value) {
        ([name], ast::Expr::Str(string)) if name == "url" => plain(string),
        ([], ast::Expr::AttrSet(set)) => match attribute(set, "url")? {
            ast::Expr::Str(string) => plain(&string),
            _ => None,
        },
        _ => None,
    }
}

fn by_url(url: &str) -> Option<Library> {
    let has = |part| url.contains(part);
    if has("jailed-agents") {
        Some(Library::JailedAgents)
    } else if has("jail.nix") || has("jail-nix") {
        Some(Library::JailNix)
    } else if has("llm-agents") {
        Some(Library::LlmAgents)
    } else if has("ai-cage") {
        Some(Library::AiCage)
    } else if has("nixpkgs") {
        Some(Library::Nixpkgs)
    } else {
        None
    }
}

fn by_name(name: &str) -> Option<Library> {
    match name {
        "jail-nix" | "jailnix" | "jail_nix" | "nix-jail" => Some(Library::JailNix),
        "jailed-agents" => Some(Library::JailedAgents),
        "nixpkgs" => Some(Library::Nixpkgs),
        "llm-agents" => Some(Library::LlmAgents),
        "ai-cage" => Some(Library::AiCage),
        _ => None,
    }
}

/// The counterpart in a spec of an attribute of a library. `path` does not contain the system,
/// which a spec does not name.
pub(super) fn counterpart(library: &Library, path: &[String]) -> Option<Counterpart> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (library, path.as_slice()) {
        (Library::Nixpkgs, ["legacyPackages"] | [IMPORTED, APPLIED]) => {
            Some(Counterpart::value("pkgs"))
        }
        (Library::Nixpkgs, ["lib"]) => Some(Counterpart::value("lib")),
        (Library::OtherNixpkgs(name), ["legacyPackages"] | [IMPORTED, APPLIED]) => {
            Some(Counterpart {
                input: Some(name.clone()),
                ..Counterpart::value(&format!("inputs.{name}.legacyPackages.${{system}}"))
            })
        }
        (Library::OtherNixpkgs(_), ["lib"]) => Some(Counterpart::value("lib")),
        (Library::LlmAgents, ["packages"]) => Some(Counterpart::value("agents")),
        (Library::AiCage, ["lib", "cage", APPLIED]) => Some(Counterpart::maker("cage", 1)),
        (Library::JailNix, ["lib", "init" | "extend", APPLIED])
        | (Library::JailedAgents, ["lib", "internals", "jail"]) => Some(Counterpart::jail()),
        (
            Library::JailedAgents,
            ["lib", "commonJailOptions"] | ["lib", "internals", "commonJailOptions"],
        ) => Some(Counterpart::value(&format!(
            "(with combinators; [ {} ])",
            COMMON_OPTIONS.join(" ")
        ))),
        (Library::JailedAgents, ["lib", name]) => builder(|builder| builder.name == *name)
            .map(|builder| Counterpart::maker(builder.name, 1)),
        (Library::JailedAgents, ["packages", command]) => {
            let named = |builder: &Builder| builder.preset.is_some_and(|it| it.command == *command);
            builder(named)
                .map(|builder| Counterpart::maker(&format!("({} {{ }})", builder.name), 0))
        }
        _ => None,
    }
}

/// Represents, in a path, the application to an argument.
pub(super) const APPLIED: &str = "(…)";
/// Represents `import` in a path.
pub(super) const IMPORTED: &str = "import";

fn builder(wanted: impl Fn(&Builder) -> bool) -> Option<&'static Builder> {
    BUILDERS.iter().find(|builder| wanted(builder))
}

fn path(entry: &ast::AttrpathValue) -> Option<Vec<String>> {
    entry.attrpath()?.attrs().map(|attr| attr_name(&attr)).collect()
}
