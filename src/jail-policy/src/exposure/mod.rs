//! Parts of the host that deserve a second look before a jail gets them: the one table that
//! `jailgen check` and `jailgen audit` judge by. Nothing here knows the host; places are
//! compared as they are written.

mod given;
mod place;
mod table;

use serde::Serialize;

use crate::danger::DangerCode;
pub use given::given;
pub use place::canonical_place;
pub(crate) use place::canonical_places;
use place::in_a_home;
use table::{HARMLESS, SENSITIVE, Sensitive};

use crate::{Access, Text};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The jail protects nothing, or nearly nothing.
    Critical,
    /// A way out of the jail, or to what is most valuable.
    High,
    /// More than most jails need.
    Medium,
    /// Worth knowing; it does not fail an audit.
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

/// A part of the host that a grant gives away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of danger it is.
    pub code: DangerCode,
    /// What it is, after "it holds".
    pub holds: &'static str,
    /// The place that it is about, if the grant is of another one, below or above it.
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
    let mut found: Vec<Exposure> = canonical_places(from)
        .iter()
        .flat_map(|place| of_place(&in_a_home(place), access))
        .collect();
    found.sort_by_key(|exposure| exposure.severity);
    found.dedup();
    found
}

fn of_place(place: &str, access: Access) -> Vec<Exposure> {
    if let Some(whole) = whole(place, access) {
        return vec![whole];
    }
    if access == Access::ReadOnly && HARMLESS.contains(&place) {
        return Vec::new();
    }
    let counts = |sensitive: &&Sensitive| sensitive.reading || access != Access::ReadOnly;
    SENSITIVE.iter().filter(counts).filter_map(|sensitive| touched(sensitive, place)).collect()
}

/// Places that are more than any table could list.
fn whole(place: &str, access: Access) -> Option<Exposure> {
    let (severity, code, holds, fix) = match place {
        "/" => (Severity::Critical, DangerCode::GrantsRoot, "everything", ONE_BY_ONE),
        "~" | "/home" => {
            (Severity::Critical, DangerCode::GrantsHome, "everything that is yours", ONE_BY_ONE)
        }
        "/nix" | "/nix/store" if access == Access::ReadOnly => {
            let fix = "the closure is always there; name what else is needed as a package";
            (Severity::Medium, DangerCode::WholeStore, "all packages", fix)
        }
        "/tmp" | "/var/tmp" => {
            let fix =
                "the jail has a /tmp of its own; the host's holds sockets and files of others";
            (Severity::High, DangerCode::GrantsHostServices, "sockets and files of others", fix)
        }
        disk if is_disk(disk) => {
            let fix = "bind the one folder that is needed, and not the disk that it is on";
            (Severity::High, DangerCode::GrantsDevices, "a whole disk, or a part of one", fix)
        }
        _ => return None,
    };
    Some(Exposure { severity, code, holds, place: None, fix, share: Share::Whole })
}

/// Disks have a name for each of their parts, and further ones below /dev/disk and /dev/mapper.
fn is_disk(place: &str) -> bool {
    const DISKS: &[&str] = &[
        "disk/", "dm-", "hd", "loop", "mapper/", "md", "mmcblk", "nbd", "nvme", "sd", "vd", "xvd",
    ];
    let name = place.strip_prefix("/dev/").unwrap_or_default();
    DISKS.iter().any(|disk| name.starts_with(disk))
}

/// A single socket that the spec names is what it names; a folder of them is more.
fn touched(sensitive: &Sensitive, place: &str) -> Option<Exposure> {
    let &Sensitive { severity, code, holds, places, fix, .. } = sensitive;
    let one = places.iter().find(|one| is_below(place, one) || is_below(one, place))?;
    let share = if is_below(one, place) { Share::Whole } else { Share::Part };
    let named = (place != *one).then_some(*one);
    Some(Exposure { severity, code, holds, place: named, fix, share })
}

/// Whether a place is all of a home folder, or holds home folders.
#[must_use]
pub fn is_home(text: &Text) -> bool {
    canonical_places(text).iter().any(|it| matches!(in_a_home(it).as_str(), "/" | "~" | "/home"))
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
            ("//home", ("grants-home", Share::Whole)),
            ("/home/me", ("grants-home", Share::Whole)),
            ("/home/$USER/", ("grants-home", Share::Whole)),
            ("${NOPE:-~}", ("grants-home", Share::Whole)),
            ("/$HOME/.ssh", ("grants-credentials", Share::Whole)),
            ("/home/me/.ssh", ("grants-credentials", Share::Whole)),
            ("/root/.ssh/id_rsa", ("grants-credentials", Share::Part)),
            ("~/.s\\sh", ("grants-credentials", Share::Whole)),
            ("~/./.ssh", ("grants-credentials", Share::Whole)),
            ("$XDG_CONFIG_HOME/gh", ("grants-credentials", Share::Whole)),
            ("${XDG_CONFIG_HOME:-~/.config}/gh", ("grants-credentials", Share::Whole)),
            ("/proc/self/root/etc/shadow", ("grants-credentials", Share::Whole)),
            ("/proc/1/root", ("grants-root", Share::Whole)),
            ("/dev/sda1", ("grants-devices", Share::Whole)),
            ("/dev/mapper/home", ("grants-devices", Share::Whole)),
        ] {
            assert_eq!(codes(&home(place), write).first(), Some(&first), "{place}");
        }
        for (place, access) in [
            (home("~/src"), write),
            (home("~/.local/state/other"), write),
            (home("~/.bashrc"), Access::ReadOnly),
            (home("~/.ssh/known_hosts"), Access::ReadOnly),
            (home("/dev/kvm"), Access::Device),
            (home("/home/me/src"), write),
            (home("$MY/x"), write),
            (Text::literal("~"), write),
        ] {
            assert_eq!(codes(&place, access), [], "{place}");
        }
    }
}
