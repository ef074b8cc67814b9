//! The summary of a batch, for people and for programs. Items and hosts are not the user's words
//! alone, so all of it is escaped.

use std::fmt::Write as _;
use std::path::Path;

use jail_plan::{Seconds, one_line};
use serde::Serialize;

use super::Where;
use super::one::{Ended, Runs};
use crate::cli::failure::Failure;
use crate::many::{Batch, Done, Item, Memory};
use crate::render::{sanitise, sanitise_json, shortened};

/// As much of an item is shown.
const ITEM_MAX: usize = 40;

/// As many hosts are named in a row.
const HOSTS_MAX: usize = 3;

/// An item, and what has become of it.
pub(super) struct Row {
    item: String,
    name: String,
    place: Where,
    pub(super) ended: Ended,
}

impl Row {
    pub(super) fn new(item: &Item, ended: Ended, runs: &Runs<'_>) -> Self {
        let text = item.text.to_string_lossy().into_owned();
        Self { item: text, name: item.name.clone(), place: runs.place(item), ended }
    }

    pub(super) fn in_a_line(&self) -> String {
        let [item, status, time, ..] = self.cells();
        let rest = self.why().unwrap_or(time);
        format!("{item}: {status}{}{rest}", if rest.is_empty() { "" } else { ", " })
    }

    /// Why it could not be started.
    fn why(&self) -> Option<String> {
        match &self.ended {
            Ended::Failed(why) => Some(one_line(why)),
            Ended::Now(_) | Ended::Earlier(_) | Ended::Stopped | Ended::NotBegun => None,
        }
    }

    fn cells(&self) -> [String; 6] {
        let item = shortened(&one_line(&self.item), ITEM_MAX);
        let mut cells =
            [item, self.status(), String::new(), String::new(), String::new(), String::new()];
        if let Ended::Now(done) | Ended::Earlier(done) = &self.ended {
            let [_, _, time, memory, refused, changed] = &mut cells;
            *time = seconds(done.seconds);
            *memory = match done.memory {
                Some(Memory::Peak(bytes)) => format!("{} MiB", bytes.div_ceil(1 << 20)),
                Some(Memory::AtMost(bytes)) => format!("≤ {} MiB", bytes.div_ceil(1 << 20)),
                None => String::new(),
            };
            *refused = hosts(&done.refused);
            let counted = [counted(done.commits, "commit"), counted(done.changed, "file")];
            *changed = counted.into_iter().flatten().collect::<Vec<_>>().join(", ");
        }
        cells
    }

    fn status(&self) -> String {
        match &self.ended {
            Ended::Now(done) => status(done),
            Ended::Earlier(done) => format!("{}, earlier", status(done)),
            Ended::Stopped => "stopped".into(),
            Ended::NotBegun => "not begun".into(),
            Ended::Failed(_) => "failed".into(),
        }
    }
}

fn counted(count: Option<u64>, what: &str) -> Option<String> {
    count.map(|count| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") })
}

fn status(done: &Done) -> String {
    match (done.status, done.signal) {
        (Some(status), _) => format!("exit {status}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "ended".into(),
    }
}

fn seconds(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = std::time::Duration::from_secs_f64(seconds.min(1e9)).as_secs();
    Seconds(whole).to_string()
}

fn hosts(refused: &[String]) -> String {
    let named: Vec<String> = refused.iter().take(HOSTS_MAX).map(|host| one_line(host)).collect();
    let more = refused.len().saturating_sub(HOSTS_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    named.join(", ") + &more
}

const HEAD: [&str; 6] = ["item", "status", "time", "memory", "refused", "changed"];

pub(super) fn in_words(rows: &[Row]) -> String {
    let head = (HEAD.map(str::to_owned), None);
    let rows: Vec<([String; 6], Option<String>)> =
        std::iter::once(head).chain(rows.iter().map(|row| (row.cells(), row.why()))).collect();
    let mut widths = [0; 6];
    for (row, _) in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for (row, why) in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths).filter(|(_, width)| *width > 0) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
        if let Some(why) = why {
            let _ = writeln!(text, "    {why}");
        }
    }
    sanitise(&text).into_owned()
}

#[derive(Serialize)]
struct Shown<'a> {
    logs: &'a Path,
    runs: Vec<ShownRun<'a>>,
}

#[derive(Serialize)]
struct ShownRun<'a> {
    item: &'a str,
    name: &'a str,
    /// `ended`, `earlier`, `stopped`, `not-begun` or `failed`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    status: Option<i32>,
    signal: Option<i32>,
    seconds: Option<f64>,
    memory: Option<Memory>,
    refused: &'a [String],
    changed: Option<u64>,
    commits: Option<u64>,
    stage: Option<&'a str>,
    worktree: Option<&'a Path>,
}

pub(super) fn json(rows: &[Row], batch: &Batch) -> Result<String, Failure> {
    let shown = Shown { logs: &batch.logs(), runs: rows.iter().map(shown).collect() };
    let json = serde_json::to_string_pretty(&shown)
        .map_err(|error| Failure::new(format!("the summary cannot be written: {error}")))?;
    Ok(sanitise_json(&json).into_owned() + "\n")
}

fn shown(row: &Row) -> ShownRun<'_> {
    let (state, done, error) = match &row.ended {
        Ended::Now(done) => ("ended", Some(done), None),
        Ended::Earlier(done) => ("earlier", Some(done), None),
        Ended::Stopped => ("stopped", None, None),
        Ended::NotBegun => ("not-begun", None, None),
        Ended::Failed(why) => ("failed", None, Some(why.as_str())),
    };
    ShownRun {
        item: &row.item,
        name: &row.name,
        state,
        error,
        status: done.and_then(|done| done.status),
        signal: done.and_then(|done| done.signal),
        seconds: done.map(|done| done.seconds),
        memory: done.and_then(|done| done.memory),
        refused: done.map_or(&[], |done| &done.refused),
        changed: done.and_then(|done| done.changed),
        commits: done.and_then(|done| done.commits),
        stage: (row.place == Where::Stage).then_some(row.name.as_str()),
        worktree: match &row.place {
            Where::Worktree(folder) => Some(folder),
            Where::Stage | Where::Folder => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_one_line_for_each_item_and_nothing_that_a_terminal_obeys() {
        let done = Done {
            status: Some(3),
            seconds: 75.0,
            memory: Some(Memory::Peak(5 << 20)),
            refused: ["a\u{1b}[2J", "b", "c", "d"].map(Into::into).to_vec(),
            changed: Some(1),
            ..Done::default()
        };
        let row = |item: &str, ended: Ended| Row {
            item: item.into(),
            name: "x".into(),
            place: Where::Stage,
            ended,
        };
        let rows = [
            row("a\nb\u{1b}[2J", Ended::Now(done.clone())),
            row(&"x".repeat(100), Ended::Stopped),
            row("c", Ended::Failed("why\nnot".into())),
        ];
        let text = in_words(&rows);
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        for part in [
            "a\\nb\\u{1b}[2J ",
            "exit 3   1 min 15 s  5 MiB   a\\u{1b}[2J, b, c and 1 more  1 file\n",
            "…  stopped\n",
            "failed\n    why\\nnot\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
