//! flake.lock, version 7: which inputs are pinned to what.

mod pin;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

pub use pin::{PinError, pin};

use super::EmitError;
use super::flake::{INPUTS, Inputs, KIT};
use crate::files::read_regular;
use crate::kit::Kit;

/// The versions that jailgen was released with.
const COMPILED_IN: &str = include_str!("../../../data/flake.lock");

const VERSION: u64 = 7;

#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    root: String,
    nodes: Map<String, Value>,
    /// The nodes as they were read.
    read: Map<String, Value>,
}

/// An input, as a path leads to it.
struct Input<'p> {
    steps: Vec<&'p str>,
    name: &'p str,
    /// The node that has it.
    parent: String,
    key: String,
}

/// What an input is pinned to.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// The `locked` of its node, hash included.
    pub locked: Value,
    /// Its own lock, if it has inputs.
    pub lock: Option<Lock>,
}

impl Lock {
    /// The lock that a first emission starts from.
    ///
    /// # Errors
    /// None, as a test says.
    pub fn compiled_in() -> Result<Self, EmitError> {
        Self::parse(COMPILED_IN, Path::new("flake.lock"))
    }

    /// The lock of a folder, if it has one.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Option<Self>, EmitError> {
        let file = folder.join("flake.lock");
        match read_regular(&file) {
            Ok(text) => Self::parse(&String::from_utf8_lossy(&text), &file).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(EmitError::Io { path: file, error }),
        }
    }

    /// Reads a lock; `file` is for messages.
    ///
    /// # Errors
    /// It is not a lock of version 7.
    pub fn parse(text: &str, file: &Path) -> Result<Self, EmitError> {
        let error = |message: String| EmitError::Lock { file: file.into(), message };
        let value: Value = serde_json::from_str(text).map_err(|why| error(why.to_string()))?;
        Self::from_value(&value).map_err(error)
    }

    /// Takes a lock over as `nix flake metadata --json` shows it.
    ///
    /// # Errors
    /// It is not a lock of version 7.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        let version = value.get("version").and_then(Value::as_u64);
        if version != Some(VERSION) {
            let found = version.map_or("none".into(), |version| version.to_string());
            return Err(format!("its version is {found}, and jailgen knows version {VERSION}"));
        }
        let root = value.get("root").and_then(Value::as_str);
        let nodes = value.get("nodes").and_then(Value::as_object);
        let (Some(root), Some(nodes)) = (root, nodes) else {
            return Err("it has no root or no nodes".into());
        };
        Ok(Self { root: root.into(), nodes: nodes.clone(), read: nodes.clone() })
    }

    /// The lock as Nix writes it. A lock that pins what it pinned when it was read comes out as it
    /// was: Nix names the nodes in an order of its own, and that is not a change.
    #[must_use]
    pub fn to_text(&self) -> String {
        let nodes = named(&self.root, &self.nodes);
        let nodes = if nodes == named(&self.root, &self.read) { &self.read } else { &nodes };
        let value = json!({ "nodes": nodes, "root": self.root, "version": VERSION });
        // Maps with text keys always serialise.
        serde_json::to_string_pretty(&value).map(|text| text + "\n").unwrap_or_default()
    }

    /// Where the inputs come from that are repositories, those of inputs included: flake
    /// references.
    #[must_use]
    pub fn repositories(&self) -> Vec<String> {
        let text = |value: &Value, name| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let originals = self.nodes.values().filter_map(|node| node.get("original"));
        let repository = |original| text(original, "type").zip(text(original, "url"));
        let repositories = originals.filter_map(repository);
        repositories
            .filter(|(kind, _)| ["git", "hg"].contains(&kind.as_str()))
            .map(|(kind, url)| format!("{kind}+{url}"))
            .collect()
    }

    /// The inputs of the flake itself, but for the kit.
    #[must_use]
    pub fn inputs(&self) -> Vec<String> {
        self.inputs_of(&self.root).into_iter().filter(|name| name != KIT).collect()
    }

    /// Makes the lock that of these inputs and this kit. Returns whether it pins all of them.
    pub(super) fn fit(&mut self, inputs: &Inputs, kit: &Kit) -> bool {
        self.set_kit(kit);
        for (name, url) in INPUTS {
            if !inputs.declared.iter().any(|declared| declared == name)
                && let Some(key) = self.key(&[name])
            {
                // An override changes what is pinned, but not what flake.nix
                // contains; Nix compares the two.
                self.set_field(&key, "original", github(url));
            }
        }
        let names: BTreeSet<String> = self.inputs_of(&self.root.clone()).into_iter().collect();
        if let Some(root) = self.input_map(&self.root.clone()) {
            root.retain(|name, _| inputs.all.contains_key(name));
        }
        self.prune();
        inputs.declared.is_empty() && inputs.all.keys().all(|name| names.contains(name))
    }

    /// Pins an input, `nixpkgs` or that of an input, `llm-agents/nixpkgs`, to something else.
    ///
    /// # Errors
    /// There is no such input, or it is another one by `follows`.
    pub fn override_input(&mut self, path: &str, pin: &Pin) -> Result<(), EmitError> {
        let Input { steps, name, parent, key: old } = self.find(path)?;
        let mut node = self.nodes.get(&old).cloned().unwrap_or_else(|| json!({}));
        let key = self.unused(name);
        if let Some(fields) = node.as_object_mut() {
            fields.insert("locked".into(), pin.locked.clone());
            fields.remove("inputs");
            fields.remove("parent");
        }
        self.nodes.insert(key.clone(), node);
        if let Some(lock) = &pin.lock {
            self.graft(&key, &steps, lock);
        }
        if let Some(inputs) = self.input_map(&parent) {
            inputs.insert(name.into(), Value::String(key));
        }
        self.prune();
        Ok(())
    }

    /// Says why there is no such input, `nixpkgs` or that of an input, `llm-agents/nixpkgs`.
    ///
    /// # Errors
    /// There is no such input, or it is another one by `follows`.
    pub fn check_input(&self, path: &str) -> Result<(), EmitError> {
        self.find(path).map(drop)
    }

    fn find<'p>(&self, path: &'p str) -> Result<Input<'p>, EmitError> {
        let error = |message: String| EmitError::NoInput { name: path.into(), message };
        let steps: Vec<&str> = path.split('/').collect();
        let Some((name, parents)) = steps.split_last() else {
            return Err(error("has no name".into()));
        };
        let parent = self.key(parents).ok_or_else(|| error("does not exist".into()))?;
        let known = self.inputs_of(&parent);
        if !known.iter().any(|known| known == name) {
            let known = known.join("`, `");
            return Err(error(format!("does not exist; there are `{known}`")));
        }
        let key =
            self.key(&steps).ok_or_else(|| error("follows another input: name that one".into()))?;
        Ok(Input { name, parent, key, steps })
    }

    /// Takes the nodes of another lock in, below the node `key`, which is reached by `steps`.
    fn graft(&mut self, key: &str, steps: &[&str], lock: &Lock) {
        let mut renamed = Map::new();
        for old in lock.nodes.keys().filter(|old| **old != lock.root) {
            let new = self.unused(old);
            self.nodes.insert(new.clone(), Value::Null);
            renamed.insert(old.clone(), Value::String(new));
        }
        for (old, node) in &lock.nodes {
            let node = renamed_node(Some(node), &renamed, steps);
            match renamed.get(old).and_then(Value::as_str) {
                Some(new) => _ = self.nodes.insert(new.into(), node),
                None => {
                    let inputs = node.get("inputs").cloned().unwrap_or_else(|| json!({}));
                    self.set_field(key, "inputs", inputs);
                }
            }
        }
    }

    fn set_kit(&mut self, kit: &Kit) {
        let key = self.key(&[KIT]).unwrap_or_else(|| self.unused(KIT));
        self.nodes.insert(key.clone(), json!({ "locked": kit.locked, "original": kit.original }));
        if !kit.follows.is_empty() {
            let follows = kit.follows.iter().map(|name| (name.clone(), json!([name])));
            self.set_field(&key, "inputs", Value::Object(follows.collect()));
        }
        if let Some(inputs) = self.input_map(&self.root.clone()) {
            inputs.insert(KIT.into(), Value::String(key));
        }
    }

    /// The node that a path of inputs leads to, from the root; none where one is missing or follows
    /// another.
    fn key(&self, steps: &[&str]) -> Option<String> {
        let mut key = self.root.clone();
        for step in steps {
            key = self.nodes.get(&key)?.get("inputs")?.get(step)?.as_str()?.to_owned();
        }
        Some(key)
    }

    fn inputs_of(&self, key: &str) -> Vec<String> {
        let inputs = self.nodes.get(key).and_then(|node| node.get("inputs"));
        inputs
            .and_then(Value::as_object)
            .map(|map| map.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The inputs of a node, made if it has none.
    fn input_map(&mut self, key: &str) -> Option<&mut Map<String, Value>> {
        let node = self.nodes.get_mut(key)?.as_object_mut()?;
        node.entry("inputs").or_insert_with(|| json!({})).as_object_mut()
    }

    fn set_field(&mut self, key: &str, field: &str, value: Value) {
        if let Some(node) = self.nodes.get_mut(key).and_then(Value::as_object_mut) {
            node.insert(field.into(), value);
        }
    }

    fn unused(&self, name: &str) -> String {
        free_name(name, |name| self.nodes.contains_key(name))
    }

    /// Drops the nodes that nothing leads to; Nix would, and call the lock changed.
    fn prune(&mut self) {
        let mut reached = BTreeSet::new();
        let mut open = vec![self.root.clone()];
        while let Some(key) = open.pop() {
            let next = inputs_in(&self.nodes, &key).into_iter().flat_map(Map::values);
            open.extend(
                next.filter_map(Value::as_str)
                    .filter(|key| !reached.contains(*key))
                    .map(str::to_owned),
            );
            reached.insert(key);
        }
        self.nodes.retain(|key, _| reached.contains(key));
    }
}

/// The nodes that the root reaches, under names that depend on nothing but the inputs: the nearest
/// to the root has the plain one.
fn named(root: &str, nodes: &Map<String, Value>) -> Map<String, Value> {
    let mut names = BTreeMap::from([(root.to_owned(), root.to_owned())]);
    let mut order = vec![root.to_owned()];
    let mut next = 0;
    while let Some(key) = order.get(next).cloned() {
        next += 1;
        for (input, child) in inputs_in(nodes, &key).into_iter().flatten() {
            let Some(child) = child.as_str().filter(|child| !names.contains_key(*child)) else {
                continue;
            };
            let taken = |name: &str| names.values().any(|known| known == name);
            names.insert(child.to_owned(), free_name(input, taken));
            order.push(child.to_owned());
        }
    }
    let renamed: Map<String, Value> =
        names.iter().map(|(old, new)| (old.clone(), Value::String(new.clone()))).collect();
    names
        .iter()
        .map(|(old, new)| (new.clone(), renamed_node(nodes.get(old), &renamed, &[])))
        .collect()
}

fn inputs_in<'n>(nodes: &'n Map<String, Value>, key: &str) -> Option<&'n Map<String, Value>> {
    nodes.get(key)?.get("inputs")?.as_object()
}

