//! The emitted flake.nix.

use std::collections::BTreeMap;

use jail_lang::Input;
use jail_policy::Policy;
use minijinja::{Value, context};

use super::value::{NixValue, Part, field, name};
use super::{EmitError, FLAKE, Spec, header, render_template, unfree};
use crate::kit::Kit;

/// jailgen's own input, which no spec can declare.
pub(super) const KIT: &str = "jailgen";

/// What every emitted flake has besides the kit, unless a spec declares it otherwise.
pub(super) const INPUTS: [(&str, &str); 2] = [
    ("llm-agents", "github:numtide/llm-agents.nix"),
    ("nixpkgs", "github:NixOS/nixpkgs/nixos-unstable"),
];

/// The names of these.
pub const INPUT_NAMES: [&str; 2] = [INPUTS[0].0, INPUTS[1].0];

/// The inputs of the flake.
pub(super) struct Inputs {
    /// By name, as they are written.
    pub(super) all: BTreeMap<String, NixValue>,
    /// Those that a spec declares.
    pub(super) declared: Vec<String>,
}

impl Inputs {
    /// Where those come from that a spec declares, and theirs.
    pub(super) fn references(&self) -> Vec<String> {
        let mut references = Vec::new();
        for (_, input) in self.all.iter().filter(|(name, _)| self.declared.contains(name)) {
            urls(input, &mut references);
        }
        references
    }
}

fn urls(input: &NixValue, references: &mut Vec<String>) {
    let NixValue::Set(fields) = input else { return };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("url", NixValue::Text(parts)) => {
                let literal = |part: &Part| match part {
                    Part::Literal(text) | Part::Code(text) => text.clone(),
                };
                references.push(parts.iter().map(literal).collect());
            }
            ("inputs", NixValue::Set(inputs)) => {
                inputs.iter().for_each(|(_, input)| urls(input, references));
            }
            _ => {}
        }
    }
}

pub(super) fn inputs(specs: &[Spec], kit: &Kit) -> Result<Inputs, EmitError> {
    let mut declared: BTreeMap<String, NixValue> = BTreeMap::new();
    for (name, input) in specs.iter().flat_map(|spec| &spec.inputs) {
        let input = input_value(input);
        let error =
            |message: &str| EmitError::Input { name: name.clone(), message: message.into() };
        if name == KIT {
            return Err(error("is jailgen's own"));
        }
        if declared.insert(name.clone(), input.clone()).is_some_and(|other| other != input) {
            return Err(error("is declared differently by two specs"));
        }
    }
    let names = declared.keys().cloned().collect();
    let mut all = declared;
    for (name, url) in INPUTS {
        all.entry(name.into()).or_insert_with(|| input(url));
    }
    all.insert(KIT.into(), kit_input(kit));
    Ok(Inputs { all, declared: names })
}

/// An input as flake.nix says it: `{ url = "…"; }` and what else a flake may say there.
#[must_use]
pub fn input_value(input: &Input) -> NixValue {
    let mut fields = Vec::new();
    let mut add = |name: &str, value| fields.push((name.to_owned(), value));
    if let Some(url) = &input.url {
        add("url", NixValue::text(url));
    }
    if let Some(flake) = input.flake {
        add("flake", NixValue::Bool(flake));
    }
    if let Some(follows) = &input.follows {
        add("follows", NixValue::text(follows));
    }
    if !input.inputs.is_empty() {
        let inputs = input.inputs.iter().map(|(name, input)| (name.clone(), input_value(input)));
        add("inputs", NixValue::Set(inputs.collect()));
    }
    NixValue::Set(fields)
}

fn input(url: &str) -> NixValue {
    NixValue::Set(vec![("url".into(), NixValue::text(url))])
}

fn kit_input(kit: &Kit) -> NixValue {
    let mut fields = vec![("url".to_owned(), NixValue::text(&kit.url))];
    if !kit.follows.is_empty() {
        let follows = |name: &String| {
            (name.clone(), NixValue::Set(vec![("follows".into(), NixValue::text(name))]))
        };
        fields.push(("inputs".into(), NixValue::Set(kit.follows.iter().map(follows).collect())));
    }
    NixValue::Set(fields)
}

pub(super) fn render(specs: &[Spec], inputs: &Inputs) -> Result<String, EmitError> {
    let sets = package_sets(specs);
    let names: Vec<&str> = jails(specs).map(|(_, policy)| policy.name.as_str()).collect();
    render_template(
        FLAKE,
        &context! {
            header => header(&specs.iter().collect::<Vec<_>>()),
            description => NixValue::text(format!("Jails: {}", names.join(", "))).to_nix(0),
            inputs => field("inputs", &NixValue::Set(inputs.all.clone().into_iter().collect()), 2),
            unfree => unfree_list(specs),
            configured => sets.iter().any(|set| set.config.is_some()),
            sets => sets.iter().enumerate().map(set_context).collect::<Vec<_>>(),
            jails => jails(specs).map(|(spec, policy)| jail(&sets, spec, policy)).collect::<Vec<_>>(),
            first => names.first().map(|first| name(first)),
        },
    )
}

fn jails(specs: &[Spec]) -> impl Iterator<Item = (&Spec, &Policy)> {
    specs.iter().flat_map(|spec| spec.policies.iter().map(move |policy| (spec, policy)))
}

/// What the packages of a spec are made with.
#[derive(PartialEq, Eq)]
struct PackageSet<'a> {
    overlays: &'a [String],
    config: Option<&'a str>,
}

impl<'a> PackageSet<'a> {
    fn of_spec(spec: &'a Spec) -> Self {
        Self { overlays: &spec.overlays, config: spec.config.as_deref() }
    }
}

fn jail(sets: &[PackageSet<'_>], spec: &Spec, policy: &Policy) -> Value {
    let own = PackageSet::of_spec(spec);
    let set = sets.iter().position(|set| *set == own).unwrap_or_default();
    context! {
        name => name(&policy.name),
        file => path(&super::file_name(&policy.name)),
        scope => scope_name(set),
    }
}

fn set_context((index, set): (usize, &PackageSet<'_>)) -> Value {
    context! {
        name => scope_name(index),
        overlays => overlay_list(set.overlays),
        config => set.config.map_or_else(
            || "(_: { })".into(),
            |config| format!("({{ pkgs, lib, inputs, agents }}: {config})"),
        ),
    }
}

/// The unfree packages that are allowed, or nothing.
fn unfree_list(specs: &[Spec]) -> Option<String> {
    let names: Vec<NixValue> = unfree::named(specs).into_iter().map(NixValue::text).collect();
    (!names.is_empty()).then(|| NixValue::List(names).to_nix(6))
}

/// Each package set that occurs, that of nixpkgs as it is first: specs with the same settings share
/// one.
fn package_sets(specs: &[Spec]) -> Vec<PackageSet<'_>> {
    let mut sets = vec![PackageSet { overlays: &[], config: None }];
    for set in specs.iter().map(PackageSet::of_spec) {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    sets
}

fn scope_name(index: usize) -> String {
    if index == 0 { "scope".into() } else { format!("scope{}", index + 1) }
}

fn overlay_list(overlays: &[String]) -> String {
    NixValue::List(overlays.iter().cloned().map(NixValue::Code).collect()).to_nix(10)
}

/// A file next to flake.nix as a Nix path. Names that a path literal cannot hold are added as a
/// string.
fn path(file: &str) -> String {
    if file.contains(['?', '=']) {
        let literal = NixValue::text(format!("/{file}")).to_nix(0);
        format!("(./. + {literal})")
    } else {
        format!("./{file}")
    }
}
