//! The tables.

use std::fmt;
use std::sync::LazyLock;

mod files;
mod handoff;
mod processes;
mod services;

/// One attempt.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Its line in docs/escapes.md.
    pub(crate) id: &'static str,
    /// The words of `jail-probe`, with `{places}` of the world.
    pub(crate) attempt: &'static str,
    /// What the jail must answer: any of these, divided by `|`.
    pub(crate) inside: &'static str,
    /// What the host answers; empty where nothing can be asked of it.
    pub(crate) outside: &'static str,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.id, self.attempt)
    }
}

type Columns = (&'static str, &'static str, &'static str, &'static str);

/// All rows.
pub(crate) static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    [services::ROWS, files::ROWS, processes::ROWS, handoff::ROWS]
        .concat()
        .into_iter()
        .map(|(id, attempt, inside, outside)| Row { id, attempt, inside, outside })
        .collect()
});
