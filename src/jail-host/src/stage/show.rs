//! A stage in words and as JSON. Names come from a jail, and none of them is printed as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::act::Outcome;
use super::base::Base;
use super::change::{Act, Change};
pub(super) use super::decide::digest;
use super::decide::hash;
use super::diff::{Counts, counts};
use super::executed::PROGRAM;
use super::git::{self, Plan};
use super::layer::Layer;
use super::place::{Kind, Tree, split};
use crate::handoff::report::{ascii, shown};

/// At most this many files of a folder are named.
const NAMED_MAX: usize = 20;
/// Contents are compared of so many files that are gone or new.
const PAIRED_MAX: usize = 200;
/// Lines are counted in so many files.
const COUNTED_MAX: usize = 200;

/// Finds what has only got another name: the same content, deleted at one place and new at another.
pub(super) fn pair_renames(changes: &mut Vec<Change>, layer: &Layer, project: &Tree) {
    let is_file = |kind: Option<Kind>| kind == Some(Kind::File);
    let mut gone: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
    let deleted = changes.iter().filter(|it| it.act == Act::Delete && it.executed.is_none());
    for change in
        deleted.filter(|it| is_file(it.theirs.as_ref().map(|it| it.kind))).take(PAIRED_MAX)
    {
        let size = change.theirs.as_ref().map_or(0, |theirs| theirs.size);
        gone.entry(size).or_default().push(change.path.clone());
    }
    let mut taken = BTreeSet::new();
    let new = changes.iter_mut().filter(|it| it.act == Act::New);
    for change in new.filter(|it| is_file(it.ours.as_ref().map(|it| it.kind))).take(PAIRED_MAX) {
        let size = change.ours.as_ref().map_or(0, |ours| ours.size);
        let Some(candidates) = gone.get_mut(&size).filter(|_| size > 0) else { continue };
        let Ok(Some(ours)) = layer.tree().text(&change.path) else { continue };
        let ours = hash(&ours);
        let is_it = |path: &Vec<u8>| {
            project.text(path).ok().flatten().is_some_and(|theirs| hash(&theirs) == ours)
        };
        if let Some(at) = candidates.iter().position(is_it) {
            let from = candidates.remove(at);
            taken.insert(from.clone());
            change.from = Some(from);
        }
    }
    changes.retain(|change| change.act != Act::Delete || !taken.contains(&change.path));
}

/// What a change is called.
pub(super) fn word(change: &Change) -> &'static str {
    match change.act {
        Act::New if change.from.is_some() => "renamed",
        Act::New => "new",
        Act::NewFolder => "new folder",
        Act::Replace => "changed",
        Act::Mode => "mode",
        Act::Delete | Act::DeleteFolder => "deleted",
        Act::Same => "same",
        Act::Aside => "both changed",
        Act::Kept => "deleted, but changed here",
        Act::Dropped(_) => "not applied",
        Act::Refused(_) => "left alone",
        Act::Git(_) => "git",
    }
}

/// What is worth a line of its own: folders that are there, or that something is said about below,
/// are not.
fn is_named(change: &Change) -> bool {
    match change.act {
        Act::Same | Act::DeleteFolder | Act::Git(_) => false,
        Act::New
        | Act::NewFolder
        | Act::Replace
        | Act::Mode
        | Act::Delete
        | Act::Aside
        | Act::Kept
        | Act::Dropped(_)
        | Act::Refused(_) => true,
    }
}

