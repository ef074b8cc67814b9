//! `jailgen seal` as the builder of a derivation with structured attributes: reads `.attrs.json` of the build's folder and writes
//! the wrapper and its skeleton to the output.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

use jail_policy::Policy;
use serde::Deserialize;

use super::{Graph, Kind, Node, Request, SealError, Sealed, seal};

/// Nix puts the attributes here. The variable NIX_ATTRS_JSON_FILE may name a place outside the sandbox (2.8).
const ATTRIBUTES: &str = ".attrs.json";

#[derive(Deserialize)]
struct Attributes {
    outputs: Outputs,
    system: String,
    policy: Policy,
    stub: String,
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

/// Seals the policy of the build in `folder` into its output.
///
/// # Errors
/// See [`SealError`].
pub fn build(folder: &Path) -> Result<(), SealError> {
    let attributes = read(&folder.join(ATTRIBUTES))?;
    let out = Path::new(&attributes.outputs.out);
    let sealed = seal_attributes(&attributes)?;
    write(out, &attributes.policy.name, &sealed)
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

fn seal_attributes(attributes: &Attributes) -> Result<Sealed, SealError> {
    let out = &attributes.outputs.out;
    let store = Path::new(out).parent().and_then(Path::to_str).unwrap_or_default();
    let nodes = attributes.closure.iter().map(node).collect::<Result<Vec<_>, _>>()?;
    let graph = Graph::new(store, nodes)?;
    let arch = attributes.system.split('-').next().unwrap_or_default();
    let (policy, stub) = (&attributes.policy, attributes.stub.as_str());
    seal(&Request { policy, graph: &graph, stub, out, arch })
}

fn node(exported: &Exported) -> Result<(String, Node), SealError> {
    let kind = kind(Path::new(&exported.path)).map_err(|error| {
        SealError::new(format!("the store path `{}` cannot be read: {error}", exported.path))
    })?;
    Ok((exported.path.clone(), Node { references: exported.references.clone(), kind }))
}

fn kind(path: &Path) -> std::io::Result<Kind> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_symlink() {
        return Ok(Kind::Link(fs::read_link(path)?.to_string_lossy().into_owned()));
    }
    Ok(if kind.is_dir() { Kind::Folder } else { Kind::File })
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
            Kind::Folder => fs::create_dir(place)?,
            Kind::File => fs::write(place, "")?,
            Kind::Link(target) => symlink(target, place)?,
        }
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(bin.join(name))?;
    std::io::Write::write_all(&mut file, sealed.wrapper.as_bytes())
}
