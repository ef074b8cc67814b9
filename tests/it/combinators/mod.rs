//! One row for every combinator: a command that shows what it allows, and one that shows what it
//! still refuses, in real jails.
//!
//! All rows are jails of one spec, so that there is one `jailgen build`. **To add a combinator**,
//! add its row to the file of its chapter ([`row::Row`] says what the fields mean); a test fails
//! while the registry has one without a row. Each row has a home folder of its own with a folder
//! `project` in it, where its commands start, inside and outside. Probes are bash:
//! - `Grants` works in the jail, and is refused in a jail that has the base only: so it is this
//!   combinator that grants it.
//! - `Refuses` is refused in the jail, and works outside: so it is the jail that refuses it.
//! - `Works` and `Denies` say the same without the other side, if there is nothing to compare with.
//! - `Shows` arrives at a terminal as it was written; `Filters` arrives as less, and in a jail that
//!   has the base only as it was written.
//! - `Says` works in the jail, and the launch says this.
//! - `Stops` is a launch that stops with exit status 125 and says this.
//!
//! The registry's own example of each combinator is built and started too; `Row::example`
//! says what becomes of it.

mod agents;
mod base;
mod bus;
mod desktop;
mod environment;
mod filesystem;
mod host;
mod launch;
mod layers;
mod limits;
mod meta;
mod namespaces;
mod network;
mod overlays;
mod process;
mod row;
mod run;
mod servers;

use std::collections::BTreeSet;

use row::Row;

/// Every row, by the registry's chapters.
const CHAPTERS: &[&[Row]] = &[
    base::ROWS,
    meta::ROWS,
    filesystem::ROWS,
    overlays::ROWS,
    launch::ROWS,
    environment::ROWS,
    process::ROWS,
    limits::ROWS,
    namespaces::ROWS,
    layers::ROWS,
    network::ROWS,
    agents::ROWS,
    desktop::ROWS,
    servers::ROWS,
    bus::ROWS,
    host::ROWS,
];

fn rows() -> impl Iterator<Item = &'static Row> {
    CHAPTERS.iter().flat_map(|rows| rows.iter())
}

#[test]
fn every_combinator_has_a_row_that_allows_and_refuses() {
    let mut missing: BTreeSet<&str> =
        jail_registry::combinators().map(|combinator| combinator.name).collect();
    for row in rows() {
        assert!(jail_registry::combinator(row.name).is_some(), "there is no `{}`", row.name);
        let name = row.command();
        assert!(row.probes.iter().any(row::Probe::refuses), "{name}: shows nothing refused");
        if row.case.is_empty() {
            assert!(row.probes.iter().any(row::Probe::allows), "{name}: shows nothing allowed");
            missing.remove(row.name);
        }
    }
    assert!(missing.is_empty(), "without a row in tests/it/combinators: {missing:?}");
}

#[test]
fn every_combinator_allows_what_it_says_and_no_more() {
    let Some(built) = run::Built::new(&rows().collect::<Vec<_>>()) else { return };
    let failures = run::in_parallel(&rows().collect::<Vec<_>>(), |row| built.check(row));
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
