//! Pages as text: Markdown without its marks where colours can say the same.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::{Entry, Parameter};
use crate::explain::wrapped;

const TITLE: Style = Style::new().bold();
const CODE: Style = AnsiColor::Cyan.on_default();
const INDENT: usize = 2;

/// The page of one entry, at most about `width` columns wide.
#[must_use]
pub fn page(entry: &Entry, width: usize) -> String {
    let mut text = format!("{TITLE}{}{TITLE:#}\n\n", entry.form);
    text.push_str(&prose(&format!("{}.", entry.summary), width));
    if !entry.docs.is_empty() {
        text.push_str(&format!("\n{}", prose(entry.docs, width)));
    }
    if let Some(agent) = &entry.agent {
        let state: Vec<_> = agent.state.iter().map(|path| format!("`{path}`")).collect();
        let words = format!(
            "The command is `{}`, the package `agents.{}`; its state on the host is {}.",
            agent.command,
            agent.package,
            state.join(", ")
        );
        text.push_str(&format!("\n{}", prose(&words, width)));
    }
    if !entry.arguments.is_empty() {
        text.push_str(&format!("\n{TITLE}Arguments{TITLE:#}\n{}", arguments(entry, width)));
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "\n{TITLE}Example{TITLE:#}\n{}", code(entry.example));
    if !entry.notes.is_empty() {
        text.push_str(&format!("\n{}", prose(&entry.notes.join(" "), width)));
    }
    text
}

/// All entries in their groups, a line each.
#[must_use]
pub fn list(entries: &[Entry], width: usize) -> String {
    let names = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    let mut group = "";
    for entry in entries {
        if entry.group != group {
            let space = if group.is_empty() { "" } else { "\n" };
            group = entry.group;
            let _ = writeln!(text, "{space}{TITLE}{group}{TITLE:#}");
        }
        let room = width.saturating_sub(INDENT + names + 2);
        let summary = first_line(entry.summary, room);
        let _ = writeln!(text, "{:INDENT$}{CODE}{:<names$}{CODE:#}  {summary}", "", entry.name);
    }
    text
}

/// As much of a sentence as a line holds.
fn first_line(sentence: &str, room: usize) -> String {
    let plain = sentence.replace('`', "");
    let mut lines = wrapped(plain.split(' '), room.saturating_sub(1));
    let more = lines.len() > 1;
    let first = lines.swap_remove(0);
    if more { format!("{}…", first.trim_end_matches([',', ';', ':'])) } else { first }
}

fn arguments(entry: &Entry, width: usize) -> String {
    let mut text = String::new();
    for Parameter { name, ty, required, docs } in &entry.arguments {
        let must = if *required { ", must be given" } else { "" };
        let _ = writeln!(text, "{:INDENT$}{CODE}{name}{CODE:#} ({ty}{must})", "");
        for line in prose(docs, width.saturating_sub(2 * INDENT)).lines() {
            let _ = writeln!(text, "{:1$}{line}", "", 2 * INDENT);
        }
    }
    text
}

/// Paragraphs, lists and code of Markdown.
fn prose(markdown: &str, width: usize) -> String {
    let mut text = String::new();
    let mut is_code = false;
    let mut block: Vec<&str> = Vec::new();
    for line in markdown.lines() {
        let is_fence = line.starts_with("```");
        let begins = line.trim().is_empty() || line.starts_with("- ") || is_fence;
        if begins || is_code {
            text.push_str(&paragraph(&std::mem::take(&mut block), width));
        }
        if is_fence {
            is_code = !is_code;
        } else if is_code {
            text.push_str(&code(line));
        } else if line.trim().is_empty() {
            text.push('\n');
        } else {
            block.push(line);
        }
    }
    text + &paragraph(&block, width)
}

/// Lines that belong together, wrapped anew; those of a list stay indented.
fn paragraph(lines: &[&str], width: usize) -> String {
    let indent = if lines.first().is_some_and(|line| line.starts_with("- ")) { INDENT } else { 0 };
    let joined = without_links(&lines.join(" "));
    let words = joined.split(' ').filter(|word| !word.is_empty());
    let wrapped =
        if lines.is_empty() { Vec::new() } else { wrapped(words, width.saturating_sub(indent)) };
    let mut text = String::new();
    let mut is_code = false;
    for (index, line) in wrapped.iter().enumerate() {
        let indent = if index == 0 { 0 } else { indent };
        let _ = writeln!(text, "{:indent$}{}", "", coloured(line, &mut is_code));
    }
    text
}

/// Links lead from page to page of the documentation, so a reader gets the file's name.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[')
        && let Some((words, after)) = link.split_once("](")
        && let Some((target, after)) = after.split_once(')')
    {
        let file = format!("docs/{target}");
        plain.push_str(before);
        plain.push_str(&if words == target { file } else { format!("{words} ({file})") });
        rest = after;
    }
    plain + rest
}

/// A line with its code in colour. The marks stay: without colours they distinguish code from
/// words.
fn coloured(line: &str, is_code: &mut bool) -> String {
    let mut text = String::new();
    for (index, part) in line.split('`').enumerate() {
        if index > 0 {
            *is_code = !*is_code;
            text.push_str(&if *is_code { format!("{CODE}`") } else { format!("`{CODE:#}") });
        }
        text.push_str(part);
    }
    // Code may go on in the next line; the colour does not go over the indentation.
    match *is_code {
        true => format!("{text}{CODE:#}"),
        false => text,
    }
}

fn code(text: &str) -> String {
    let line = |line: &str| match line {
        "" => "\n".to_owned(),
        line => format!("{:1$}{line}\n", "", 2 * INDENT),
    };
    if text.is_empty() { "\n".into() } else { text.lines().map(line).collect() }
}
