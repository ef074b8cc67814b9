//! What the user is shown before a question: what is new about a spec, or what of it reaches
//! further than the working folder.

use std::collections::BTreeMap;

use jail_policy::{Concern, Difference, Entry, Grant, Policy, concern, diff, sentence_among};

use super::Content;
use super::presets;
use crate::backends::nixpkgs_settings;

/// The grants of a spec that was never approved that are worth a question, a line each. There are
/// none for the unchanged presets of this version. Nix reads inputs with the user's rights,
/// whatever place of the machine they name, and evaluates the spec's settings for nixpkgs.
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
    for (name, source) in settings(content) {
        lines.extend(setting(&name, source));
    }
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

/// What the packages of a spec are made with, by the names that a spec has for it.
fn settings(content: &Content) -> BTreeMap<String, &str> {
    nixpkgs_settings(&content.overlays, content.config.as_deref())
}

/// Nix evaluates it with the user's rights, and it decides what each package is: all of it is
/// shown.
fn setting(name: &str, source: &str) -> Vec<String> {
    let head = format!("Nix evaluates `{name}`, which decides what the packages are:");
    [head].into_iter().chain(whole(source)).collect()
}

fn worry(policy: &Policy, entry: &Entry, concern: Concern) -> String {
    let words = sentence_among(&entry.grant, &policy.grants);
    let by = &entry.by.combinator;
    format!("{}: {}: {words} (`{by}`)", policy.name, concern.as_str())
}

/// What runs on the host is shown unchanged: a single line of it would say little.
fn script(grant: &Grant) -> Vec<String> {
    let (Grant::HostScript { script, .. } | Grant::Channel { script, .. }) = grant else {
        return Vec::new();
    };
    let text = script.to_string();
    if text.trim_end().lines().count() < 2 { Vec::new() } else { whole(&text) }
}

/// Code as it is written, to its end: otherwise a part would be approved unseen.
fn whole(code: &str) -> Vec<String> {
    code.trim_end().lines().map(|line| format!("    {line}")).collect()
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
    lines.extend(changed_settings(&settings(before), &settings(after)));
    let changed = after.copied.iter().filter(|(name, hash)| before.copied.get(*name) != Some(hash));
    lines.extend(changed.map(|(name, _)| format!("the content of `{}`", shown(name))));
    let gone = before.copied.keys().filter(|name| !after.copied.contains_key(*name));
    lines.extend(gone.map(|name| format!("`{}` is no longer copied", shown(name))));
    lines
}

fn changed_settings(
    before: &BTreeMap<String, &str>,
    after: &BTreeMap<String, &str>,
) -> Vec<String> {
    let new = after.iter().filter(|(name, source)| before.get(*name) != Some(source));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let gone = gone.map(|name| format!("`{name}` is removed"));
    new.flat_map(|(name, source)| setting(name, source)).chain(gone).collect()
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
