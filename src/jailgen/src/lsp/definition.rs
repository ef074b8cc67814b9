//! Where a word is defined: a binding, an argument, or the file that is imported.

use std::path::{Component, Path, PathBuf};

use gen_lsp_types::{Location, Range};
use jail_lang::query::{self, Definition};

use super::documents::Document;
use super::{position, uri};

pub(super) fn definition(document: &Document, offset: usize) -> Option<Location> {
    match query::read(&document.text, |tree| tree.definition(offset))?? {
        Definition::Here(place) => {
            let range = position::range(&document.text, &place);
            Some(Location { uri: document.uri.clone(), range })
        }
        Definition::File(path) => {
            let file = file(document.path.as_deref()?.parent()?, &path)?;
            Some(Location { uri: uri::uri(&file), range: Range::default() })
        }
    }
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
