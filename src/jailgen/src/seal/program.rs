//! The program of a jail, where it is in the store: it must be there. A package need not have a
//! program of its own name, and that is better reported when the jail is built than when it is
//! started.

use std::fs;
use std::path::Path;

use jail_policy::{Grant, Policy};

use super::SealError;

/// More programs of a package are not listed.
const LISTED_MAX: usize = 10;

/// The program's path, if it is below `store`.
pub(crate) fn program<'p>(policy: &'p Policy, store: &Path) -> Result<Option<&'p Path>, SealError> {
    let found = policy.grants.iter().rev().find_map(|entry| match &entry.grant {
        Grant::Program { path } => Some((entry, Path::new(path.as_str()?))),
        _ => None,
    });
    let Some((entry, path)) = found.filter(|(_, path)| path.starts_with(store)) else {
        return Ok(None);
    };
    if path.is_file() {
        return Ok(Some(path));
    }
    let error = SealError::at(policy, entry, format!("there is no program `{}`", path.display()));
    Err(error.help(match path.parent().map(programs).unwrap_or_default().as_slice() {
        [] => "the package has no programs: name a package that has".to_owned(),
        names => {
            let names = names.join(", ");
            format!("the package has {names}; name one: `\"${{lib.getBin package}}/bin/NAME\"`")
        }
    }))
}

fn programs(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<_> =
        entries.map(|entry| format!("`{}`", entry.file_name().to_string_lossy())).collect();
    names.sort();
    names.truncate(LISTED_MAX);
    names
}
