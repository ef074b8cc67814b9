//! The store's own database (SQLite), read-only: a closure of 1,500 paths in a few milliseconds.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::{Closure, StorePath};

/// Why the database does not answer.
#[derive(Debug)]
pub enum DatabaseError {
    /// It cannot be read, or has another form.
    Unreadable(rusqlite::Error),
    /// It does not have this path.
    Unknown(String),
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// The ids of everything that the roots reach. They come as one JSON list, since a wrapper has
/// hundreds.
const REACHED: &str = "
    with recursive
        roots(path) as (select value from json_each(?1)),
        reached(id) as (
            select id from ValidPaths where path in roots
            union
            select reference from Refs join reached on Refs.referrer = reached.id)";

const UNKNOWN: &str = "
    select value from json_each(?1) where value not in (select path from ValidPaths) limit 1";

// `cross join` keeps SQLite to this order: the other one would look at every path of the store.
const PATHS: &str = "
    select path, coalesce(narSize, 0)
    from reached cross join ValidPaths on ValidPaths.id = reached.id";

const REFERENCES: &str = "
    select referrers.path, targets.path
    from reached
    cross join Refs on Refs.referrer = reached.id and Refs.reference != reached.id
    cross join ValidPaths as referrers on referrers.id = reached.id
    cross join ValidPaths as targets on targets.id = Refs.reference";

pub(super) fn closure(database: &Path, roots: &[String]) -> Result<Closure, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    // A build locks the database for moments only.
    connection.busy_timeout(Duration::from_secs(2))?;
    let roots = serde_json::Value::from(roots).to_string();
    let unknown = connection.query_row(UNKNOWN, params![roots], |row| row.get(0)).optional()?;
    if let Some(unknown) = unknown {
        return Err(DatabaseError::Unknown(unknown));
    }
    let mut closure = paths(&connection, &roots)?;
    add_references(&connection, &roots, &mut closure)?;
    Ok(closure)
}

fn paths(connection: &Connection, roots: &str) -> Result<Closure, DatabaseError> {
    let mut statement = connection.prepare(&format!("{REACHED}{PATHS}"))?;
    let rows = statement.query_map(params![roots], |row| {
        let size: i64 = row.get(1)?;
        let nar_size = u64::try_from(size).unwrap_or_default();
        Ok((row.get(0)?, StorePath { nar_size, references: Vec::new() }))
    })?;
    Ok(rows.collect::<Result<Closure, _>>()?)
}

fn add_references(
    connection: &Connection,
    roots: &str,
    closure: &mut Closure,
) -> Result<(), DatabaseError> {
    let mut statement = connection.prepare(&format!("{REACHED}{REFERENCES}"))?;
    let mut rows = statement.query(params![roots])?;
    while let Some(row) = rows.next()? {
        let referrer: String = row.get(0)?;
        if let Some(path) = closure.get_mut(&referrer) {
            path.references.push(row.get(1)?);
        }
    }
    closure.values_mut().for_each(|path| path.references.sort_unstable());
    Ok(())
}
