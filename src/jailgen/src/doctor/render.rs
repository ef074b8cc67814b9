//! A report as a table.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::{Report, State};
use crate::render::sanitise;

/// The text of a report.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for item in &report.items {
        let (mark, style) = match item.state {
            State::Good => ('✓', AnsiColor::Green.on_default()),
            State::Less => ('!', AnsiColor::Yellow.on_default()),
            State::NoBuild | State::NoRun => ('✗', AnsiColor::Red.on_default().bold()),
        };
        // Writing to a string cannot fail.
        let evidence = sanitise(&item.evidence).replace('\n', " ");
        let _ = writeln!(text, "{style}{mark}{style:#} {:<16} {evidence}", item.code);
        if let Some(fix) = &item.fix {
            let _ = writeln!(text, "  {:<16} → {}", "", sanitise(fix));
        }
        for command in &item.commands {
            let _ = writeln!(text, "  {:<16}   {}", "", sanitise(command));
        }
    }
    let bold = Style::new().bold();
    let _ = writeln!(text, "\n{bold}{}{bold:#}", verdict(report));
    text
}

/// What is left to do by hand: commands, where there are some, and words as comments.
#[must_use]
pub fn commands(report: &Report) -> String {
    let mut text = String::new();
    for item in report.items.iter().filter(|item| item.state != State::Good) {
        let fix = item.fix.as_deref().unwrap_or_default();
        let line = |text: &str| sanitise(text).replace('\n', " ");
        let _ = writeln!(text, "# {}: {}", item.code, line(fix));
        for command in &item.commands {
            let _ = writeln!(text, "{}", line(command));
        }
    }
    text
}

fn verdict(report: &Report) -> &'static str {
    match (report.runs, report.builds) {
        (true, true) => "Jails can be built and run here.",
        (true, false) => "Jails run here, but cannot be built.",
        (false, true) => "Jails can be built here, but do not run.",
        (false, false) => "Jails can neither be built nor run here.",
    }
}
