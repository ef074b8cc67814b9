//! `diff`: what one spec grants that another does not, in the words of `explain`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::Context;
use super::explained::Explained;
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::explain::{Changed, JailChange, JailDifference, difference, differences};
use crate::render::{sanitise, sanitise_json};

pub(in crate::cli) fn run(arguments: &args::Diff, context: Context) -> Result<(), Failure> {
    let before = Explained::load_side(&arguments.before, context)?;
    let after = Explained::load_side(&arguments.after, context)?;
    let report = Report::between(&before, &after);
    context.console.result(&if arguments.json { report.json()? } else { report.text() })?;
    if report.is_empty() && !arguments.json {
        context.console.note("same", "both grant the same");
    }
    if report.adds { Err(Failure::Findings) } else { Ok(()) }
}

/// How two specs differ, in words; empty if they grant the same.
pub(super) fn in_words(before: &Path, after: &Path, context: Context) -> Result<String, Failure> {
    let before = Explained::load_side(before, context)?;
    let after = Explained::load_side(after, context)?;
    Ok(Report::between(&before, &after).text())
}

/// What is said.
#[derive(Serialize)]
struct Report {
    jails: Vec<JailDifference>,
    inputs: Vec<Part>,
    /// Code for nixpkgs that differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nixpkgs: Vec<Part>,
    /// The second may do more, or Nix reads or evaluates something else for it.
    adds: bool,
}

/// A part of what specs declare that differs.
#[derive(Serialize)]
struct Part {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Part {
    fn between(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Self> {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let part = |name: &String| Self {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        };
        names.into_iter().map(part).filter(|part| part.before != part.after).collect()
    }

    fn text(&self, what: &str) -> String {
        let sides = [('-', &self.before), ('+', &self.after)];
        let written = |(sign, source): (char, &Option<String>)| {
            let source = source.as_ref()?;
            Some(format!("{sign} {what} {}\n", line(&format!("{}: {source}", self.name))))
        };
        sides.into_iter().filter_map(written).collect()
    }
}

impl Report {
    fn between(before: &Explained, after: &Explained) -> Self {
        let policies = |side: &Explained| side.policies().cloned().collect::<Vec<_>>();
        let jails = match (policies(before).as_slice(), policies(after).as_slice()) {
            // Two files of one jail each are meant to be compared, whatever it is called.
            ([one], [other]) if one.name != other.name => vec![difference(Some(one), Some(other))],
            (before, after) => differences(before, after),
        };
        let inputs = Part::between(&before.declared.inputs, &after.declared.inputs);
        let nixpkgs = Part::between(&before.declared.nixpkgs, &after.declared.nixpkgs);
        let adds = jails.iter().any(JailDifference::widens)
            || inputs.iter().chain(&nixpkgs).any(|part| part.after.is_some());
        Self { jails, inputs, nixpkgs, adds }
    }

    fn is_empty(&self) -> bool {
        self.jails.is_empty() && self.inputs.is_empty() && self.nixpkgs.is_empty()
    }

    fn text(&self) -> String {
        let jails = self.jails.iter().map(one);
        let inputs = self.inputs.iter().map(|part| part.text("the input"));
        let nixpkgs = self.nixpkgs.iter().map(|part| part.text("the code of"));
        jails.chain(inputs).chain(nixpkgs).collect()
    }

    fn json(&self) -> Result<String, Failure> {
        let json = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::new(format!("the difference cannot be written: {error}")))?;
        Ok(sanitise_json(&json).into_owned() + "\n")
    }
}

fn one(jail: &JailDifference) -> String {
    let JailDifference { name, change, added, removed, reordered } = jail;
    let what = match change {
        JailChange::New => " (new)",
        JailChange::Gone => " (gone)",
        JailChange::Kept => "",
    };
    let mut text = format!("{}{what}\n", line(name));
    let signs = removed.iter().map(|it| ('-', it)).chain(added.iter().map(|it| ('+', it)));
    for (sign, changed) in signs {
        let _ = writeln!(text, "  {sign} {}", words(changed));
    }
    if *reordered {
        text.push_str("  ~ the same in another order: later grants cover earlier ones\n");
    }
    text
}

fn words(changed: &Changed) -> String {
    let place = changed.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
    line(&format!("{}  ({}{place})", changed.what, changed.combinator))
}

/// The content of a spec, in one line.
fn line(text: &str) -> String {
    sanitise(text).replace('\n', "\\n")
}
