//! The texts that the editor shows, and files as a spec sees them: what is open comes before what
//! is saved.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gen_lsp_types::Uri;
use jail_lang::{EntryKind, FileSources, SourceError, Sources};

use super::uri;
use crate::files::behind_link;

/// A text that is open.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) uri: Uri,
    pub(super) version: i32,
    pub(super) text: Arc<str>,
    /// Where it is saved, if it is a file.
    pub(super) path: Option<PathBuf>,
}

impl Document {
    /// Whether it is a spec by its name; a text that was never saved is taken for one.
    pub(super) fn is_spec(&self) -> bool {
        self.path.as_ref().is_none_or(|path| path.extension() == Some(OsStr::new("jail")))
    }
}

/// The texts that are open, by their URIs.
#[derive(Clone, Debug, Default)]
pub(super) struct Documents {
    documents: BTreeMap<String, Document>,
}

impl Documents {
    pub(super) fn put(&mut self, uri: Uri, version: i32, text: String) {
        let path = uri::path(&uri).map(|path| behind_link(&path).unwrap_or(path));
        let document = Document { version, text: text.into(), path, uri };
        self.documents.insert(document.uri.0.clone(), document);
    }

    pub(super) fn remove(&mut self, uri: &Uri) {
        self.documents.remove(&uri.0);
    }

    pub(super) fn get(&self, uri: &Uri) -> Option<&Document> {
        self.documents.get(&uri.0)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    /// The URI of a file, as the editor writes it where it shows the file.
    pub(super) fn uri_of(&self, path: &Path) -> Uri {
        let open = self.all().find(|document| document.path.as_deref() == Some(path));
        open.map_or_else(|| uri::uri(path), |document| document.uri.clone())
    }

    /// The files below a folder with the open ones in their places.
    pub(super) fn below(&self, folder: &Path) -> io::Result<Overlay> {
        let mut texts = BTreeMap::new();
        for document in self.all() {
            if let Some(path) = document.path.as_deref().and_then(resolved) {
                texts.insert(path, Arc::clone(&document.text));
            }
        }
        Ok(Overlay { disk: FileSources::new(folder)?, texts })
    }
}

/// The path with its folder's links resolved: the file itself need not exist.
fn resolved(path: &Path) -> Option<String> {
    let folder = std::fs::canonicalize(path.parent()?).ok()?;
    folder.join(path.file_name()?).into_os_string().into_string().ok()
}

/// See [`Documents::below`].
pub(super) struct Overlay {
    disk: FileSources,
    texts: BTreeMap<String, Arc<str>>,
}

impl Overlay {
    /// An open text, if it is below the spec's folder.
    fn text(&self, path: &str) -> Option<&Arc<str>> {
        let is_below = Path::new(path).starts_with(self.disk.root());
        self.texts.get(path).filter(|_| is_below)
    }
}

impl Sources for Overlay {
    fn root(&self) -> &str {
        self.disk.root()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        match self.text(path) {
            Some(text) if text.len() as u64 > jail_lang::FILE_BYTES_MAX => {
                Err(SourceError::TooLarge { path: path.to_owned() })
            }
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => self.disk.read(path),
        }
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        match self.text(path) {
            Some(_) => Ok(Some(EntryKind::Regular)),
            None => self.disk.kind(path),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        self.disk.list(path)
    }
}
