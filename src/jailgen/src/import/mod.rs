//! From a flake, or the settings of another tool, to a spec, and what the compiler says to that
//! spec.

mod tools;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use jail_lang::{EntryKind, FileSources, Imported, SourceError, Sources};
use jail_registry::FileId;

use crate::compile::{Compiled, compile_from};
use crate::files::read_regular;

pub use tools::InputKind;

/// What became of a file.
pub struct Import {
    /// Its path as the user gave it.
    path: PathBuf,
    /// The spec, and what was left out of it.
    pub imported: Imported,
    /// The compiled spec, as if it were next to the file.
    pub compiled: Option<Compiled>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read, or is not UTF-8.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Nothing tells what the file is.
    #[error("nothing tells what kind of file this is")]
    Unknown,
}

/// Reads the file at `path`, which is of a `kind` or is looked at; its spec is called `spec_name`.
/// Nothing outside the file's folder is read.
///
/// # Errors
/// See [`ImportError`].
pub fn import(
    path: &Path,
    kind: Option<InputKind>,
    spec_name: &str,
) -> Result<Import, ImportError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = String::from_utf8(read_regular(path)?).map_err(io::Error::other)?;
    let folder = path.parent().filter(|parent| *parent != Path::new(""));
    let folder = FileSources::new(folder.unwrap_or_else(|| Path::new(".")))?;
    let kind = kind.or_else(|| InputKind::detected(&name, &text)).ok_or(ImportError::Unknown)?;
    let imported = match kind {
        InputKind::Nix => jail_lang::import(&name, &text, Some(&folder)),
        kind => tools::import(kind, &name, &text),
    };
    let compiled = imported.spec.as_ref().map(|spec| {
        let path = format!("{}/{spec_name}", folder.root());
        compile_from(&NextToFile { path, text: spec, folder }, Path::new(spec_name))
    });
    Ok(Import { path: path.into(), imported, compiled })
}

impl crate::render::Sources for Import {
    fn source(&self, file: FileId) -> Option<(Cow<'_, str>, &str)> {
        Some((self.path.to_string_lossy(), &self.imported.files.get(file)?.text))
    }
}

/// A folder with one more file, which is not written yet.
struct NextToFile<'a> {
    folder: FileSources,
    path: String,
    text: &'a str,
}

impl Sources for NextToFile<'_> {
    fn root(&self) -> &str {
        self.folder.root()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        if path == self.path { Ok(self.text.as_bytes().to_vec()) } else { self.folder.read(path) }
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        if path == self.path { Ok(Some(EntryKind::Regular)) } else { self.folder.kind(path) }
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        self.folder.list(path)
    }
}
