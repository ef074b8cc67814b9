//! A report as text. Names of programs are the jail's, and are shown with everything escaped that a
//! terminal would obey.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::{OneCall, Report};
use crate::render::{sanitise, shortened};

const TITLE: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The text of a report, most frequent calls first.
#[must_use]
pub fn render(report: &Report, width: usize) -> String {
    let Report { name, arch, calls, missed, .. } = report;
    let total: u64 = calls.iter().map(|call| call.count).sum();
    let title = format!("{} made {total} system calls of {} kinds", sanitise(name), calls.len());
    // Writing to a string cannot fail.
    let mut text = format!("{TITLE}{title} ({arch}){TITLE:#}\n");
    let mut sorted: Vec<&OneCall> = calls.iter().collect();
    sorted.sort_by_key(|call| (std::cmp::Reverse(call.count), call.number));
    for call in sorted {
        let _ = writeln!(text, "{}", line(call, width));
    }
    let list = match &report.agent {
        Some(agent) => format!("the list of {agent}"),
        None => "the general list".to_owned(),
    };
    let _ = writeln!(text, "\n{TITLE}Under `seccomp \"strict\"`{TITLE:#} ({list})");
    if missed.is_empty() {
        let _ = writeln!(text, "  each of them would end the same way");
    }
    if !missed.is_empty() {
        let _ = writeln!(text, "  {BAD}missing{BAD:#}: {}", missed.join(" "));
    }
    if let Some(add) = &report.add {
        let _ = writeln!(text, "  to go on as now: {add}");
    }
    text
}

fn line(call: &OneCall, width: usize) -> String {
    let name = call.name.as_deref().unwrap_or("(no call of this processor)");
    let mut fates = String::new();
    for (under, fates_of) in [("", &call.default), ("strict: ", &call.strict)] {
        // Under strict only what is not the same as now.
        if under.is_empty() || call.strict != call.default {
            fates += &refusals(under, fates_of, call.count);
        }
    }
    let programs: Vec<_> = call.programs.iter().map(|program| one_word(program)).collect();
    let start = format!("{:>9}  {name:<22} ", call.count);
    let room = width.saturating_sub(start.chars().count() + fates.chars().count() + 1);
    let shown = shortened(&programs.join(" "), room.max(12));
    let text = format!("{start}{shown}{}{fates}", if fates.is_empty() { "" } else { " " });
    text.trim_end().to_owned()
}

/// What was not carried out: `[EPERM 2 of 10] `.
fn refusals(under: &str, fates: &BTreeMap<String, u64>, of: u64) -> String {
    let refused = fates.iter().filter(|(fate, _)| *fate != "carried out");
    refused
        .map(|(fate, count)| match *count == of {
            true => format!("[{under}{fate}]"),
            false => format!("[{under}{fate} {count} of {of}]"),
        })
        .collect()
}

fn one_word(program: &str) -> String {
    sanitise(program).replace(char::is_whitespace, "_")
}