fn renamed_node(node: Option<&Value>, renamed: &Map<String, Value>, steps: &[&str]) -> Value {
    let mut node = node.cloned().unwrap_or_else(|| json!({}));
    if let Some(inputs) = node.get_mut("inputs").and_then(Value::as_object_mut) {
        inputs.values_mut().for_each(|input| rename(input, renamed, steps));
    }
    node
}

/// A name that is free: `nixpkgs`, `nixpkgs_2`, … as Nix counts.
fn free_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.into();
    }
    let mut numbered = (2..).map(|number| format!("{name}_{number}"));
    numbered.find(|name| !taken(name)).unwrap_or_default()
}

/// A node's name becomes the new one; a path of `follows` begins where the grafted lock's root is
/// now.
fn rename(input: &mut Value, renamed: &Map<String, Value>, steps: &[&str]) {
    match input {
        Value::String(old) => {
            if let Some(new) = renamed.get(old) {
                *input = new.clone();
            }
        }
        Value::Array(path) => {
            path.splice(0..0, steps.iter().map(|step| Value::String((*step).into())));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

/// The attributes of `github:OWNER/REPO` or `github:OWNER/REPO/REF`, which are all that [`INPUTS`]
/// has.
fn github(url: &str) -> Value {
    let mut parts = url.trim_start_matches("github:").split('/');
    let (owner, repo) = (parts.next(), parts.next());
    match parts.next() {
        Some(reference) => {
            json!({ "type": "github", "owner": owner, "repo": repo, "ref": reference })
        }
        None => json!({ "type": "github", "owner": owner, "repo": repo }),
    }
}

#[cfg(test)]
mod tests;
