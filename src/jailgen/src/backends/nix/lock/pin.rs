//! What a flake reference is pinned to. Folders are hashed here; for everything else Nix is asked.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Lock, Pin};
use crate::files::read_regular;
use crate::nix::{Nix, NixError, Progress, nar};

/// Why a reference cannot be pinned.
#[derive(Debug)]
pub enum PinError {
    /// The folder is not a flake, or cannot be read.
    Folder {
        /// The folder that it is about.
        folder: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Nix cannot be asked, or does not know it.
    Nix(NixError),
    /// Nix's answer makes no sense.
    Answer {
        reference: String,
        /// What is wrong.
        message: String,
    },
}

impl std::fmt::Display for PinError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder { folder, message } => {
                write!(f, "`{}` cannot be pinned: {message}", folder.display())
            }
            Self::Nix(error) => write!(f, "{error}"),
            Self::Answer { reference, message } => {
                write!(f, "`{reference}` cannot be pinned: {message}")
            }
        }
    }
}

impl std::error::Error for PinError {}

/// Pins a reference.
///
/// # Errors
/// See [`PinError`].
pub fn pin(
    reference: &str,
    nix: impl FnOnce() -> Result<Nix, NixError>,
    progress: Progress<'_>,
) -> Result<Pin, PinError> {
    let Some(folder) = folder(reference) else {
        let answer = nix().and_then(|nix| nix.metadata(reference, progress));
        return read(reference, answer.map_err(PinError::Nix)?);
    };
    if let Some(pin) = pin_folder(&folder)? {
        return Ok(pin);
    }
    let answer = nix().and_then(|nix| nix.metadata_of(&folder, progress));
    let mut pin = read(reference, answer.map_err(PinError::Nix)?)?;
    // Nix says where the folder is as it was asked: `.`.
    if let (Some(locked), Ok(folder)) = (pin.locked.as_object_mut(), fs::canonicalize(&folder)) {
        locked.insert("path".into(), json!(folder));
    }
    Ok(pin)
}

/// The folder that a reference names, if it is one.
fn folder(reference: &str) -> Option<PathBuf> {
    let path = reference.strip_prefix("path:").unwrap_or(reference);
    let is_path = reference.starts_with("path:") || path.starts_with(['/', '.']);
    (is_path && !path.contains(['?', '#'])).then(|| path.into())
}

/// The pin of a flake in a folder. `None` if it has inputs and no lock: then only Nix knows what
/// they are.
fn pin_folder(folder: &Path) -> Result<Option<Pin>, PinError> {
    let error = |message: String| PinError::Folder { folder: folder.into(), message };
    let folder = &fs::canonicalize(folder).map_err(|why| error(why.to_string()))?;
    let flake = read_regular(&folder.join("flake.nix"))
        .map_err(|why| error(format!("its flake.nix cannot be read: {why}")))?;
    let flake = String::from_utf8_lossy(&flake);
    let lock = Lock::of_folder(folder).map_err(|why| error(why.to_string()))?;
    if lock.is_none() && flake.contains("inputs") && has_inputs(&flake) {
        return Ok(None);
    }
    let nar_hash = nar::hash(folder).map_err(|why| error(why.to_string()))?;
    // Without `lastModified`: it differs between a folder and its copy in the store, and Nix would
    // compare it.
    let locked = json!({ "type": "path", "path": folder, "narHash": nar_hash });
    Ok(Some(Pin { locked, lock }))
}

/// Whether a flake.nix seems to declare inputs; if in doubt, yes.
fn has_inputs(flake: &str) -> bool {
    let code = flake.lines().filter(|line| !line.trim_start().starts_with('#'));
    code.into_iter().any(|line| {
        let line = line.trim_start();
        line.strip_prefix("inputs").is_some_and(|rest| rest.trim_start().starts_with(['.', '=']))
    })
}

/// What Nix answers about a reference.
fn read(reference: &str, answer: Value) -> Result<Pin, PinError> {
    let error =
        |message: &str| PinError::Answer { reference: reference.into(), message: message.into() };
    let locked = answer.get("locked").filter(|locked| locked.get("narHash").is_some());
    let mut locked = locked.cloned().ok_or_else(|| error("Nix gives no hash for it"))?;
    if let Some(fields) = locked.as_object_mut() {
        // Internal to some versions of Nix.
        fields.retain(|name, _| !name.starts_with("__"));
    }
    let lock = answer.get("locks").filter(|locks| **locks != Value::Null).map(Lock::from_value);
    Ok(Pin { locked, lock: lock.transpose().map_err(|why| error(&why))? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin_without_nix(reference: &str) -> Result<Pin, PinError> {
        pin(reference, || Err(NixError::Missing), &mut |_| {})
    }

    #[test]
    fn a_flake_without_inputs_is_pinned_without_nix() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(folder.path().join("flake.nix"), text).unwrap();
        let reference = format!("path:{}", folder.path().display());
        write("{ outputs = inputs: { }; }");
        let found = pin_without_nix(&reference).unwrap();
        assert_eq!(found.locked["narHash"], nar::hash(folder.path()).unwrap());
        assert_eq!(found.lock, None);

        write("{\n  inputs.x.url = \"path:/x\";\n  outputs = inputs: { };\n}");
        assert!(matches!(pin_without_nix(&reference), Err(PinError::Nix(NixError::Missing))));
        let lock = Lock::compiled_in().unwrap();
        fs::write(folder.path().join("flake.lock"), lock.to_text()).unwrap();
        assert_eq!(pin_without_nix(&reference).unwrap().lock, Some(lock));
    }

    #[test]
    fn a_folder_that_is_no_flake_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = pin_without_nix(folder.path().to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("cannot be pinned: its flake.nix cannot be read"), "{error}");
        let error = pin_without_nix("path:/nonexistent").unwrap_err().to_string();
        assert!(error.starts_with("`/nonexistent` cannot be pinned"), "{error}");
        assert!(matches!(pin_without_nix("github:o/r"), Err(PinError::Nix(_))));
    }
}
