//! `jailgen seal` as the builder of a derivation with structured attributes: reads `.attrs.json` of
//! the build's folder and writes the wrapper and its skeleton to the output.
//!
//! What is sealed is a policy, which jailgen has emitted, or a term, which a flake has written with
//! nixlib and which is lowered here. A term that Nix made of a spec must be what jailgen makes of
//! it.

mod places;
mod reading;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use jail_policy::Policy;
use jail_registry::{Diagnostic, Term};
use serde::Deserialize;
use serde_json::value::RawValue;

pub use reading::Disagreement;

use crate::forward::Forward;
use crate::seal::{
    Graph, Node, PathKind, Request, SealError, Sealed, dev_shell, given, links, program, seal,
};
use places::OfArguments;
use reading::Spec;

/// Nix puts the attributes here. The variable NIX_ATTRS_JSON_FILE may name a place outside the
/// sandbox (2.8).
const ATTRIBUTES: &str = ".attrs.json";

#[derive(Deserialize)]
struct Attributes {
    outputs: Outputs,
    system: String,
    name: String,
    policy: Option<Policy>,
    term: Option<Box<RawValue>>,
    /// The spec that Nix made the term of.
    spec: Option<Spec>,
    /// Where a flake says the arguments of a builder, by their names.
    #[serde(default)]
    places: BTreeMap<String, String>,
    stub: String,
    host: String,
    /// Where the kit has it.
    #[serde(default)]
    broker: String,
    /// The packages of the program, for what desktops and shells know of them.
    #[serde(default)]
    forward: Vec<PathBuf>,
    /// `exportReferencesGraph.closure`.
    #[serde(default)]
    closure: Vec<Exported>,
}

#[derive(Deserialize)]
struct Outputs {
    out: String,
}

