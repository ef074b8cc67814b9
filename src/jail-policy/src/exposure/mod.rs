//! What of the host one should think twice about before a jail gets it: the one table that `jailgen check` and
//! `jailgen audit` judge by. Nothing here knows the host; places are compared as they are written.

mod given;
mod table;

use serde::Serialize;

use crate::danger::DangerCode;
pub use given::given;
use table::{HARMLESS, SENSITIVE, Sensitive};

use crate::{Access, Text};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The jail holds nothing, or nearly nothing.
    Critical,
    /// A way out, or to what is worth most.
    High,
    /// More than most jails need.
    Medium,
    /// To be known; it does not fail an audit.
    Note,
}

impl Severity {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Note => "note",
        }
    }
}

/// Something of the host that a grant gives away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of danger it is.
    pub code: DangerCode,
    /// What it is, after "it holds".
    pub holds: &'static str,
    /// The place that it is about, where the grant is of another one, below or above it.
    pub place: Option<&'static str>,
    /// What to do.
    pub fix: &'static str,
    /// How much of that place the grant gives.
    pub share: Share,
}

/// How much of a place a grant gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of it.
    Whole,
    /// Something in it, which the spec names.
    Part,
}

const ONE_BY_ONE: &str = "grant the folders that the program needs, one by one";

/// What a grant of `from` gives away, the worst first.
#[must_use]
pub fn exposures(from: &Text, access: Access) -> Vec<Exposure> {
    let Some(place) = canonical_place(from) else { return Vec::new() };
    if let Some(whole) = whole(&place, access) {
        return vec![whole];
    }
    if access == Access::ReadOnly && HARMLESS.contains(&place.as_str()) {
        return Vec::new();
    }
    let counts = |sensitive: &&Sensitive| sensitive.reading || access != Access::ReadOnly;
    let mut found: Vec<Exposure> = SENSITIVE
        .iter()
        .filter(counts)
        .filter_map(|sensitive| touched(sensitive, &place))
        .collect();
    found.sort_by_key(|exposure| exposure.severity);
    found
}

/// Places that are more than any table could list.
fn whole(place: &str, access: Access) -> Option<Exposure> {
    let (severity, code, holds, fix) = match place {
        "/" => (Severity::Critical, DangerCode::GrantsRoot, "everything", ONE_BY_ONE),
        "~" | "/home" | "/root" => {
            (Severity::Critical, DangerCode::GrantsHome, "all that is yours", ONE_BY_ONE)
        }
        "/nix" | "/nix/store" if access == Access::ReadOnly => {
            let fix = "the closure is there by itself; name what else is needed as a package";
            (Severity::Medium, DangerCode::WholeStore, "all packages", fix)
        }
        "/tmp" | "/var/tmp" => {
            let fix =
                "the jail has a /tmp of its own; the host's holds sockets and files of others";
            (Severity::High, DangerCode::GrantsHostServices, "sockets and files of others", fix)
        }
        _ => return None,
    };
    Some(Exposure { severity, code, holds, place: None, fix, share: Share::Whole })
}

/// A single socket that the spec names is what it names; a folder of them is more.
fn touched(sensitive: &Sensitive, place: &str) -> Option<Exposure> {
    let &Sensitive { severity, code, holds, places, fix, .. } = sensitive;
    let one = places.iter().find(|one| is_below(place, one) || is_below(one, place))?;
    let share = if is_below(one, place) { Share::Whole } else { Share::Part };
    let named = (place != *one).then_some(*one);
    Some(Exposure { severity, code, holds, place: named, fix, share })
}

/// A place as the table writes it: `~` for the home folder, /run for /var/run, no slash at the end. None where only Nix knows it.
#[must_use]
pub fn canonical_place(text: &Text) -> Option<String> {
    let mut place = text.as_str()?.to_owned();
    if !text.expand {
        // What is taken as it stands has no home folder in it.
        place = place.replacen('~', "\\~", 1);
    }
    for home in ["$HOME", "${HOME}"] {
        if let Some(rest) =
            place.strip_prefix(home).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            place = format!("~{rest}");
        }
    }
    let place =
        place.replace("${XDG_RUNTIME_DIR}", "$XDG_RUNTIME_DIR").replacen("/var/run", "/run", 1);
    let trimmed = place.trim_end_matches('/');
    Some(if trimmed.is_empty() { "/".into() } else { trimmed.into() })
}

pub(crate) fn is_below(place: &str, folder: &str) -> bool {
    let rest = place.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(from: &Text, access: Access) -> Vec<(&'static str, Share)> {
        let found = exposures(from, access);
        found.iter().map(|exposure| (exposure.code.as_str(), exposure.share)).collect()
    }

    #[test]
    fn a_place_is_judged_by_what_it_holds_and_by_what_it_lies_in() {
        let (home, write) = (|text: &str| Text::expanded(text), Access::ReadWrite);
        for (place, first) in [
            ("~", ("grants-home", Share::Whole)),
            ("$HOME/", ("grants-home", Share::Whole)),
            ("~/.local", ("grants-credentials", Share::Whole)),
            ("~/.local/state", ("writes-host-programs", Share::Whole)),
            ("~/.ssh", ("grants-credentials", Share::Whole)),
            ("~/.ssh/config", ("grants-credentials", Share::Part)),
            ("/", ("grants-root", Share::Whole)),
            ("/var/run/docker.sock", ("grants-host-services", Share::Whole)),
        ] {
            assert_eq!(codes(&home(place), write).first(), Some(&first), "{place}");
        }
        for (place, access) in [
            (home("~/src"), write),
            (home("~/.local/state/other"), write),
            (home("~/.bashrc"), Access::ReadOnly),
            (home("~/.ssh/known_hosts"), Access::ReadOnly),
            (Text::literal("~"), write),
        ] {
            assert_eq!(codes(&place, access), [], "{place}");
        }
    }
}
