//! Branches and tags in words, and for programs. Names come from a jail, and none is printed as it
//! is.

use std::fmt::Write as _;

use serde::Serialize;

use super::act::Outcome;
use super::decision::{Brought, Head, How, Move, Plan};
use super::refname::{BRANCHES, TAGS};
use super::refs::Value;
use crate::handoff::report::shown;

/// More are counted.
const NAMED_MAX: usize = 200;

/// A reference, for programs.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) struct Line {
    repository: String,
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    ahead: usize,
    behind: usize,
    /// What happens, in words.
    change: String,
    /// Whether something of the project would change.
    applied: bool,
    /// What it brings that host programs execute or trust.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    executed: Vec<Executed>,
    /// It stays without a word about that, because it is checked out.
    held: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Executed {
    path: String,
    executed_by: &'static str,
    executed: &'static str,
}

fn executed(all: &[Brought]) -> Vec<Executed> {
    let one = |(path, (by, reason)): &Brought| Executed {
        path: String::from_utf8_lossy(path).into_owned(),
        executed_by: by,
        executed: reason,
    };
    all.iter().map(one).collect()
}

/// What is decided, for programs.
pub(in super::super) fn lines(plans: &[Plan]) -> Vec<Line> {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut all = Vec::new();
    for plan in plans {
        let repository = text(&plan.repository);
        let line = |reference: String, change: String, applied: bool| Line {
            repository: repository.clone(),
            reference,
            to: None,
            before: None,
            after: None,
            ahead: 0,
            behind: 0,
            change,
            applied,
            executed: Vec::new(),
            held: false,
        };
        if let Some(why) = &plan.refused {
            all.push(line(String::new(), format!("stays in the stage: {why}"), false));
            continue;
        }
        all.extend(plan.moves.iter().map(|it| Line {
            to: (it.to != it.name).then(|| text(&it.to)),
            before: it.before.map(|id| id.text()),
            after: it.after.map(|id| id.text()),
            ahead: it.ahead,
            behind: it.behind,
            executed: executed(&it.executed),
            held: it.is_checked_out && !it.executed.is_empty(),
            ..line(text(&it.name), change(it), it.is_done())
        }));
        if let Some(head) = &plan.head {
            let executed = executed(&head.executed);
            let held = !executed.is_empty();
            let line = line("HEAD".into(), head_change(head), head.refused.is_none());
            all.push(Line { executed, held, ..line });
        }
    }
    all
}

/// For people.
pub(in super::super) fn summary(plans: &[Plan]) -> String {
    let mut text = String::new();
    for plan in plans.iter().filter(|plan| !plan.is_empty()) {
        let name = shown(&plan.repository);
        let _ = match &plan.refused {
            Some(why) => writeln!(text, "{name}/  left in the stage: {why}"),
            None => writeln!(text, "{name}/"),
        };
        for it in plan.moves.iter().take(NAMED_MAX) {
            let _ = writeln!(text, "  {}: {}", called(&it.name), change(it));
        }
        for it in &plan.moves {
            name_brought(&mut text, &called(&it.name), &it.executed);
        }
        if let Some(more @ 1..) = plan.moves.len().checked_sub(NAMED_MAX) {
            let _ = writeln!(text, "  and {more} more references");
        }
        if let Some(head) = &plan.head {
            let _ = writeln!(text, "  HEAD: {}", head_change(head));
            name_brought(&mut text, "HEAD", &head.executed);
        }
    }
    text
}

/// All of it is named, as with files.
fn name_brought(text: &mut String, name: &str, all: &[Brought]) {
    for (path, (_, reason)) in all {
        let _ = writeln!(text, "  {name} brings {}  ! {reason}", shown(path));
    }
}

/// What came of it.
pub(in super::super) fn outcome(outcomes: &[Outcome<'_>]) -> String {
    let mut text = String::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.plan.is_empty()) {
        let name = shown(&outcome.plan.repository);
        if let Some(why) = &outcome.refused {
            let _ = writeln!(text, "{name}/ is left in the stage: {}", shown(why.as_bytes()));
            continue;
        }
        let mut lines = Vec::new();
        for (it, done) in &outcome.moves {
            lines.push(match done {
                Ok(()) => format!("{}: {}", called(&it.name), change(it)),
                Err(why) => {
                    format!("{}: left in the stage: {}", called(&it.name), shown(why.as_bytes()))
                }
            });
        }
        let left = outcome.plan.moves.iter().filter(|it| !it.is_done());
        lines.extend(left.map(|it| format!("{}: {}", called(&it.name), change(it))));
        if let Some(head) = &outcome.plan.head {
            lines.push(match &outcome.head {
                Some(Err(why)) => format!("HEAD: left as it is: {}", shown(why.as_bytes())),
                Some(Ok(())) | None => format!("HEAD: {}", head_change(head)),
            });
        }
        if !lines.is_empty() {
            let _ = writeln!(text, "{name}/");
        }
        for line in lines.iter().take(NAMED_MAX) {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(more @ 1..) = lines.len().checked_sub(NAMED_MAX) {
            let _ = writeln!(text, "  and {more} more references");
        }
    }
    text
}

/// What of all this decides what is applied: it changes when anything of it does.
pub(in super::super) fn digest(plans: &[Plan]) -> String {
    let decided = plans.iter().map(|plan| {
        let Plan { repository, refused, moves, head, length: _, wanted: _ } = plan;
        format!("{repository:?} {refused:?} {moves:?} {head:?}")
    });
    decided.collect()
}

fn called(name: &[u8]) -> String {
    let (kind, name) = match (name.strip_prefix(BRANCHES), name.strip_prefix(TAGS)) {
        (Some(branch), _) => ("branch ", branch),
        (_, Some(tag)) => ("tag ", tag),
        (None, None) => ("", name),
    };
    format!("{kind}{}", shown(name))
}

fn change(it: &Move) -> String {
    let is_branch = it.name.starts_with(BRANCHES);
    match &it.how {
        How::Moved if it.before.is_none() && is_branch => format!("new, {}", commits(it.ahead)),
        How::Moved if it.before.is_none() => "new".into(),
        How::Moved if it.behind == 0 => format!("{} ahead", commits(it.ahead)),
        How::Moved => {
            format!("rewritten: {} in the place of {}", commits(it.ahead), commits(it.behind))
        }
        How::Aside(why) => format!("{why}; the stage's is kept as {}", shown(&it.to)),
        How::Kept(why) => format!("{why}; the stage's is {} already", shown(&it.to)),
        How::Deleted => "deleted".into(),
        How::Refused(why) => format!("left in the stage: {why}"),
    }
}

fn commits(count: usize) -> String {
    if count == 1 { "1 commit".into() } else { format!("{count} commits") }
}

fn head_change(head: &Head) -> String {
    if let Some(why) = head.refused {
        return format!("left as it is: {why}");
    }
    format!("from {} to {}", target(&head.before), target(&head.after))
}

fn target(value: &Value) -> String {
    match value {
        Value::Is(id) => id.text(),
        Value::Symbolic(name) => called(name),
        Value::Unreadable => "nothing that can be read".into(),
    }
}
