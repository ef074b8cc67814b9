//! The store's own database (SQLite), read-only: a closure of 1,500 paths in a few milliseconds.

use std::path::Path;

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

/// The ids of everything that a path reaches.
const REACHED: &str = "
    with recursive reached(id) as (
        select id from ValidPaths where path = ?1
        union
        select reference from Refs join reached on Refs.referrer = reached.id
    )";

pub(super) fn closure(database: &Path, roots: &[String]) -> Result<Closure, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    // Somebody who builds holds the database for moments only.
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    let mut closure = Closure::new();
    for root in roots {
        if !closure.contains_key(root) {
            add(&connection, root, &mut closure)?;
        }
    }
    Ok(closure)
}

fn add(connection: &Connection, root: &str, closure: &mut Closure) -> Result<(), DatabaseError> {
    let known: Option<i64> = connection
        .query_row("select id from ValidPaths where path = ?1", params![root], |row| row.get(0))
        .optional()?;
    if known.is_none() {
        return Err(DatabaseError::Unknown(root.into()));
    }
    add_paths(connection, root, closure)?;
    add_references(connection, root, closure)
}

fn add_paths(
    connection: &Connection,
    root: &str,
    closure: &mut Closure,
) -> Result<(), DatabaseError> {
    let query = format!(
        "{REACHED} select path, coalesce(narSize, 0) from ValidPaths join reached using (id)"
    );
    let mut statement = connection.prepare(&query)?;
    let mut rows = statement.query(params![root])?;
    while let Some(row) = rows.next()? {
        let size: i64 = row.get(1)?;
        let nar_size = u64::try_from(size).unwrap_or_default();
        closure.insert(row.get(0)?, StorePath { nar_size, references: Vec::new() });
    }
    Ok(())
}

fn add_references(
    connection: &Connection,
    root: &str,
    closure: &mut Closure,
) -> Result<(), DatabaseError> {
    let query = format!(
        "{REACHED} select referrers.path, targets.path from reached
            join Refs on Refs.referrer = reached.id and Refs.reference != reached.id
            join ValidPaths as referrers on referrers.id = reached.id
            join ValidPaths as targets on targets.id = Refs.reference
            order by targets.path"
    );
    let mut statement = connection.prepare(&query)?;
    let mut rows = statement.query(params![root])?;
    while let Some(row) = rows.next()? {
        let referrer: String = row.get(0)?;
        if let Some(path) = closure.get_mut(&referrer) {
            path.references.push(row.get(1)?);
        }
    }
    // Two roots that share paths would otherwise give their references twice.
    closure.values_mut().for_each(|path| path.references.dedup());
    Ok(())
}
