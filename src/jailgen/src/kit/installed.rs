//! The kit of an installed jailgen: `lib/jailgen/kit` next to the folder of the program, with a
//! manifest that says its hash.
//!
//! An emitted flake names it by its path and that hash, so nothing has to be in the store before:
//! Nix copies it there when it first evaluates such a flake, through the daemon where the user has
//! one, and refuses a kit that is not what was installed.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Kit, KitError, believed, plain};
use crate::nix::nar;

/// The kit, below the folder that `bin` is in.
const FOLDER: &str = "lib/jailgen/kit";

const MANIFEST: &str = "lib/jailgen/kit.json";

/// What is known of a kit when it is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The hash of its folder.
    pub nar_hash: String,
    /// The version of jailgen that it belongs to.
    pub version: String,
}

impl Manifest {
    /// That of the kit in a folder.
    ///
    /// # Errors
    /// It is not a kit, or cannot be read.
    pub fn for_kit(folder: &Path) -> Result<Self, KitError> {
        Kit::in_folder(folder)?;
        let nar_hash =
            nar::hash(folder).map_err(|error| KitError::Folder { folder: folder.into(), error })?;
        Ok(Self { nar_hash, version: env!("CARGO_PKG_VERSION").into() })
    }
}

/// The kit that was installed with the program, if one was. Its files are not read: Nix compares
/// them with the hash.
pub(super) fn find(program: &Path) -> Option<Result<Kit, KitError>> {
    let prefix = program.parent()?.parent()?;
    let manifest = prefix.join(MANIFEST);
    let text = fs::read_to_string(&manifest).ok()?;
    let folder = prefix.join(FOLDER);
    let all = [manifest.as_path(), manifest.parent().unwrap_or(prefix), &folder];
    let foreign = all.into_iter().filter(|path| path.exists());
    if let Some(error) = foreign.filter_map(|path| believed(path, program).err()).next() {
        return Some(Err(error));
    }
    Some(read(&text, manifest, &folder))
}

fn read(text: &str, manifest: PathBuf, folder: &Path) -> Result<Kit, KitError> {
    let found: Manifest = match serde_json::from_str(text) {
        Ok(found) => found,
        Err(error) => return Err(KitError::Record { record: manifest, error }),
    };
    if found.version != env!("CARGO_PKG_VERSION") {
        return Err(KitError::Version { record: manifest, found: found.version });
    }
    if !folder.join("flake.nix").exists() {
        let path = folder.display().to_string();
        return Err(KitError::Gone { record: manifest, path });
    }
    plain(folder)?;
    Ok(Kit::at(folder, &found.nar_hash))
}