#[derive(Deserialize)]
struct Exported {
    path: String,
    references: Vec<String>,
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The jail cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// What is wrong with the term, in the words of the `.jail` front end.
    #[error("the term is not a jail: {}", messages(.0))]
    Term(Vec<Diagnostic>),
    /// Nix and jailgen do not read the spec alike.
    #[error(transparent)]
    Spec(#[from] Box<Disagreement>),
}

fn messages(faults: &[Diagnostic]) -> String {
    let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    messages.join("; ")
}

/// What to report about a jail that was built.
#[derive(Debug, Default)]
pub struct BuildReport {
    /// What looks wrong and is not certain to be.
    pub warnings: Vec<Diagnostic>,
    /// What of the package is not forwarded, in words.
    pub left_out: Vec<String>,
}

/// Seals the policy or the term of the build in `folder` into its output.
///
/// # Errors
/// See [`BuildError`].
pub fn build(folder: &Path) -> Result<BuildReport, BuildError> {
    let attributes = read(&folder.join(ATTRIBUTES))?;
    let (policy, warnings) = policy(&attributes)?;
    let policy = dev_shell::expanded(policy, &|path| fs::read(path))?;
    let store = Path::new(store(&attributes.outputs.out));
    links::check(&policy, store)?;
    let sealed = seal_policy(&policy, &attributes)?;
    let out = Path::new(&attributes.outputs.out);
    let program = program::program(&policy, store)?;
    write(out, &policy.name, &sealed)?;
    let left_out = forward(&attributes, &policy, program, out)?;
    Ok(BuildReport { warnings, left_out })
}

/// Forwards what desktops and shells know of the program: of the packages that Nix names, else of
/// the one that it is in.
fn forward(
    attributes: &Attributes,
    policy: &Policy,
    program: Option<&Path>,
    out: &Path,
) -> Result<Vec<String>, SealError> {
    let Some(path) = program else { return Ok(Vec::new()) };
    let mut packages = attributes.forward.clone();
    if packages.is_empty() {
        packages.push(path.iter().take(out.iter().count()).collect());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let forward = Forward { out, command: &policy.name, program: &name, packages: &packages };
    forward.write().map_err(|error| {
        SealError::new(format!("the files of `{name}` cannot be forwarded: {error}"))
    })
}

fn policy(attributes: &Attributes) -> Result<(Policy, Vec<Diagnostic>), BuildError> {
    match (&attributes.policy, &attributes.term) {
        (Some(policy), None) => Ok((normal(policy.clone()), Vec::new())),
        (None, Some(term)) => of_term(term.get(), attributes),
        (Some(_), Some(_)) | (None, None) => {
            Err(SealError::new("the derivation has either a `policy` or a `term`").into())
        }
    }
}

/// Two expressions that name one package are two packages until Nix has resolved them.
fn normal(mut policy: Policy) -> Policy {
    policy.grants = jail_policy::normalise(policy.grants);
    policy
}

fn of_term(term: &str, attributes: &Attributes) -> Result<(Policy, Vec<Diagnostic>), BuildError> {
    let term = Term::from_json(term).map_err(|error| SealError::new(error.to_string()))?;
    let of_spec = attributes
        .spec
        .as_ref()
        .map(|spec| spec.agrees(&term, &attributes.name, store(&attributes.outputs.out)));
    let of_spec = of_spec.transpose()?;
    let (mut policy, warnings) = lowered(term, attributes)?;
    if let Some(mut places) = of_spec {
        places.retain(|by, _| policy.grants.iter().any(|entry| entry.by == *by));
        policy.places = places;
    }
    Ok((policy, warnings))
}

fn lowered(term: Term, attributes: &Attributes) -> Result<(Policy, Vec<Diagnostic>), BuildError> {
    let name = attributes.name.as_str();
    let Term { mut jail, mut faults, packages } = term;
    let places = OfArguments::put(&mut jail, &attributes.places);
    match jail_registry::lower(&jail, &packages, &|place| places.text(place)) {
        Ok(lowered) if faults.is_empty() && lowered.policy.name == name => {
            Ok((lowered.policy, lowered.warnings))
        }
        Ok(lowered) if faults.is_empty() => {
            let found = lowered.policy.name;
            Err(SealError::new(format!("the jail `{found}` is called `{name}` by Nix")).into())
        }
        Ok(lowered) => {
            faults.extend(lowered.warnings);
            Err(BuildError::Term(faults))
        }
        Err(further) => {
            faults.extend(further);
            Err(BuildError::Term(faults))
        }
    }
}

fn read(file: &Path) -> Result<Attributes, SealError> {
    let text = fs::read(file).map_err(|error| {
        SealError::new(format!("`{}` cannot be read: {error}", file.display())).help(
            "`jailgen seal` is the builder of the derivations that jailgen emits; Nix runs it",
        )
    })?;
    serde_json::from_slice(&text).map_err(|error| {
        SealError::new(format!("the derivation's attributes are not those of a jail: {error}"))
    })
}

fn seal_policy(policy: &Policy, attributes: &Attributes) -> Result<Sealed, SealError> {
    let out = &attributes.outputs.out;
    let store = store(out);
    let nodes = attributes.closure.iter().map(node).collect::<Result<Vec<_>, _>>()?;
    let graph = Graph::new(store, nodes)?;
    let arch = attributes.system.split('-').next().unwrap_or_default();
    let (stub, host) = (attributes.stub.as_str(), attributes.host.as_str());
    let broker = attributes.broker.as_str();
    let filters = given::filters(policy)?;
    seal(&Request { policy, graph: &graph, stub, host, broker, out, arch, filters: &filters })
}

/// The store's folder, which contains the output.
fn store(out: &str) -> &str {
    Path::new(out).parent().and_then(Path::to_str).unwrap_or_default()
}

fn node(exported: &Exported) -> Result<(String, Node), SealError> {
    let kind = kind(Path::new(&exported.path)).map_err(|error| {
        SealError::new(format!("the store path `{}` cannot be read: {error}", exported.path))
    })?;
    Ok((exported.path.clone(), Node { references: exported.references.clone(), kind }))
}

fn kind(path: &Path) -> std::io::Result<PathKind> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_symlink() {
        return Ok(PathKind::Link(fs::read_link(path)?.to_string_lossy().into_owned()));
    }
    Ok(if kind.is_dir() { PathKind::Folder } else { PathKind::File })
}

fn write(out: &Path, name: &str, sealed: &Sealed) -> Result<(), SealError> {
    try_write(out, name, sealed)
        .map_err(|error| SealError::new(format!("`{}` cannot be written: {error}", out.display())))
}

fn try_write(out: &Path, name: &str, sealed: &Sealed) -> std::io::Result<()> {
    let (bin, skeleton) = (out.join("bin"), out.join("skeleton"));
    fs::create_dir_all(&bin)?;
    fs::create_dir(&skeleton)?;
    for (name, kind) in &sealed.skeleton {
        let place = skeleton.join(name);
        match kind {
            PathKind::Folder => fs::create_dir(place)?,
            PathKind::File => fs::write(place, "")?,
            PathKind::Link(target) => symlink(target, place)?,
        }
    }
    if let Some(alias) = &sealed.alias {
        symlink(name, bin.join(alias))?;
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(bin.join(name))?;
    std::io::Write::write_all(&mut file, sealed.wrapper.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_the_attributes_of_a_jail_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = build(folder.path()).unwrap_err().to_string();
        assert!(error.contains("/.attrs.json` cannot be read"), "{error}");
        assert!(error.contains("Nix runs it"), "{error}");
        fs::write(folder.path().join(".attrs.json"), r#"{"outputs": {"out": "/nix/store/x"}}"#)
            .unwrap();
        let error = build(folder.path()).unwrap_err().to_string();
        assert!(error.contains("are not those of a jail: missing field `system`"), "{error}");
    }
}
