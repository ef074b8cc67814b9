//! Where a word is defined: a binding, an argument, or a place in a file that is imported.

use std::path::{Component, Path, PathBuf};

use gen_lsp_types::{Location, Range};
use jail_lang::Sources as _;
use jail_lang::query::{self, Definition};

use super::documents::{Document, Documents, Overlay};
use super::position;

/// How many imports are followed, one to the next.
const FILES_MAX: usize = 8;

pub(super) fn definition(
    documents: &Documents,
    document: &Document,
    offset: usize,
) -> Option<Location> {
    match query::read(&document.text, |tree| tree.definition(offset))?? {
        Definition::Here(place) => {
            let range = position::range(&document.text, &place);
            Some(Location { uri: document.uri.clone(), range })
        }
        Definition::File { path, names } => {
            let folder = document.path.as_deref()?.parent()?;
            let search = Search { documents, below: documents.below(folder).ok() };
            search.location(&file(folder, &path)?, &names, FILES_MAX)
        }
    }
}

/// A way through files. Only those below the spec's folder are read, as the compiler does it.
struct Search<'a> {
    documents: &'a Documents,
    below: Option<Overlay>,
}

impl Search<'_> {
    /// Where a file has an attribute; the file itself where that cannot be seen.
    fn location(&self, file: &Path, names: &[String], files: usize) -> Option<Location> {
        let range = match self.found(file, names, files) {
            Some(Found::Elsewhere(location)) => return Some(location),
            Some(Found::Here(range)) => range,
            None => Range::default(),
        };
        Some(Location { uri: self.documents.uri_of(file), range })
    }

    fn found(&self, file: &Path, names: &[String], files: usize) -> Option<Found> {
        let files = files.checked_sub(1)?;
        let text = self.below.as_ref()?.read(file.canonicalize().ok()?.to_str()?).ok()?;
        let text = String::from_utf8(text).ok()?;
        match query::read(&text, |tree| tree.attribute(names))?? {
            Definition::Here(place) => Some(Found::Here(position::range(&text, &place))),
            Definition::File { path, names } => {
                let next = self::file(file.parent()?, &path)?;
                Some(Found::Elsewhere(self.location(&next, &names, files)?))
            }
        }
    }
}

enum Found {
    Here(Range),
    Elsewhere(Location),
}

/// The file that `import` would read.
fn file(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut file = folder.to_path_buf();
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir => {
                file.pop();
            }
            Component::Normal(name) => file.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    if file.is_dir() {
        file.push("default.nix");
    }
    file.is_file().then_some(file)
}
