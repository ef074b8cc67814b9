//! What a session did, for the page: hosts that it reached and was refused, what it left in the
//! project, and limits that it met. All of it comes from a jail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sources::{Source, anchor};
use crate::render::sanitise_line as shown;
use crate::session::{Line, to_the_second};

/// As many rows of a table are shown.
const ROWS_MAX: usize = 200;

/// What is known of a session.
#[derive(Clone, Debug)]
pub struct Deeds {
    /// What it is called on the command line.
    pub session: String,
    /// Whether it still runs.
    pub is_running: bool,
    /// The lines of the network's log that are about it.
    pub lines: Vec<Line>,
    /// What sessions left in the project, or why that is not known.
    pub left: Result<Ledger, String>,
    /// The limits that it has met, where the kernel still counts them.
    pub limits: Option<Vec<String>>,
}

/// What the helper says about a project, as `jailgen handoff --json` prints it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Ledger {
    project: String,
    left: Vec<LedgerLine>,
}

#[derive(Clone, Debug, Deserialize)]
struct LedgerLine {
    path: String,
    #[serde(default)]
    part: Option<String>,
    change: String,
    #[serde(default)]
    says: Option<String>,
    reason: String,
    earlier: bool,
}

/// The same, as the page shows it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Section {
    session: String,
    is_running: bool,
    /// From the first line of the log to the last one.
    first: Option<String>,
    last: Option<String>,
    tables: Vec<Table>,
    project: Option<String>,
    /// Why it is not known what was left.
    unknown: Option<String>,
    limits: Option<Vec<String>>,
}

#[derive(Clone, Debug, Serialize)]
struct Table {
    id: &'static str,
    title: &'static str,
    /// What it says when it has no rows.
    empty: &'static str,
    rows: Vec<Row>,
    /// How many rows are not shown.
    more: usize,
}

#[derive(Clone, Debug, Serialize)]
struct Row {
    what: String,
    how: String,
    note: String,
    place: Option<String>,
    anchor: Option<String>,
}

impl Deeds {
    pub(super) fn section(&self, sources: &[Source]) -> Section {
        let times: Vec<&str> = self.lines.iter().map(|line| line.time.as_str()).collect();
        let time = |time: Option<&&str>| time.map(|time| shown(&to_the_second(time)));
        let mut tables = vec![
            table("reached", "Reached", "no host", self.hosts("allowed", sources)),
            table("refused", "Was refused", "nothing", self.hosts("refused", sources)),
        ];
        let others = [
            ("failed", "Could not be reached", self.hosts("failed", sources)),
            ("secrets", "Secrets that were sent", self.secrets()),
            ("changed", "Rules that were changed", self.said("changed")),
            ("trouble", "Trouble of the network", self.said("trouble")),
        ];
        for (id, title, rows) in others.into_iter().filter(|(.., rows)| !rows.is_empty()) {
            tables.push(table(id, title, "", rows));
        }
        if let Ok(ledger) = &self.left {
            let rows = ledger.left.iter().map(LedgerLine::row).collect();
            let title = "Left in the project, for programs outside to execute or trust";
            tables.push(table("left", title, "nothing that is new or not approved", rows));
        }
        Section {
            session: shown(&self.session),
            is_running: self.is_running,
            first: time(times.iter().min()),
            last: time(times.iter().max()),
            tables,
            project: self.left.as_ref().ok().map(|ledger| shown(&ledger.project)),
            unknown: self.left.as_ref().err().map(|why| shown(why)),
            limits: self.limits.as_ref().map(|all| all.iter().map(|it| shown(it)).collect()),
        }
    }

    /// The hosts of a verdict, each once, those that were asked for most first.
    fn hosts(&self, verdict: &str, sources: &[Source]) -> Vec<Row> {
        let mut hosts: BTreeMap<String, (u64, &Line)> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.verdict == verdict) {
            let host = line.host.as_deref().or(line.address.as_deref()).unwrap_or_default();
            let port = line.port.map(|port| format!(":{port}")).unwrap_or_default();
            let known = hosts.entry(format!("{host}{port}")).or_insert((0, line));
            known.0 = known.0.saturating_add(line.times.unwrap_or(1));
        }
        let mut hosts: Vec<_> = hosts.into_iter().collect();
        hosts.sort_by(|(_, (a, _)), (_, (b, _))| b.cmp(a));
        let row = |(host, (times, line)): (String, (u64, &Line))| {
            let remedy = line.remedy.as_ref().map(|remedy| format!("to allow it: {remedy}"));
            let by = line.by.as_ref().map(|by| format!("by {by}"));
            let note: Vec<_> = [line.reason.clone(), by, remedy].into_iter().flatten().collect();
            Row {
                what: shown(&host),
                how: times_in_words(times),
                note: shown(&note.join("; ")),
                place: line.place.as_deref().map(shown),
                anchor: line.place.as_deref().and_then(|place| anchor(place, sources)),
            }
        };
        hosts.into_iter().map(row).collect()
    }

    /// How often each secret went to each host. The last line about them has all of it.
    fn secrets(&self) -> Vec<Row> {
        let mut sent: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.verdict == "used") {
            let host = line.host.as_deref().unwrap_or("other hosts");
            let key = (line.secret.as_deref().unwrap_or_default(), host);
            let count = sent.entry(key).or_default();
            *count = (*count).max(line.count.unwrap_or(1));
        }
        let row = |((secret, host), count): ((&str, &str), u64)| {
            Row::plain(secret, times_in_words(count), host)
        };
        sent.into_iter().map(row).collect()
    }

    fn said(&self, verdict: &str) -> Vec<Row> {
        let lines = self.lines.iter().filter(|line| line.verdict == verdict);
        let row = |line: &Line| {
            let host = line.host.as_deref().unwrap_or_default();
            Row::plain(host, to_the_second(&line.time), line.reason.as_deref().unwrap_or_default())
        };
        lines.map(row).collect()
    }
}

impl LedgerLine {
    fn row(&self) -> Row {
        let part = self.part.as_deref().map(|part| format!(" {part}")).unwrap_or_default();
        let says = self.says.as_deref().map(|says| format!(" = {says}")).unwrap_or_default();
        let earlier = if self.earlier { ", by an earlier session" } else { "" };
        Row::plain(
            &format!("{}{part}{says}", self.path),
            format!("{}{earlier}", self.change),
            &self.reason,
        )
    }
}

impl Row {
    fn plain(what: &str, how: impl AsRef<str>, note: &str) -> Self {
        let (place, anchor) = (None, None);
        Self { what: shown(what), how: shown(how.as_ref()), note: shown(note), place, anchor }
    }
}

fn table(id: &'static str, title: &'static str, empty: &'static str, mut rows: Vec<Row>) -> Table {
    let more = rows.len().saturating_sub(ROWS_MAX);
    rows.truncate(ROWS_MAX);
    Table { id, title, empty, rows, more }
}

fn times_in_words(times: u64) -> String {
    if times == 1 { "once".into() } else { format!("{times} times") }
}
