//! From a flake that uses jail.nix or jailed-agents to a spec, and what the compiler says to that
//! spec.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use jail_lang::{EntryKind, FileSources, Imported, SourceError, Sources};
use jail_registry::FileId;

use crate::compile::{Compiled, compile_from};
use crate::files::read_regular;

/// What became of a file.
pub struct Import {
    /// Its path as the user gave it.
    path: PathBuf,
    /// The spec, and what was left out of it.
    pub imported: Imported,
    /// The compiled spec, as if it were next to the file.
    pub compiled: Option<Compiled>,
}

/// Reads the Nix file at `path`; its spec is called `spec_name`. Nothing outside the file's folder
/// is read.
///
/// # Errors
/// The file cannot be read, or is not UTF-8.
pub fn import(path: &Path, spec_name: &str) -> io::Result<Import> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = String::from_utf8(read_regular(path)?).map_err(io::Error::other)?;
    let imported = jail_lang::import(&name, &text);
    let compiled = match &imported.spec {
        None => None,
        Some(spec) => {
            let folder = path.parent().filter(|parent| *parent != Path::new(""));
            let folder = FileSources::new(folder.unwrap_or_else(|| Path::new(".")))?;
            let spec =
                NextToFile { path: format!("{}/{spec_name}", folder.root()), text: spec, folder };
            Some(compile_from(&spec, Path::new(spec_name)))
        }
    };
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
