//! Converts a flake, or the settings of another tool, to a spec, and compiles that spec.

mod tools;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use jail_lang::{EntryKind, FileSources, Imported, SourceError, Sources};
use jail_registry::FileId;

use crate::compile::{Compiled, compile_from};
use crate::files::{folder_of, read_regular};

pub use tools::InputKind;

/// What became of a file.
pub struct Import {
    /// Its path as the user gave it.
    path: PathBuf,
    /// The spec, and what was left out of it.
    pub imported: Imported,
    /// The compiled spec, as if it were where it is to be written, or next to the file.
    pub compiled: Option<Compiled>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read, or is not UTF-8.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Nothing tells what the file is.
    #[error("the kind of this file is not clear")]
    Unknown,
    /// It is a Nix file behind a symbolic link: its folder is not the one that the link is in.
    #[error("it is a symbolic link")]
    Link,
    /// The spec names files that it may not read from where it is to be written.
    #[error("the spec names `{0}`")]
    Elsewhere(String),
}

/// Reads the file at `path`, whose kind is `kind` or is recognised; its spec is called `spec_name`,
/// and goes into `folder`, or next to the file. Nothing outside the file's folder is read.
///
/// # Errors
/// See [`ImportError`].
pub fn import(
    path: &Path,
    kind: Option<InputKind>,
    spec_name: &str,
    folder: Option<&Path>,
) -> Result<Import, ImportError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let own = FileSources::new(folder_of(path))?;
    let direct = own.read(&format!("{}/{name}", own.root()));
    let bytes = match &direct {
        Ok(bytes) => bytes.clone(),
        Err(_) => read_regular(path)?,
    };
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    let kind = kind.or_else(|| InputKind::detected(&name, &text)).ok_or(ImportError::Unknown)?;
    let target = folder.map_or_else(|| FileSources::new(folder_of(path)), FileSources::new)?;
    let within = below(own.root(), target.root());
    let imported = match (kind, direct) {
        (InputKind::Nix, Err(SourceError::Link(_))) => return Err(ImportError::Link),
        (InputKind::Nix, Err(error)) => return Err(io::Error::other(error).into()),
        (InputKind::Nix, Ok(_)) => {
            jail_lang::import(&name, &text, Some(&own), within.unwrap_or_default())
        }
        (kind, _) => import_text(kind, &name, &text),
    };
    if let (None, Some(named)) = (within, imported.relative_path()) {
        return Err(ImportError::Elsewhere(named.to_owned()));
    }
    let compiled = imported.spec.as_ref().map(|spec| {
        let path = format!("{}/{spec_name}", target.root());
        let sources = WithSpec { path, text: spec, readable: own.root(), folder: &target };
        compile_from(&sources, Path::new(spec_name))
    });
    Ok(Import { path: path.into(), imported, compiled })
}

/// The spec of a file of another tool, which is not a Nix file.
#[must_use]
pub fn import_text(kind: InputKind, name: &str, text: &str) -> Imported {
    tools::import(kind, name, text)
}

/// The path of a folder relative to another one, which is the same or contains it.
fn below<'a>(folder: &'a str, other: &str) -> Option<&'a str> {
    let rest = folder.strip_prefix(other.trim_end_matches('/'))?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

impl crate::render::Sources for Import {
    fn source(&self, file: FileId) -> Option<(Cow<'_, str>, &str)> {
        Some((self.path.to_string_lossy(), &self.imported.files.get(file)?.text))
    }
}

/// The folder of a spec that is not written yet. The spec comes from another person's file, so it
/// reads nothing outside the folder of that file.
struct WithSpec<'a> {
    folder: &'a FileSources,
    path: String,
    text: &'a str,
    readable: &'a str,
}

impl WithSpec<'_> {
    fn judge(&self, path: &str) -> Result<(), SourceError> {
        let is_readable = below(path, self.readable).is_some();
        if is_readable { Ok(()) } else { Err(SourceError::Outside(path.to_owned())) }
    }
}

impl Sources for WithSpec<'_> {
    fn root(&self) -> &str {
        self.folder.root()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        if path == self.path {
            return Ok(self.text.as_bytes().to_vec());
        }
        self.judge(path).and_then(|()| self.folder.read(path))
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        if path == self.path {
            return Ok(Some(EntryKind::Regular));
        }
        self.judge(path).and_then(|()| self.folder.kind(path))
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        self.judge(path).and_then(|()| self.folder.list(path))
    }
}