/// By folder, for people.
pub(super) fn summary(changes: &[Change], layer: &Layer, project: &Tree, base: &Base) -> String {
    let mut folders: BTreeMap<&[u8], Vec<&Change>> = BTreeMap::new();
    for change in changes.iter().filter(|change| is_named(change)) {
        folders.entry(split(&change.path).0).or_default().push(change);
    }
    let mut text = String::new();
    let mut left = COUNTED_MAX;
    for (folder, changes) in &folders {
        let name = if folder.is_empty() { "." } else { &shown(folder) };
        let _ = writeln!(text, "{name}/  {}", tally(changes));
        // What is executed is named, however much else there is.
        let (executed, others): (Vec<&Change>, Vec<&Change>) =
            changes.iter().partition(|change| change.executed.is_some());
        let executed = by_urgency(executed);
        for change in executed.iter().chain(others.iter().take(NAMED_MAX)) {
            let counted = (left > 0).then(|| counts(change, layer, project)).flatten();
            left = left.saturating_sub(1);
            let _ = writeln!(text, "  {}", line(change, counted));
        }
        if let Some(more @ 1..) = others.len().checked_sub(NAMED_MAX) {
            let _ = writeln!(
                text,
                "  and {more} more, none of which programs outside execute; `--json` lists all"
            );
        }
    }
    let git: usize = changes
        .iter()
        .filter_map(|change| match change.act {
            Act::Git(count) => Some(count),
            _ => None,
        })
        .sum();
    if git > 0 {
        let _ = writeln!(
            text,
            ".git/  {git} files of git's own, of which `jailgen apply` takes over branches, tags and their commits"
        );
    }
    if !base.is_there && !changes.is_empty() {
        text.push_str("What the folder was is not recorded: what it has too is put aside when this is applied.\n");
    }
    text
}

/// With a word about the jail, if one runs.
pub(super) fn noted(mut text: String, is_running: bool) -> String {
    if is_running {
        text.push_str("A jail runs in this stage: what is shown can change until it has ended.\n");
    }
    text
}

/// What programs look for by its name before what is only a program.
fn by_urgency(mut executed: Vec<&Change>) -> Vec<&Change> {
    executed.sort_by_key(|change| change.executed.is_none_or(|(kind, _)| kind == PROGRAM));
    executed
}

/// What of the stage was applied and cannot be taken out of it.
pub(super) fn left(left: &[(Vec<u8>, String)]) -> String {
    let mut text = String::new();
    if !left.is_empty() {
        text.push_str("Applied, but it could not be taken out of the stage:\n");
    }
    for (path, why) in left.iter().take(100) {
        let _ = writeln!(text, "  {}: {why}", shown(path));
    }
    if let Some(more @ 1..) = left.len().checked_sub(100) {
        let _ = writeln!(text, "  and {more} more");
    }
    text
}

