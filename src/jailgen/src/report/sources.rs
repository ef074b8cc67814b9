//! The text of a spec, line by line, and the link of a box to its line.

use jail_lang::Files;
use serde::Serialize;

use crate::render::sanitise;

/// A file of the spec.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Source {
    name: String,
    lines: Vec<String>,
}

/// The files of a spec; of a wrapper there are none.
pub(super) fn sources(files: Option<&Files>) -> Vec<Source> {
    let files = files.into_iter().flat_map(Files::all);
    files
        .map(|file| Source {
            name: file.name.clone(),
            lines: file.text.lines().map(|line| sanitise(line).into_owned()).collect(),
        })
        .collect()
}

/// Where the page has a place of the spec (`opencode.jail:5:1`): the name of the element, without
/// the `#`. None if the page does not have that file, or the file that line.
pub(super) fn anchor(place: &str, sources: &[Source]) -> Option<String> {
    let (start, _column) = place.rsplit_once(':')?;
    let (name, line) = start.rsplit_once(':')?;
    let number: usize = line.parse().ok()?;
    let at = sources.iter().position(|source| source.name == name)?;
    let source = sources.get(at)?;
    (1..=source.lines.len()).contains(&number).then(|| format!("f{at}-{number}"))
}
