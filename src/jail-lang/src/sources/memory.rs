//! Files in memory, for tests and for text that an editor has not saved.

use std::collections::BTreeMap;

use super::{EntryKind, FILE_BYTES_MAX, SourceError, Sources, SpecPath};

/// Files in memory, for tests and for text that an editor has not saved.
#[derive(Clone, Debug, Default)]
pub struct MemorySources {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemorySources {
    const ROOT: &str = "/spec";

    /// Files by their paths below the spec's folder.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut sources = Self::default();
        for (path, text) in files {
            sources.insert(path, text.as_bytes());
        }
        sources
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: &str, bytes: &[u8]) {
        self.files.insert(SpecPath::new(Self::ROOT, path).0.into(), bytes.to_vec());
    }

    fn inside(path: &str) -> Result<(), SourceError> {
        match SpecPath(path.into()).below(Self::ROOT) {
            Some(_) => Ok(()),
            None => Err(SourceError::Outside(path.to_owned())),
        }
    }
}

impl Sources for MemorySources {
    fn root(&self) -> &str {
        Self::ROOT
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        Self::inside(path)?;
        let bytes = self.files.get(path).ok_or_else(|| SourceError::Missing(path.to_owned()))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(SourceError::TooLarge { path: path.to_owned() });
        }
        Ok(bytes.clone())
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        Self::inside(path)?;
        if self.files.contains_key(path) {
            return Ok(Some(EntryKind::Regular));
        }
        let folder = format!("{}/", path.trim_end_matches('/'));
        let any = self.files.keys().any(|file| file.starts_with(&folder));
        Ok(any.then_some(EntryKind::Directory))
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        Self::inside(path)?;
        let folder = format!("{}/", path.trim_end_matches('/'));
        let mut entries = BTreeMap::new();
        for rest in self.files.keys().filter_map(|file| file.strip_prefix(&folder)) {
            match rest.split_once('/') {
                Some((name, _)) => entries.insert(name.to_owned(), EntryKind::Directory),
                None => entries.insert(rest.to_owned(), EntryKind::Regular),
            };
        }
        if entries.is_empty() {
            return Err(SourceError::Missing(path.to_owned()));
        }
        Ok(entries.into_iter().collect())
    }
}
