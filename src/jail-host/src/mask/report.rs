//! What is reported to the launcher: matches that are not masked, obstacles,
//! and globs without a match.

use std::collections::{BTreeMap, BTreeSet};

use jail_plan::helper::Refusal;
use jail_plan::mask::{MASKED_MAX, Part};
use jail_plan::one_line;

use super::{List, Listed, TIME_MAX};
use crate::walk::tracked::Standing;
use crate::walk::{Match, NAMES_MAX, Unseen, Walked, Why};

type Standings = BTreeMap<Vec<u8>, Standing>;
type Hidden<'w> = BTreeMap<&'w Vec<u8>, &'w Match>;

/// The lines, each with the number of the glob that it is about.
pub(super) fn lines(
    walked: &Walked,
    standings: &Standings,
    hidden: &Hidden<'_>,
    globs: &List,
) -> Vec<Part> {
    let mut lines = Vec::new();
    let mut say = |paths: Vec<&Vec<u8>>, line: &dyn Fn(&str) -> String| {
        let glob = paths.first().and_then(|path| walked.matches.get(*path)).map(|it| it.glob);
        if let Some(named) = named(&paths) {
            let number = glob.and_then(|glob| globs.get(glob)).map_or(0, |listed| listed.said);
            lines.push(Part::Line(number, line(&named)));
        }
    };
    let with = |wanted: Standing| {
        let them = standings.iter().filter(move |(_, standing)| **standing == wanted);
        them.map(|(path, _)| path)
    };
    say(with(Standing::Tracked).collect(), &|files| {
        format!("not masked, because git tracks it and has its content: {files}")
    });
    say(with(Standing::Differs).filter(|path| hidden.contains_key(path)).collect(), &|files| {
        format!(
            "masked, although git's index names it, because its content is not what the index has: {files}; do not commit it from inside"
        )
    });
    say(with(Standing::Unreadable).filter(|path| hidden.contains_key(path)).collect(), &|files| {
        format!(
            "masked without knowing whether git tracks it, because its repository's index cannot be read: {files}"
        )
    });
    let elsewhere: Vec<_> = walked.named_elsewhere().collect();
    let elsewhere = hidden.keys().copied().filter(|path| elsewhere.contains(&path.as_slice()));
    say(elsewhere.collect(), &|files| {
        format!("masked, but it has another name outside of the project, or was given one: {files}")
    });
    let matched: BTreeSet<&str> = walked
        .matches
        .values()
        .filter_map(|found| globs.get(found.glob).map(|listed| listed.glob.as_str()))
        .collect();
    for Listed { glob, said, is_known } in globs {
        if !is_known && !glob.starts_with('!') && !matched.contains(glob.as_str()) {
            let line = format!("nothing in the project matches `{}`", one_line(glob));
            lines.push(Part::Line(*said, line));
        }
    }
    let mounts = walked.unseen.iter().filter(|it| it.why == Why::Mount);
    let closed = walked.unseen.iter().filter(|it| matches!(it.why, Why::Closed { .. }));
    for (unseen, why) in [
        (mounts.collect::<Vec<_>>(), "nothing is masked where something else is mounted"),
        (closed.collect(), "nothing is masked in a folder of another user that cannot be listed"),
    ] {
        let paths: Vec<_> = unseen.iter().map(|unseen| &unseen.path).collect();
        if let Some(named) = named(&paths) {
            lines.push(Part::Line(0, format!("{why}: {named}")));
        }
    }
    lines
}

/// The first ones, and how many more there are.
fn named(paths: &[&Vec<u8>]) -> Option<String> {
    const SHOWN: usize = 3;
    if paths.is_empty() {
        return None;
    }
    let shown = paths.iter().take(SHOWN).map(|path| format!("`{}`", shown(path)));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if let Some(more) = paths.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    Some(text)
}

/// A path that an earlier jail may have chosen.
fn shown(path: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = one_line(&String::from_utf8_lossy(path));
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Why the launch stops.
pub(super) fn refusal(Unseen { path, why }: &Unseen) -> Refusal {
    let object = if path.is_empty() { "the project".into() } else { shown(path) };
    let (cause, help, error) = match why {
        Why::Closed { .. } => (
            "it cannot be listed, so nothing in it can be masked, but the jail could open it"
                .into(),
            "make it readable again, `chmod u+rx`, or remove it",
            0,
        ),
        Why::TooMany => (
            format!("it has more than {NAMES_MAX} names, too many to search for masked files"),
            "check what fills it; start the jail in a smaller folder",
            0,
        ),
        Why::TooManyMatches => (
            format!("more than {MASKED_MAX} files are to be masked, and each is a mount"),
            "write narrower globs, or except some files: `(mask [ \"!fixtures/**\" ])`",
            0,
        ),
        Why::TooLong => (
            format!("it takes more than {} seconds to search", TIME_MAX.as_secs()),
            "check what fills it; start the jail in a smaller folder, or on a faster file system",
            0,
        ),
        Why::TooDeep => (
            "it is nested too deeply to be read, so nothing in it can be masked".into(),
            "check what is there, and remove it",
            0,
        ),
        Why::TooManyLinks => (
            "too many links that are to be masked lead to folders".into(),
            "check what is there, and remove it",
            0,
        ),
        Why::Failed(error) => (
            String::new(),
            "check what is there: what cannot be read cannot be masked",
            error.raw_os_error(),
        ),
        // It is printed, and the launch goes on.
        Why::Mount => ("something else is mounted there".into(), "", 0),
    };
    Refusal { object, cause, error, help: help.into() }
}
