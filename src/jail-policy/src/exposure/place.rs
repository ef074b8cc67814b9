//! A place of the host in the form that these tables use, however a spec spells it.
//! Nothing is looked up: the target of a link, and the value of a variable of the
//! launcher, are not known here.

use std::collections::{BTreeMap, BTreeSet};

use jail_plan::{Expansion, HostText, Lookup};

use crate::{Piece, Text};

/// The home folder while a place is put together: there may be a `/` before
/// it, which changes nothing.
const HOME: &str = "/home/~";
const RUNTIME: &str = "/run/user/~";

/// What variables hold by default, and what the others are called here.
const USUAL: &[(&str, &str)] = &[
    ("CARGO_HOME", "/home/~/.cargo"),
    ("DOCKER_CONFIG", "/home/~/.docker"),
    ("GNUPGHOME", "/home/~/.gnupg"),
    ("HOME", HOME),
    ("KUBECONFIG", "/home/~/.kube/config"),
    ("XDG_CACHE_HOME", "/home/~/.cache"),
    ("XDG_CONFIG_HOME", "/home/~/.config"),
    ("XDG_DATA_HOME", "/home/~/.local/share"),
    ("XDG_RUNTIME_DIR", RUNTIME),
    ("XDG_STATE_HOME", "/home/~/.local/state"),
];

/// Those of them that are set in every session.
const ALWAYS_SET: &[&str] = &["HOME", "PWD", "XDG_RUNTIME_DIR"];

/// A place in the form of the tables: `~` for the home folder, /run for /var/run, no slash at the
/// end. `None` if more than one is possible.
#[must_use]
pub fn canonical_place(text: &Text) -> Option<String> {
    let mut places = canonical_places(text).into_iter();
    places.next().filter(|_| places.next().is_none())
}

/// The places that a text may mean: with its variables as they usually are, and with its defaults.
pub(crate) fn canonical_places(text: &Text) -> BTreeSet<String> {
    let source = source(text);
    if !text.expand {
        // A literal text has no home folder in it.
        return [canonical(&source.replacen('~', "\\~", 1))].into();
    }
    let Ok(expansion) = Expansion::parse(&source) else { return [canonical(&source)].into() };
    let places = [Variables::as_usual(&expansion), Variables::by_default(&expansion)];
    places.iter().map(|variables| canonical(&variables.fill(&expansion))).collect()
}

/// The text as the stub will read it, with one store name for every package.
fn source(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Package { .. } | Piece::Entry { .. } => "/nix/store/p".into(),
    };
    text.pieces().iter().map(piece).collect()
}

/// The assumed values of variables.
struct Variables(BTreeMap<String, String>);

impl Variables {
    /// All of them are set.
    fn as_usual(expansion: &Expansion) -> Self {
        let named = expansion.variables().into_iter();
        Self(named.map(|name| (name.to_owned(), usual(name))).collect())
    }

    /// Those that have a default are not set, if that is possible.
    fn by_default(expansion: &Expansion) -> Self {
        let always = ALWAYS_SET.iter().map(|name| ((*name).to_owned(), usual(name)));
        let mut variables = Self(always.collect());
        // One without a default is named, and must be set.
        while let Err(jail_plan::Unset(name)) = variables.resolve(expansion) {
            let value = usual(&name);
            variables.0.insert(name, value);
        }
        variables
    }

    fn resolve(&self, expansion: &Expansion) -> Result<String, jail_plan::Unset> {
        HostText::Expand(expansion.clone()).resolve(self)
    }

    fn fill(&self, expansion: &Expansion) -> String {
        self.resolve(expansion).unwrap_or_else(|_| expansion.source().to_owned())
    }
}