fn tally(changes: &[&Change]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for change in changes {
        *counts.entry(word(change)).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    words.join(", ")
}

fn line(change: &Change, counted: Option<Counts>) -> String {
    let name = shown(split(&change.path).1);
    let mut line = format!("{:<10} {name}", word(change));
    if let Some(from) = &change.from {
        let _ = write!(line, " (was {})", shown(from));
    }
    if let (Act::Aside, false) = (change.act, change.path == change.to) {
        let _ = write!(line, " (would become {})", shown(split(&change.to).1));
    }
    match counted {
        Some(Counts::Lines { more, fewer }) => {
            let _ = write!(line, "  +{more} -{fewer}");
        }
        Some(Counts::Bytes { before, after }) => {
            let _ = write!(line, "  {before} -> {after} bytes");
        }
        None => {}
    }
    if let Some((before, after)) = modes(change) {
        let _ = write!(line, "  mode {before:03o} -> {after:03o}");
    }
    if change.has_special_bits() {
        line.push_str("  without its set-user-id, set-group-id and sticky bits");
    }
    if change.is_open_to_more() {
        line.push_str("  without further access for others");
    }
    match change.act {
        Act::Dropped(what) => {
            let _ = write!(line, ": {what}");
        }
        Act::Refused(why) => {
            let _ = write!(line, ": {why}");
        }
        _ => {}
    }
    if let Some((_, reason)) = change.executed {
        let _ = write!(line, "  ! {reason}");
    }
    line
}

/// The permission bits before and after, where they change.
pub(super) fn modes(change: &Change) -> Option<(u32, u32)> {
    let (ours, theirs) = (change.ours.as_ref()?, change.theirs.as_ref()?);
    let is_kept = matches!(change.act, Act::Replace | Act::Mode) && ours.kind == theirs.kind;
    let (before, after) = (theirs.mode & 0o777, change.mode);
    (is_kept && ours.kind != Kind::Link && before != after).then_some((before, after))
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Whole<'a> {
    /// What `apply` has to be given, so that nothing else is applied than what is listed here.
    digest: String,
    /// Whether it is known what the folder was.
    recorded: bool,
    /// Whether a jail runs in it.
    running: bool,
    changes: Vec<Line<'a>>,
    /// Branches, tags and `HEAD` of repositories.
    git: Vec<git::Line>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    change: &'static str,
    applied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// The kind of who executes it, and the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    executed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// As JSON, in ASCII.
pub(super) fn json(
    changes: &[Change],
    plans: &[Plan],
    base: &Base,
    running: bool,
    digest: String,
) -> String {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let listed = changes.iter().filter(|change| change.act != Act::Same);
    let changes = listed.map(|change| Line {
        path: text(&change.path),
        to: (change.to != change.path).then(|| text(&change.to)),
        from: change.from.as_deref().map(text),
        change: word(change),
        applied: change.is_done(),
        kind: change.ours.as_ref().or(change.theirs.as_ref()).map(|it| kind(it.kind)),
        mode: change.ours.as_ref().map(|ours| format!("{:04o}", ours.mode)),
        size: change.ours.as_ref().map(|ours| ours.size),
        executed_by: change.executed.map(|(kind, _)| kind),
        executed: change.executed.map(|(_, reason)| reason),
        why: match change.act {
            Act::Dropped(why) | Act::Refused(why) => Some(why),
            _ => None,
        },
    });
    let (recorded, git) = (base.is_there, git::lines(plans));
    let whole = Whole { digest, recorded, running, changes: changes.collect(), git };
    ascii(&serde_json::to_string_pretty(&whole).unwrap_or_default()) + "\n"
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Folder => "folder",
        Kind::Link => "link",
        Kind::Whiteout | Kind::Special(_) => "other",
    }
}

/// What came of an application.
pub(super) fn outcome(outcome: &Outcome<'_>, recovered: &[Vec<u8>]) -> String {
    let mut text = format!("{} applied\n", outcome.applied);
    for path in recovered {
        let _ =
            writeln!(text, "kept from an earlier `apply` that was interrupted: {}", shown(path));
    }
    let mut list = |head: &str, most: usize, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(text, "{head}");
        }
        for line in lines.iter().take(most) {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(more @ 1..) = lines.len().checked_sub(most) {
            let _ = writeln!(text, "  and {more} more");
        }
    };
    let to = |change: &&Change| format!("{} -> {}", shown(&change.path), shown(&change.to));
    list(
        "Both sides have changed these; the stage's are next to yours:",
        100,
        outcome.aside.iter().map(to).collect(),
    );
    let path = |change: &&Change| shown(&change.path);
    list(
        "Deleted in the stage, but changed here, so they stay:",
        100,
        outcome.kept.iter().map(path).collect(),
    );
    let with_reason = |change: &&Change| {
        format!("{}: {}", shown(&change.path), change.executed.map_or("", |(_, reason)| reason))
    };
    list(
        "Not applied, because programs outside execute or trust them (`--yes-executed` applies them):",
        usize::MAX,
        by_urgency(outcome.executed.clone()).iter().map(with_reason).collect(),
    );
    let dropped =
        outcome.dropped.iter().map(|(change, what)| format!("{}: {what}", shown(&change.path)));
    list("Never applied, and gone from the stage:", 100, dropped.collect());
    let refused =
        outcome.refused.iter().map(|(change, why)| format!("{}: {why}", shown(&change.path)));
    list("Left in the stage:", 100, refused.collect());
    if outcome.stripped > 0 {
        let _ = writeln!(
            text,
            "{} without their set-user-id, set-group-id or sticky bits",
            outcome.stripped
        );
    }
    if outcome.reduced > 0 {
        let _ = writeln!(
            text,
            "{} without access for the group or others that they have in the stage alone",
            outcome.reduced
        );
    }
    if outcome.git > 0 {
        let _ = writeln!(
            text,
            "{} files of git's own: branches, tags and their commits are taken over, and nothing else",
            outcome.git
        );
    }
    text
}
