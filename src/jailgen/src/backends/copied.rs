//! Paths of a spec (`"${./cfg}"`) become part of the emitted folder, so the folder is complete.
//! They were read with the spec.

use std::collections::BTreeMap;
use std::path::Path;

use jail_lang::Tree;

use super::{Copied, File, Spec};

pub(super) fn collect(specs: &[Spec], files: &mut BTreeMap<String, File>) {
    for copied in specs.iter().flat_map(|spec| &spec.copied) {
        copy(copied, files);
    }
}

fn copy(copied: &Copied, files: &mut BTreeMap<String, File>) {
    copied.tree.walk(&mut |below, entry| {
        let name = Path::new(&copied.to).join(below);
        let name = name.to_string_lossy().trim_end_matches('/').to_owned();
        let file = match entry {
            Tree::File { bytes, executable } => File::Content(bytes.clone(), *executable),
            Tree::Link(target) => File::Link(target.clone()),
            Tree::Folder(_) => return,
        };
        files.insert(name, file);
    });
}
