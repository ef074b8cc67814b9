//! What is said of what a session left: on one screen, or as JSON. Names and contents come from
//! jails, and nothing of them is printed as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jail_plan::one_line;
use serde::Serialize;

use super::judge::{Change, Left};

/// What is looked at.
pub(super) struct Report<'a> {
    pub(super) project: &'a [u8],
    pub(super) left: &'a [Left<'a>],
    /// What was moved aside.
    pub(super) held: &'a BTreeSet<Vec<u8>>,
    /// What launchers that were killed have not said.
    pub(super) unsaid: &'a [String],
    pub(super) is_running: bool,
}

/// How much of it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What this session left, on one screen.
    Session,
    /// All that waits.
    All,
}

/// More lines are counted.
const LINES_MAX: usize = 20;
/// More programs in one folder are one line.
const PROGRAMS_MAX: usize = 3;

impl Report<'_> {
    /// In words; empty if there is nothing to report.
    pub(super) fn text(&self, extent: Extent) -> String {
        let counts = |left: &&Left<'_>| extent == Extent::All || !left.is_earlier;
        let lines = lines(self.left.iter().filter(counts));
        let most = if extent == Extent::All { usize::MAX } else { LINES_MAX };
        let earlier = self.left.iter().filter(|left| left.is_earlier && !left.seen.is_built);
        let (earlier, built) = (earlier.count(), self.built(extent));
        let mut text = String::new();
        if !lines.is_empty() {
            text.push_str(match extent {
                Extent::Session => "jailgen: programs outside the jail may execute or trust what this session left:\n",
                Extent::All => "Programs outside jails may execute or trust what sessions left here:\n",
            });
        }
        for line in lines.iter().take(most) {
            let _ = writeln!(text, "  {line}");
        }
        let rest = lines.len().saturating_sub(most);
        if rest > 0 {
            let _ = writeln!(text, "  and {rest} more");
        }
        if !lines.is_empty() && built > 0 {
            let _ = writeln!(text, "  and {built} programs in folders that builds fill");
        }
        if !self.held.is_empty() {
            let _ = writeln!(
                text,
                "Moved aside, until `jailgen handoff approve` or `jailgen handoff restore` brings it back:"
            );
        }
        for path in self.held {
            let _ = writeln!(text, "  {}", shown(path));
        }
        if !self.unsaid.is_empty() {
            text.push_str("Not reported when it was time, because the launcher was killed; `jailgen handoff approve` takes it out of this list:\n");
        }
        for line in self.unsaid {
            let _ = writeln!(text, "  {}", printable(line));
        }
        match extent {
            Extent::Session if !lines.is_empty() => {
                if earlier > 0 {
                    let _ =
                        writeln!(text, "  {earlier} from earlier sessions are not approved either");
                }
                text.push_str(
                    "`jailgen handoff` lists all; `jailgen handoff approve` accepts it as it is\n",
                );
            }
            Extent::All if !lines.is_empty() && self.is_running => {
                text.push_str("A session is running here now.\n");
            }
            Extent::Session | Extent::All => {}
        }
        text
    }

    fn built(&self, extent: Extent) -> usize {
        let counts = |left: &&Left<'_>| extent == Extent::All || !left.is_earlier;
        self.left.iter().filter(counts).filter(|left| is_counted_only(left)).count()
    }

    /// As JSON, in ASCII.
    pub(super) fn json(&self) -> String {
        let left = self.left.iter().map(|left| Line {
            path: String::from_utf8_lossy(&left.seen.path).into_owned(),
            part: Some(left.seen.part.name.as_str()).filter(|name| !name.is_empty()),
            kind: left.seen.counted.kind,
            change: word(left.change),
            says: Some(left.seen.part.says.as_str()).filter(|says| !says.is_empty()),
            reason: left.seen.counted.reason,
            earlier: left.is_earlier,
            built: left.seen.is_built,
        });
        let lossy = |path: &Vec<u8>| String::from_utf8_lossy(path).into_owned();
        let whole = Whole {
            project: String::from_utf8_lossy(self.project).into_owned(),
            running: self.is_running,
            left: left.collect(),
            held: self.held.iter().map(lossy).collect(),
            unsaid: self.unsaid,
        };
        ascii(&serde_json::to_string_pretty(&whole).unwrap_or_default()) + "\n"
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Whole<'a> {
    project: String,
    running: bool,
    left: Vec<Line<'a>>,
    held: Vec<String>,
    unsaid: &'a [String],
}

