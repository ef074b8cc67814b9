//! Store paths with their sizes and references: from the store's database where it can be read,
//! else from Nix.

mod database;
mod path_info;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub use database::DatabaseError;

use crate::nix::{Nix, NixError};

/// Where Nix keeps its database unless it was built otherwise.
pub const DATABASE: &str = "/nix/var/nix/db/db.sqlite";

/// A store path.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StorePath {
    /// Its size as an archive, which is what Nix counts.
    pub nar_size: u64,
    /// The paths that it refers to, without itself, sorted.
    pub references: Vec<String>,
}

/// A closure: store paths, sorted.
pub type Closure = BTreeMap<String, StorePath>;

/// Why a closure cannot be determined.
#[derive(Debug)]
pub enum ClosureError {
    /// A path that Nix does not know.
    Unknown(String),
    /// Neither the database nor Nix can be asked.
    Nix(NixError),
    /// Nix's answer has none of the known shapes.
    Shape(String),
}

/// The closure of store paths.
///
/// `nix` is asked for only where the database cannot be read.
///
/// # Errors
/// See [`ClosureError`].
pub fn closure(
    roots: &[String],
    database: &Path,
    nix: impl FnOnce() -> Result<Nix, NixError>,
) -> Result<Closure, ClosureError> {
    match database::closure(database, roots) {
        Ok(closure) => Ok(closure),
        Err(DatabaseError::Unknown(path)) => Err(ClosureError::Unknown(path)),
        // Expected for ordinary users: the database is in WAL mode and its -shm file is not theirs
        // to create. It must not be opened as `immutable`, because it is not.
        Err(DatabaseError::Unreadable(_)) => {
            let nix = nix().map_err(ClosureError::Nix)?;
            let answer = nix.path_info(roots).map_err(ClosureError::Nix)?;
            path_info::closure(&answer)
        }
    }
}

/// The sum of all sizes.
#[must_use]
pub fn total(closure: &Closure) -> u64 {
    closure.values().map(|path| path.nar_size).sum()
}

/// A size in the unit that leaves at most four digits before the point.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut tenths = bytes.saturating_mul(10);
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while tenths >= 10_240 {
        let Some(next) = units.next() else { break };
        unit = Some(next);
        tenths /= 1024;
    }
    let unit = unit.copied().unwrap_or_default();
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// The store path that `path` lies in, once symbolic links are followed.
#[must_use]
pub fn store_path_of(path: &Path, store: &str) -> Option<String> {
    let real = std::fs::canonicalize(path).ok()?;
    let below = real.strip_prefix(store).ok()?;
    let name = below.components().next()?.as_os_str().to_str()?;
    Some(format!("{store}/{name}"))
}

impl ClosureError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => {
                Some("it is not in this store, or was collected: build it again".into())
            }
            Self::Nix(error) => error.help(),
            Self::Shape(_) => None,
        }
    }
}

impl fmt::Display for ClosureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(path) => write!(f, "`{path}` is not a valid store path"),
            Self::Nix(error) => {
                write!(f, "the store's database cannot be read, and Nix cannot be asked: {error}")
            }
            Self::Shape(what) => {
                write!(f, "the answer of `nix path-info --json` cannot be read: {what}")
            }
        }
    }
}

impl std::error::Error for ClosureError {}

#[cfg(test)]
mod tests;
