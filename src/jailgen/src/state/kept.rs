//! Files that a jail may not write, though it may write the folder that contains them:
//! its own spec, and the files that it imports. The stub reads the list at each launch,
//! by the name of the jail.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use jail_plan::KEPT;

use super::State;
use super::record::Record;
use crate::files::Private;

/// Writes down what of all specs that have a jail of one of these names is kept.
pub(super) fn keep<'a>(
    state: &State,
    jails: impl Iterator<Item = &'a str>,
) -> Result<(), (PathBuf, io::Error)> {
    let place = state.root.join(KEPT);
    let folder = Private::create(&place).map_err(|error| (place.clone(), error))?;
    let records = Record::all(state);
    for jail in jails {
        let of_jail = records.iter().filter(|record| record.jails.iter().any(|(it, _)| it == jail));
        let files: BTreeSet<&Path> = of_jail.flat_map(Record::files).collect();
        let written = match files.is_empty() {
            true => folder.remove(OsStr::new(jail)),
            false => folder.write(OsStr::new(jail), &text(&files)),
        };
        written.map_err(|error| (place.join(jail), error))?;
    }
    Ok(())
}

fn text(files: &BTreeSet<&Path>) -> Vec<u8> {
    files.iter().flat_map(|file| file.as_os_str().as_bytes().iter().copied().chain([0])).collect()
}
