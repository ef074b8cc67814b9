//! `doc`: prints the page of a combinator or builder, or the list of all.

use serde::Serialize;

use super::Context;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::doc::{self, Entry};
use crate::render::sanitise_json;

pub(in crate::cli) fn run(name: Option<&str>, json: bool, context: Context) -> Result<(), Failure> {
    let mut entries = doc::entries();
    if let Some(name) = name {
        entries.retain(|entry| entry.name == name);
        if entries.is_empty() {
            let message = format!("there is no combinator or builder `{name}`");
            return Err(Failure::with_help(message, doc::meant(name)));
        }
    }
    let text = match (name, entries.as_slice()) {
        (_, entries) if json => as_json(entries)?,
        (Some(_), [entry]) => doc::page(entry, width()),
        (_, entries) => doc::list(entries, width()),
    };
    context.console.result(&text)
}

#[derive(Serialize)]
struct Pages<'a> {
    entries: &'a [Entry],
}

fn as_json(entries: &[Entry]) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(&Pages { entries })
        .map_err(|error| Failure::new(format!("the pages cannot be written: {error}")))?;
    Ok(sanitise_json(&json).into_owned() + "\n")
}
