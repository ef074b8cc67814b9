//! An explanation as text: three lines that say most, then one screen with the origin of each line
//! at the right.

use std::borrow::Cow;
use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use jail_policy::Severity;
use jail_registry::names;

use super::{Explanation, Line, Summary};
use crate::findings::Finding;
use crate::render::sanitise;

const TITLE: Style = Style::new().bold();
const WIDE: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// The text of an explanation, at most about `width` columns wide.
#[must_use]
pub fn render(explanation: &Explanation, width: usize) -> String {
    let layout = Layout::for_explanation(explanation, width);
    let mut text = format!("{TITLE}{}{TITLE:#}\n", one_line(&explanation.name));
    text += &summary(&explanation.summary, width);
    let mut findings = shown_findings(explanation).peekable();
    if findings.peek().is_some() {
        let _ = writeln!(text, "\n{TITLE}Findings{TITLE:#}");
    }
    findings.for_each(|finding| layout.finding(&mut text, finding));
    for group in &explanation.groups {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{TITLE}{}{TITLE:#}", group.title);
        for line in &group.lines {
            layout.line(&mut text, line);
        }
    }
    let _ = writeln!(text, "\n{TITLE}Not there{TITLE:#}");
    let room = width.saturating_sub(INDENT);
    for line in wrapped(list(&explanation.absent, room), room) {
        let _ = writeln!(text, "{:INDENT$}{line}", "");
    }
    text
}

/// More than a note: the line of the grant itself says what a note says.
fn shown_findings(explanation: &Explanation) -> impl Iterator<Item = &Finding> {
    explanation.findings.iter().filter(|finding| finding.severity != Severity::Note)
}

/// The three lines alone, none of them broken; with the jail's name above where there are
/// `several`.
#[must_use]
pub fn brief(explanations: &[Explanation]) -> String {
    let one = |explanation: &Explanation| summary(&explanation.summary, usize::MAX);
    if let [explanation] = explanations {
        return one(explanation);
    }
    let named = |it: &Explanation| format!("{TITLE}{}{TITLE:#}\n{}", one_line(&it.name), one(it));
    explanations.iter().map(named).collect::<Vec<_>>().join("\n")
}

/// The longest of the words that the three lines begin with, and two spaces.
const WORD: usize = "Reaches  ".len();

fn summary(summary: &Summary, width: usize) -> String {
    let mut text = String::new();
    for (word, what) in summary.lines() {
        let what = one_line(&what);
        let room = width.saturating_sub(WORD);
        for (index, part) in wrapped(what.split(' '), room).iter().enumerate() {
            let word = if index == 0 { word } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{TITLE}{word:<WORD$}{TITLE:#}{part}");
        }
    }
    text
}

const INDENT: usize = 2;
/// The middle column is never narrower than this, however narrow the terminal is.
const MIDDLE_MIN: usize = 24;

struct Layout {
    how: usize,
    middle: usize,
}

impl Layout {
    fn for_explanation(explanation: &Explanation, width: usize) -> Self {
        let lines = || explanation.groups.iter().flat_map(|group| &group.lines);
        let severities = shown_findings(explanation).map(|finding| finding.severity.as_str());
        let how = lines().map(|line| line.how).chain(severities).map(str::len).max();
        let how = how.unwrap_or_default() + 2;
        let right = lines().map(|line| origin(line).chars().count()).max().unwrap_or_default();
        let middle = width.saturating_sub(INDENT + how + 2 + right).max(MIDDLE_MIN);
        Self { how, middle }
    }

    /// What is dangerous, and what to do.
    fn finding(&self, text: &mut String, finding: &Finding) {
        let style = match finding.severity {
            Severity::Critical | Severity::High => BAD,
            Severity::Medium => WIDE,
            Severity::Note => Style::new(),
        };
        let line = Line {
            how: finding.severity.as_str(),
            what: vec![format!("{}: {}", finding.code, finding.what)],
            note: Some(finding.fix),
            combinator: Some(finding.combinator.clone()),
            place: finding.place.clone(),
        };
        self.styled(text, &line, style);
    }

    fn line(&self, text: &mut String, line: &Line) {
        let style = if is_wide(line) { WIDE } else { Style::new() };
        self.styled(text, line, style);
    }

    fn styled(&self, text: &mut String, line: &Line, style: Style) {
        let Self { how, middle } = *self;
        let left = format!("{:INDENT$}{style}{:<how$}{style:#}", "", line.how);
        let next = format!("{:1$}", "", INDENT + how);
        let note = line.note.map(|note| format!("({note})"));
        let note = note.iter().flat_map(|note| note.split(' ')).map(str::to_owned);
        let what = cut(line);
        for (index, part) in wrapped(list(&what, middle).chain(note), middle).iter().enumerate() {
            if index == 0 {
                let origin = origin(line);
                let _ = writeln!(text, "{left}{part:<middle$}  {FAINT}{origin}{FAINT:#}");
            } else {
                let _ = writeln!(text, "{next}{part}");
            }
        }
    }
}

/// At most this many packages, and variables for certificates, are named.
const PACKAGES_MAX: usize = 15;
const CERTIFICATES_MAX: usize = 3;

/// The combinators that set variables for one thing only: where the certificates are.
const FOR_CERTIFICATES: [&str; 6] = [
    names::NETWORK,
    names::NETWORK_ALLOW,
    names::INTERNET,
    names::HTTP_ALLOW,
    names::SECRET,
    names::SECRET_FILE,
];

/// What a line names. A long list of packages, or of variables for certificates, is cut: they give
/// nothing of the host, and `--json` has all. Variables that the spec sets by their names are all
/// there.
fn cut(line: &Line) -> Vec<Cow<'_, str>> {
    let most = match (line.how, line.combinator.as_deref()) {
        ("from", _) => PACKAGES_MAX,
        ("set", Some(combinator)) if FOR_CERTIFICATES.contains(&combinator) => CERTIFICATES_MAX,
        (_, _) => usize::MAX,
    };
    let mut what: Vec<_> = line.what.iter().map(|it| Cow::Borrowed(it.as_str())).collect();
    if what.len() > most {
        let more = what.len() - (most - 1);
        what.truncate(most - 1);
        what.push(format!("{more} more").into());
    }
    what
}

/// Grants that let the program change or reach the host are highlighted.
fn is_wide(line: &Line) -> bool {
    matches!(line.how, "read-write" | "device" | "the host's" | "shared")
}

fn origin(line: &Line) -> String {
    match (&line.place, &line.combinator) {
        (Some(place), Some(combinator)) => {
            format!("{}  {}", one_line(place), one_line(combinator))
        }
        (None, Some(combinator)) => one_line(combinator),
        (Some(_) | None, None) => "by default".into(),
    }
}

/// What a wrapper holds of names and places could go on in another line, and say there what is not
/// so.
fn one_line(text: &str) -> String {
    sanitise(text).replace('\r', "\\r").replace('\n', "\\n")
}

/// The items with commas between them. An item stays in one piece if `width` allows it.
fn list(items: &[impl AsRef<str>], width: usize) -> impl Iterator<Item = String> {
    let last = items.len().saturating_sub(1);
    items.iter().enumerate().flat_map(move |(index, item)| {
        let comma = if index < last { "," } else { "" };
        let item = format!("{}{comma}", one_line(item.as_ref()));
        if item.chars().count() <= width {
            return vec![item];
        }
        item.split(' ').map(str::to_owned).collect()
    })
}

/// The words in lines of at most `width` columns, where a word allows it.
pub(crate) fn wrapped(words: impl Iterator<Item = impl AsRef<str>>, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words {
        let word = word.as_ref();
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}