impl Lookup for Variables {
    fn variable(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn home(&self) -> Option<&str> {
        Some(HOME)
    }

    fn folder(&self) -> Option<String> {
        None
    }
}

fn usual(name: &str) -> String {
    let known = USUAL.iter().find(|(variable, _)| *variable == name);
    known.map_or_else(|| format!("${name}"), |(_, value)| (*value).to_owned())
}

/// Without components that change nothing, and by one name if a place has several.
fn canonical(place: &str) -> String {
    let mut names: Vec<&str> = place.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    if !place.starts_with('/') {
        return names.join("/");
    }
    // Through /proc, every place has further names.
    while let ["proc", _, "root", ..] = names.as_slice() {
        names.drain(..3);
    }
    match names.as_slice() {
        ["proc", _, "cwd", rest @ ..] => below("$PWD", rest),
        ["home", "~", rest @ ..] => below("~", rest),
        ["run", "user", "~", rest @ ..] | ["var", "run", "user", "~", rest @ ..] => {
            below("$XDG_RUNTIME_DIR", rest)
        }
        ["var", "run", rest @ ..] => below("/run", rest),
        ["var", "home", rest @ ..] => below("/home", rest),
        [] => "/".into(),
        names => below("", names),
    }
}

fn below(folder: &str, names: &[&str]) -> String {
    [folder].iter().chain(names).copied().collect::<Vec<_>>().join("/")
}

/// The same place, if a home folder is named by its path.
pub(super) fn in_a_home(place: &str) -> String {
    let of_a_user = place.strip_prefix("/home/").map(|rest| match rest.split_once('/') {
        Some((_, below)) => format!("~/{below}"),
        None => "~".into(),
    });
    let of_root =
        || place.strip_prefix("/root").filter(|rest| rest.is_empty() || rest.starts_with('/'));
    of_a_user.or_else(|| of_root().map(|rest| format!("~{rest}"))).unwrap_or_else(|| place.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_name_however_it_is_spelt() {
        for (written, meant) in [
            ("~//.ssh", "~/.ssh"),
            ("~/./.ssh/.", "~/.ssh"),
            ("$HOME/.ssh", "~/.ssh"),
            ("${HOME}//.ssh", "~/.ssh"),
            ("${HOME:-/x}/.ssh", "~/.ssh"),
            ("/$HOME/.ssh", "~/.ssh"),
            ("//home", "/home"),
            ("/proc/self/root/$HOME/.ssh", "~/.ssh"),
            ("/proc/1/root/proc/self/root", "/"),
            ("/proc/self/cwd/x", "$PWD/x"),
            ("~/.s\\sh", "~/.ssh"),
            ("\"$HOME\"/.ssh", "~/.ssh"),
            ("\"/home\"", "/home"),
            ("$XDG_CONFIG_HOME/gh", "~/.config/gh"),
            ("${XDG_CONFIG_HOME:-~/.config}/gh", "~/.config/gh"),
            ("$XDG_RUNTIME_DIR/bus", "$XDG_RUNTIME_DIR/bus"),
            ("${XDG_RUNTIME_DIR}/bus/", "$XDG_RUNTIME_DIR/bus"),
            ("/var/run/docker.sock", "/run/docker.sock"),
            ("/srv/var/run", "/srv/var/run"),
            ("/var/home/me", "/home/me"),
            ("$OTHER/x", "$OTHER/x"),
            ("/", "/"),
        ] {
            assert_eq!(
                canonical_place(&Text::expanded(written)).as_deref(),
                Some(meant),
                "{written}"
            );
        }
        let two = |written: &str| canonical_places(&Text::expanded(written));
        assert_eq!(two("${NOPE:-~}"), ["$NOPE".into(), "~".into()].into());
        assert_eq!(two("$A${B:-~}/x").len(), 2);
        assert_eq!(canonical_place(&Text::literal("~/.ssh")).as_deref(), Some("\\~/.ssh"));
    }

    #[test]
    fn the_home_folder_of_a_user_is_one_by_its_path_too() {
        for (place, judged) in [
            ("/home/me", "~"),
            ("/home/me/.ssh", "~/.ssh"),
            ("/root", "~"),
            ("/root/.ssh", "~/.ssh"),
            ("/rootless", "/rootless"),
            ("/home", "/home"),
            ("/srv", "/srv"),
        ] {
            assert_eq!(in_a_home(place), judged);
        }
    }
}
