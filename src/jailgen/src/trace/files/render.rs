//! What a run missed, as text. All names are the jail's, and are shown with everything escaped that
//! a terminal would obey.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::{Group, LeftOut, Report, Risk, Seen};
use crate::render::sanitise_line as line;

const TITLE: Style = Style::new().bold();
const GRANT: Style = AnsiColor::Cyan.on_default();
const HIGH: Style = AnsiColor::Red.on_default().bold();

/// The text of a report.
#[must_use]
pub fn render(report: &Report) -> String {
    let Report { name, groups, left_out, not_recorded, hosts } = report;
    let name = line(name);
    let mut text = match groups.len() {
        0 => format!("{TITLE}{name} missed nothing that exists outside{TITLE:#}\n"),
        _ => format!("{TITLE}{name} missed the following{TITLE:#}\n"),
    };
    for group in groups {
        text += &one(group);
    }
    text += "\n";
    // Writing to a string cannot fail.
    match hosts {
        Seen::NoNetwork => text += "Hosts: the jail has no network, so no name was looked up.\n",
        Seen::AllAllowed => text += "Hosts: the jail has all of the host's network.\n",
        Seen::ByName => {}
    }
    for LeftOut { reason, count } in left_out {
        let names = if *count == 1 { "name" } else { "names" };
        let _ = writeln!(text, "Left out: {count} {names}; {reason}.");
    }
    if *not_recorded > 0 {
        let _ = writeln!(text, "Not recorded: {not_recorded} more paths.");
    }
    text
}

fn one(group: &Group) -> String {
    let mut text = format!("\n{TITLE}{}{TITLE:#}\n", line(&group.title));
    for wanted in &group.wanted {
        let programs: Vec<String> = wanted.programs.iter().map(|program| line(program)).collect();
        let by =
            if programs.is_empty() { String::new() } else { format!("  ({})", programs.join(" ")) };
        let _ = writeln!(text, "    {}: {}{by}", line(&wanted.name), line(&wanted.result));
    }
    if group.more > 0 {
        let _ = writeln!(text, "    and {} more", group.more);
    }
    for grant in &group.grants {
        let _ = writeln!(text, "  to allow it: {GRANT}{}{GRANT:#}", line(grant));
    }
    let risk = match group.risk {
        Risk::High => format!("{HIGH}high{HIGH:#}"),
        Risk::Low | Risk::Medium => group.risk.as_str().to_owned(),
    };
    let _ = writeln!(text, "  risk: {risk}: {}", line(&group.because));
    text
}