#[derive(Serialize)]
struct Line<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    kind: &'static str,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<&'a str>,
    reason: &'static str,
    earlier: bool,
    built: bool,
}

fn is_counted_only(left: &Left<'_>) -> bool {
    left.seen.is_built && left.seen.counted.kind == "executable"
}

fn word(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Changed => "changed",
        Change::Unclear => "new or changed",
        Change::Gone => "gone",
    }
}

/// A line for each thing, and one for many programs in one folder.
fn lines<'a>(left: impl Iterator<Item = &'a Left<'a>>) -> Vec<String> {
    let mut left: Vec<&Left<'_>> = left.filter(|left| !is_counted_only(left)).collect();
    left.sort_by_key(|left| rank(left.seen.counted.kind));
    let mut programs: BTreeMap<&[u8], usize> = BTreeMap::new();
    for left in left.iter().filter(|left| left.seen.counted.kind == "executable") {
        *programs.entry(folder(&left.seen.path)).or_default() += 1;
    }
    programs.retain(|_, count| *count > PROGRAMS_MAX);
    let is_summed = |left: &&Left<'_>| {
        left.seen.counted.kind == "executable" && programs.contains_key(folder(&left.seen.path))
    };
    let single = left.into_iter().filter(|left| !is_summed(left)).map(line);
    let summed = programs.iter().map(|(folder, count)| {
        let folder = if folder.is_empty() { b"." } else { *folder };
        format!("{:<8} {}/: {count} programs", "new", shown(folder))
    });
    single.chain(summed).collect()
}

/// What runs sooner, and with fewer questions, is printed first: a jail can leave any number of the
/// others. Of one kind, the order of the paths stays.
fn rank(kind: &str) -> usize {
    const ORDER: [&str; 16] = [
        "unseen",
        "set-id",
        "bare-repository",
        "git-config",
        "git-hook",
        "git-pointer",
        "shell",
        "editor",
        "agent",
        "package",
        "nix",
        "container",
        "link",
        "special",
        "ci",
        "instructions",
    ];
    ORDER.iter().position(|other| *other == kind).unwrap_or(ORDER.len())
}

fn line(left: &Left<'_>) -> String {
    let seen = left.seen;
    let path = if seen.path.is_empty() { b"." } else { seen.path.as_slice() };
    let part = match (seen.part.name.as_str(), seen.part.says.as_str()) {
        ("", "") => String::new(),
        ("", words) | (words, "") if seen.counted.kind == "unseen" || seen.part.name.is_empty() => {
            format!(" ({})", one_line(words))
        }
        (name, says) => format!(" {} = {}", one_line(name), one_line(says)),
    };
    format!("{:<8} {}{part}: {}", word(left.change), shown(path), seen.counted.reason)
}

/// What was escaped when it was written down.
fn printable(line: &str) -> String {
    line.chars().filter(|character| !character.is_control()).collect()
}

/// A longer path is cut in its middle.
const PATH_MAX: usize = 160;

pub(crate) fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let length = text.chars().count();
    if length <= PATH_MAX {
        return one_line(&text);
    }
    let begin: String = text.chars().take(PATH_MAX / 2).collect();
    let end: String = text.chars().skip(length - PATH_MAX / 2).collect();
    format!("{}…{}", one_line(&begin), one_line(&end))
}

fn folder(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    slash.and_then(|slash| path.get(..slash)).unwrap_or_default()
}

/// What is not ASCII may be read in another order than it is written, or not be seen.
pub(crate) fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || (' '..='~').contains(&character) {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}
