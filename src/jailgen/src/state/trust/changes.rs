//! What the user is shown before a question: what is new about a spec, or what of it reaches
//! further than the working folder.

use jail_policy::{Concern, Difference, Entry, Grant, Policy, concern, diff, sentence_among};

use super::Content;
use super::presets;

/// A script is shown up to this many lines, so that the beginning of the question stays on the
/// screen.
const SCRIPT_LINES_MAX: usize = 60;

/// What a spec that was never approved grants that is worth a question, a line each; for the
/// unchanged presets of this version that is nothing. Nix reads inputs with the user's rights,
/// whatever place of the machine they name.
pub(super) fn concerns(content: &Content) -> Vec<String> {
    // Packages of the spec's own are not those that a preset was made for.
    let own_packages =
        !content.inputs.is_empty() || !content.overlays.is_empty() || content.config.is_some();
    let mut lines = Vec::new();
    for policy in &content.policies {
        let usual = if own_packages { Vec::new() } else { presets::usual(policy) };
        let found = policy.grants.iter().filter_map(|entry| Some((entry, concern(entry)?)));
        let found = found.filter(|(entry, _)| !usual.contains(&entry.grant));
        for (entry, concern) in found {
            lines.push(worry(policy, entry, concern));
            lines.extend(script(&entry.grant));
        }
    }
    lines.extend(content.inputs.iter().map(|(name, input)| declared(name, input)));
    if !lines.is_empty() {
        lines.extend(content.copied.keys().map(|name| format!("it copies `{}`", shown(name))));
    }
    lines
}

/// An input as the spec declares it, in one line.
fn declared(name: &str, input: &str) -> String {
    let words: Vec<&str> = input.split_whitespace().collect();
    format!("the input `{name}`: {}", words.join(" "))
}

fn worry(policy: &Policy, entry: &Entry, concern: Concern) -> String {
    let words = sentence_among(&entry.grant, &policy.grants);
    let by = &entry.by.combinator;
    format!("{}: {}: {words} (`{by}`)", policy.name, concern.as_str())
}

/// What runs on the host is shown as it is: one line of it says little.
fn script(grant: &Grant) -> Vec<String> {
    let (Grant::HostScript { script, .. } | Grant::Channel { script, .. }) = grant else {
        return Vec::new();
    };
    let text = script.to_string();
    let all: Vec<&str> = text.trim_end().lines().collect();
    if all.len() < 2 {
        return Vec::new();
    }
    let mut lines: Vec<String> =
        all.iter().take(SCRIPT_LINES_MAX).map(|line| format!("    {line}")).collect();
    if let Some(more) = all.len().checked_sub(SCRIPT_LINES_MAX).filter(|more| *more > 0) {
        lines.push(format!("    … and {more} more lines"));
    }
    lines
}

/// What is different about a spec, a line each.
pub(super) fn changes(before: &Content, after: &Content) -> Vec<String> {
    let mut lines = policies(&before.policies, &after.policies);
    let all = before.inputs.keys().chain(after.inputs.keys());
    let mut inputs: Vec<&String> =
        all.filter(|name| before.inputs.get(*name) != after.inputs.get(*name)).collect();
    inputs.sort_unstable();
    inputs.dedup();
    let now = |name: &String| match after.inputs.get(name) {
        Some(input) => declared(name, input),
        None => format!("the input `{name}` is removed"),
    };
    lines.extend(inputs.into_iter().map(now));
    if before.overlays != after.overlays {
        lines.push("the overlays".into());
    }
    if before.config != after.config {
        lines.push("the configuration of nixpkgs".into());
    }
    let changed = after.copied.iter().filter(|(name, hash)| before.copied.get(*name) != Some(hash));
    lines.extend(changed.map(|(name, _)| format!("the content of `{}`", shown(name))));
    let gone = before.copied.keys().filter(|name| !after.copied.contains_key(*name));
    lines.extend(gone.map(|name| format!("`{}` is no longer copied", shown(name))));
    lines
}

/// `cfg` for `files/cfg`: its name next to the spec.
fn shown(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, name)| name)
}

fn policies(before: &[Policy], after: &[Policy]) -> Vec<String> {
    let mut lines = Vec::new();
    for policy in after {
        let grants = &policy.grants;
        match before.iter().find(|old| old.name == policy.name) {
            Some(old) => differences(&policy.name, &old.grants, grants, &mut lines),
            None => differences(&policy.name, &[], grants, &mut lines),
        }
    }
    let gone = before.iter().filter(|old| !after.iter().any(|policy| policy.name == old.name));
    lines.extend(gone.map(|old| format!("{}: gone", old.name)));
    lines
}

fn differences(name: &str, before: &[Entry], after: &[Entry], lines: &mut Vec<String>) {
    let Difference { added, removed, reordered } = diff(before, after);
    let line = |sign: char, entry: &Entry, all: &[Entry]| {
        format!("{name}: {sign} {}", sentence_among(&entry.grant, all))
    };
    for entry in &added {
        lines.push(line('+', entry, after));
        lines.extend(script(&entry.grant));
    }
    lines.extend(removed.iter().map(|entry| line('-', entry, before)));
    if reordered {
        lines.push(format!("{name}: the same grants in another order"));
    }
}
