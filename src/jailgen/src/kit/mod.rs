//! The kit: the flake that an emitted flake needs of jailgen, with nixlib and the static tools.
//! Found, or put into the store.

mod error;
mod installed;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use error::KitError;
pub use installed::Manifest;

use crate::nix::{Nix, nar};

/// The record that `make kit` leaves next to the program.
const RECORD: &str = "jailgen-kit.json";

/// The link next to the program that keeps the kit from being collected.
const ROOT: &str = "jailgen-kit";

/// Nix copies a flake to the store under this name. One that is there already by this name is not
/// copied again.
const STORE_NAME: &str = "source";

/// Where the files of Nix are.
const STORE: &str = "/nix/store";

/// What packaging compiled in: a kit as JSON (see [`Kit`]).
const COMPILED_IN: Option<&str> = option_env!("JAILGEN_KIT");

/// A kit, as an emitted flake and its lock name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kit {
    /// Its flake reference: `path:/nix/store/…-source` or `github:owner/jailgen/REVISION`.
    pub url: String,
    /// The `original` of its node in flake.lock.
    pub original: Value,
    /// The `locked` of its node in flake.lock.
    pub locked: Value,
    /// Its inputs that are those of the emitted flake.
    #[serde(default)]
    pub follows: Vec<String>,
    /// The version of jailgen that it belongs to.
    pub version: String,
}

impl Kit {
    /// The kit in a folder of the store, or of the host.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn in_folder(folder: &Path) -> Result<Self, KitError> {
        let unreadable = |error| KitError::Folder { folder: folder.into(), error };
        let folder = fs::canonicalize(folder).map_err(unreadable)?;
        plain(&folder)?;
        for file in ["flake.nix", "nixlib/default.nix", "tools"] {
            fs::metadata(folder.join(file))
                .map_err(|_| KitError::NoKit { folder: folder.clone(), file })?;
        }
        let hash = nar::hash(&folder).map_err(unreadable)?;
        Ok(Self::at(&folder, &hash))
    }

    fn at(folder: &Path, nar_hash: &str) -> Self {
        let path = folder.display().to_string();
        let mut locked = json!({ "type": "path", "path": path, "narHash": nar_hash });
        if let Some(locked) = locked.as_object_mut().filter(|_| folder.starts_with(STORE)) {
            // Files of the store have the time 1, or none. Others have one of their own, which Nix
            // would compare.
            locked.insert("lastModified".into(), json!(1));
        }
        Self {
            url: format!("path:{path}"),
            original: json!({ "type": "path", "path": path }),
            locked,
            follows: Vec::new(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// A tool of a kit that is on this machine, for this machine.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<PathBuf> {
        let folder = Path::new(self.locked.get("path")?.as_str()?);
        let system = format!("{}-linux", std::env::consts::ARCH);
        let tool = folder.join("tools").join(system).join(name);
        tool.exists().then_some(tool)
    }

    /// What changes when the kit does.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        nar::hash_bytes(self.locked.to_string().as_bytes())
    }
}

/// Finds the kit: the one that is asked for, else what packaging compiled in, else what `make kit`
/// recorded next to `program`, else the one that was installed with `program`.
///
/// # Errors
/// There is no kit, or it belongs to another version of jailgen.
pub fn find(reference: Option<&str>, program: &Path) -> Result<Kit, KitError> {
    if let Some(reference) = reference {
        let folder = reference.strip_prefix("path:").unwrap_or(reference);
        if !folder.starts_with(['/', '.']) {
            return Err(KitError::Reference(reference.into()));
        }
        return Kit::in_folder(Path::new(folder));
    }
    if let Some(compiled_in) = COMPILED_IN {
        return serde_json::from_str(compiled_in).map_err(KitError::CompiledIn);
    }
    if !next_to(program, RECORD).exists()
        && let Some(installed) = installed::find(&real(program))
    {
        return installed;
    }
    recorded(program)
}

fn recorded(program: &Path) -> Result<Kit, KitError> {
    let record = next_to(program, RECORD);
    let text =
        fs::read_to_string(&record).map_err(|_| KitError::Missing { record: record.clone() })?;
    believed(&record, &real(program))?;
    let kit: Kit = serde_json::from_str(&text)
        .map_err(|error| KitError::Record { record: record.clone(), error })?;
    if kit.version != env!("CARGO_PKG_VERSION") {
        return Err(KitError::Version { record, found: kit.version });
    }
    let gone =
        kit.locked.get("path").and_then(Value::as_str).filter(|path| !Path::new(path).exists());
    match gone {
        Some(path) => Err(KitError::Gone { record, path: path.into() }),
        None => Ok(kit),
    }
}

/// Adds a kit's folder to the store, keeps it there, and records it next to `program`.
///
/// # Errors
/// Nix fails, or the record cannot be written.
pub fn add(nix: &Nix, folder: &Path, program: &Path) -> Result<Kit, KitError> {
    // Checked before it is in the store, where it would stay.
    Kit::in_folder(folder)?;
    let path = nix.add_path(folder, STORE_NAME).map_err(KitError::Nix)?;
    let kit = Kit::in_folder(Path::new(&path))?;
    nix.add_root(&next_to(program, ROOT), &path).map_err(KitError::Nix)?;
    let record = next_to(program, RECORD);
    let text = serde_json::to_string_pretty(&kit).map_err(KitError::CompiledIn)?;
    crate::files::write_atomically(&record, format!("{text}\n").as_bytes())
        .map_err(|error| KitError::Folder { folder: record, error })?;
    Ok(kit)
}

/// Refuses what another user could have written: the program may be in a folder such as /tmp, where
/// every user makes names, and what a kit holds becomes the stub. The owner of the program could
/// have changed the program itself.
fn believed(path: &Path, program: &Path) -> Result<(), KitError> {
    let foreign = |why| Err(KitError::Foreign { path: path.into(), why });
    let unreadable = |error| KitError::Folder { folder: path.into(), error };
    let owner = fs::metadata(program).map(|data| data.uid()).ok();
    let caller = rustix::process::geteuid().as_raw();
    let (itself, behind) = (fs::symlink_metadata(path), fs::metadata(path));
    for data in [itself.map_err(unreadable)?, behind.map_err(unreadable)?] {
        if ![Some(0), Some(caller), owner].contains(&Some(data.uid())) {
            return foreign("it belongs to another user");
        }
        if !data.is_symlink() && data.mode() & 0o002 != 0 {
            return foreign("every user may write it (`chmod o-w` fixes that)");
        }
    }
    Ok(())
}

/// A flake names the kit by a URL, which versions of Nix read differently where it has other
/// characters.
fn plain(folder: &Path) -> Result<(), KitError> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+=@,/".contains(byte);
    match folder.as_os_str().as_encoded_bytes().iter().all(is_plain) {
        true => Ok(()),
        false => Err(KitError::Name(folder.into())),
    }
}

fn next_to(program: &Path, name: &str) -> PathBuf {
    real(program).with_file_name(name)
}

/// A link to the program, as in ~/bin, leads to where its kit is.
fn real(program: &Path) -> PathBuf {
    fs::canonicalize(program).unwrap_or_else(|_| program.into())
}

#[cfg(test)]
mod tests;
