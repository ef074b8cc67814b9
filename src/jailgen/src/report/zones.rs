//! What a jail can do, sorted into the boxes of a picture: what it can write, read, reach and run
//! first.

use jail_policy::Subject;
use serde::Serialize;

use super::sources::{Source, anchor};
use crate::explain::{Explanation, Group, Line};
use crate::render::sanitise;

/// A part of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Zone {
    /// What it can change outside.
    Writes,
    /// What it can read of the host.
    Reads,
    /// Hosts, networks and services.
    Reaches,
    /// Programs.
    Runs,
    /// What was made for it, and what it has a copy of.
    Own,
    /// Terminal, layers, variables and limits.
    Around,
    /// What runs outside, for it.
    OnHost,
}

/// A box of the picture with what is in it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ZoneBox {
    pub(super) zone: Zone,
    pub(super) title: &'static str,
    /// What it says when there is nothing in it.
    pub(super) empty: &'static str,
    pub(super) items: Vec<Item>,
}

/// What one line of the spec puts into a box.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Item {
    /// How it is granted: `read-write`.
    pub(super) how: &'static str,
    pub(super) texts: Vec<ItemText>,
    note: Option<&'static str>,
    /// The combinator; absent for what every jail has.
    by: Option<String>,
    place: Option<String>,
    /// The element of the page that shows the place.
    anchor: Option<String>,
}

/// One path, host or program.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ItemText {
    pub(super) text: String,
    pub(super) change: Change,
}

/// What became of it, in a drawing of two specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    Kept,
    Added,
    Removed,
}

const ZONES: [(Zone, &str, &str); 7] = [
    (Zone::Writes, "Can write", "nothing of yours"),
    (Zone::Reads, "Can read", "nothing of yours"),
    (Zone::Runs, "Can run", "nothing"),
    (Zone::Own, "Has of its own", "nothing"),
    (Zone::Around, "Its surroundings", "nothing"),
    (Zone::Reaches, "Can reach", "no network"),
    (Zone::OnHost, "Runs outside for it", "nothing"),
];

/// The boxes of a jail; with `before`, of what changes from that one to `after`.
pub(super) fn zones(
    before: Option<Option<&Explanation>>,
    after: Option<&Explanation>,
    sources: &[Source],
) -> Vec<ZoneBox> {
    let mut zones: Vec<ZoneBox> = ZONES
        .into_iter()
        .map(|(zone, title, empty)| ZoneBox { zone, title, empty, items: Vec::new() })
        .collect();
    let old = before.flatten();
    for (group, line) in lines(after) {
        let change = |text: &str| match before {
            Some(_) if !has(old, group, line, text) => Change::Added,
            Some(_) | None => Change::Kept,
        };
        add(&mut zones, group, item(line, change, sources));
    }
    for (group, line) in lines(old) {
        let mut gone = line.clone();
        gone.what.retain(|text| !has(after, group, line, text));
        if !gone.what.is_empty() {
            add(&mut zones, group, item(&gone, |_| Change::Removed, &[]));
        }
    }
    zones
}

fn lines(jail: Option<&Explanation>) -> impl Iterator<Item = (&Group, &Line)> {
    let groups = jail.into_iter().flat_map(|jail| &jail.groups);
    groups.flat_map(|group| group.lines.iter().map(move |line| (group, line)))
}

/// Whether a jail grants the same in the same way, wherever its spec says so.
fn has(jail: Option<&Explanation>, group: &Group, line: &Line, text: &str) -> bool {
    lines(jail).any(|(other, it)| {
        (other.subject, it.how, it.note) == (group.subject, line.how, line.note)
            && it.what.iter().any(|what| what == text)
    })
}

fn add(zones: &mut [ZoneBox], group: &Group, item: Item) {
    let zone = zone(group.subject, item.how);
    if let Some(found) = zones.iter_mut().find(|it| it.zone == zone) {
        found.items.push(item);
    }
}

fn item(line: &Line, change: impl Fn(&str) -> Change, sources: &[Source]) -> Item {
    let shown = |text: &String| sanitise(text).into_owned();
    let text = |what: &String| ItemText { text: shown(what), change: change(what) };
    Item {
        how: line.how,
        texts: line.what.iter().map(text).collect(),
        note: line.note,
        by: line.combinator.as_ref().map(shown),
        place: line.place.as_ref().map(shown),
        anchor: line.place.as_deref().and_then(|place| anchor(place, sources)),
    }
}

/// Where a line belongs. What is not known to be the jail's own counts as the host's.
pub(super) fn zone(subject: Subject, how: &str) -> Zone {
    match subject {
        Subject::Program | Subject::Path => Zone::Runs,
        Subject::Network => Zone::Reaches,
        Subject::Host => Zone::OnHost,
        Subject::Surroundings | Subject::Environment | Subject::Limits => Zone::Around,
        Subject::Files if OWN.contains(&how) => Zone::Own,
        Subject::Files if READS.contains(&how) => Zone::Reads,
        Subject::Files => Zone::Writes,
    }
}

/// Files that are made for the jail, or that it sees otherwise than they are.
const OWN: [&str; 9] = [
    "allowed",
    "in memory",
    "its own",
    "linked",
    "made read-only",
    "masked",
    "protected",
    "starts in",
    "the working folder",
];

/// Files of the host that stay as they are.
const READS: [&str; 5] = ["copied", "executing", "not masked", "overlay", "read-only"];
