//! The files of a compilation: what a [`Place`] points into.

use jail_registry::{FileId, Place};

/// Every file that was read, by its id.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: Vec<File>,
}

/// A file of the spec.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path below the spec's folder, as people write it.
    pub name: String,
    /// Its text; a file that is not UTF-8 has replacement characters here.
    pub text: String,
}

impl Files {
    /// Adds a file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(File { name: name.into(), text: text.into() });
        id
    }

    /// The file that an id refers to.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&File> {
        self.files.get(id.0 as usize)
    }

    /// All files, the spec itself first.
    #[must_use]
    pub fn all(&self) -> &[File] {
        &self.files
    }

    /// The text at a place.
    #[must_use]
    pub fn text(&self, place: Place) -> &str {
        let file = self.get(place.file);
        let text = file.and_then(|file| file.text.get(place.start as usize..place.end as usize));
        text.unwrap_or("")
    }

    /// Line and column of a place's first character, counted from one, the column in characters.
    #[must_use]
    pub fn line_column(&self, place: Place) -> (usize, usize) {
        let Some(file) = self.get(place.file) else { return (1, 1) };
        let before = file.text.get(..place.start as usize).unwrap_or(&file.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        (line, column)
    }

    /// The place as in `opencode.jail:4:3`.
    #[must_use]
    pub fn display(&self, place: Place) -> String {
        let name = self.get(place.file).map_or("?", |file| file.name.as_str());
        let (line, column) = self.line_column(place);
        format!("{name}:{line}:{column}")
    }
}
