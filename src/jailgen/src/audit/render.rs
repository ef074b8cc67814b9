//! A report as a table. What came out of the jail is shown with everything escaped that a terminal
//! would obey.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::{Check, Granted, Report, Severity, Verdict};
use crate::findings::Finding;
use crate::render::{sanitise, sanitise_line};

const GOOD: Style = AnsiColor::Green.on_default();
const KNOWN: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();

/// The text of a report.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = format!("{TITLE}{}{TITLE:#}\n\n", sanitise(&report.name));
    if let Some(why) = &report.stopped {
        let _ = writeln!(
            text,
            "{BAD}✗{BAD:#} the jail did not start, so nothing was tried: {}",
            sanitise(why)
        );
    }
    for check in &report.checks {
        write_check(&mut text, check);
    }
    if !report.findings.is_empty() {
        let _ = writeln!(text, "\n{TITLE}Granted{TITLE:#}\n");
    }
    for finding in &report.findings {
        write_finding(&mut text, finding);
    }
    if !report.secrets.is_empty() {
        let _ = writeln!(text, "\n{TITLE}Secrets{TITLE:#}\n");
    }
    for secret in &report.secrets {
        let _ = writeln!(text, "  {}", sanitise_line(&secret.to_string()));
    }
    let count = |verdict| report.checks.iter().filter(|check| check.verdict == verdict).count();
    let _ = writeln!(
        text,
        "\n{} checks hold, {} are open because the spec says so, {} failed; {} findings. docs/audit.md explains each code.",
        count(Verdict::Passed),
        count(Verdict::Granted),
        count(Verdict::Failed),
        report.findings.len()
    );
    text
}

// Writing to a string cannot fail.

fn write_check(text: &mut String, check: &Check) {
    let (mark, style) = match check.verdict {
        Verdict::Passed => ('✓', GOOD),
        Verdict::Granted => ('○', KNOWN),
        Verdict::Failed => ('✗', BAD),
    };
    let Check { code, title, evidence, .. } = check;
    let _ = writeln!(text, "{style}{mark}{style:#} {code:<18} {title}");
    let evidence = sanitise_line(evidence);
    let origin = check.granted.as_ref().map(|granted| format!("granted by {}: ", origin(granted)));
    let _ = writeln!(text, "  {:<18} {}{evidence}", "", origin.unwrap_or_default());
    if let Some(fix) = &check.fix {
        let _ = writeln!(text, "  {:<18} → {fix}", "");
    }
}

fn write_finding(text: &mut String, finding: &Finding) {
    let word = finding.severity.as_str();
    let style = match finding.severity {
        Severity::Critical | Severity::High => BAD,
        Severity::Medium => KNOWN,
        Severity::Note => Style::new(),
    };
    let Finding { code, what, combinator, place, fix, .. } = finding;
    let granted = Granted { combinator: combinator.clone(), place: place.clone() };
    let _ = writeln!(text, "{style}{word:<8}{style:#} {code}  {}", sanitise_line(what));
    let _ = writeln!(text, "         granted by {}", origin(&granted));
    let _ = writeln!(text, "         → {fix}");
}

fn origin(granted: &Granted) -> String {
    let place = granted.place.as_ref().map(|place| format!(", {place}"));
    sanitise_line(&format!("`{}`{}", granted.combinator, place.unwrap_or_default()))
}
