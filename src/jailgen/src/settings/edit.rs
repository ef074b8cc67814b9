//! Changes of the file that leave the rest of it as it is, comments included.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::{Fault, KEYS, TABLES, parse};

/// The text with a key set. The result is read as any file is, so nothing is written that would be
/// refused afterwards.
///
/// # Errors
/// The text cannot be read, the key is unknown, or does not take the value.
pub fn set(text: &str, key: &str, to: &str, home: Option<&Path>) -> Result<String, Fault> {
    let mut document = document(text)?;
    match place(key)? {
        (None, name) => put(document.as_table_mut(), name, to),
        (Some(table), name) => {
            let new = || Item::Table(Table::new());
            let entry = document.entry(table).or_insert_with(new).as_table_like_mut();
            let entry = entry.ok_or_else(|| fault(format!("`{table}` is not a table")))?;
            put(entry, name, to);
        }
    }
    let text = document.to_string();
    parse(&text, home)?;
    Ok(text)
}

/// The text without a key. None if it is not set.
///
/// # Errors
/// The text cannot be read, or the key is unknown.
pub fn unset(text: &str, key: &str) -> Result<Option<String>, Fault> {
    let mut document = document(text)?;
    let removed = match place(key) {
        Ok((None, name)) => take(document.as_table_mut(), name),
        Ok((Some(table), name)) => {
            let entries = document.get_mut(table).and_then(Item::as_table_like_mut);
            entries.and_then(|entries| take(entries, name))
        }
        // Whole tables, and anything else that prevents reading the file.
        Err(fault) => match take(document.as_table_mut(), key) {
            None => return Err(fault),
            removed => removed,
        },
    };
    let Some(comments) = removed else { return Ok(None) };
    let rest = document.trailing().as_str().unwrap_or_default().to_owned();
    document.set_trailing(comments + &rest);
    Ok(Some(document.to_string()))
}

/// Sets an entry. A comment behind its value stays.
fn put(table: &mut dyn TableLike, name: &str, to: &str) {
    let mut new = value(to);
    let old = table.get(name).and_then(Item::as_value).map(|old| old.decor().clone());
    if let (Some(old), Some(new)) = (old, new.as_value_mut()) {
        *new.decor_mut() = old;
    }
    table.insert(name, new);
}

/// Removes an entry. The comments above it, which may be about the whole file, go on above the next
/// one; or they are returned, for the end of the file.
fn take(table: &mut dyn TableLike, name: &str) -> Option<String> {
    let above = table.key(name).and_then(|key| key.leaf_decor().prefix()?.as_str());
    let above = above.unwrap_or_default().to_owned();
    let next =
        table.iter().map(|(name, _)| name.to_owned()).skip_while(|other| other != name).nth(1);
    table.remove(name)?;
    let Some(mut next) = next.and_then(|next| table.key_mut(&next)).filter(|_| above.contains('#'))
    else {
        return Some(if above.contains('#') { above } else { String::new() });
    };
    let decor = next.leaf_decor_mut();
    let own = decor.prefix().and_then(|own| own.as_str()).unwrap_or_default().to_owned();
    decor.set_prefix(above + &own);
    Some(String::new())
}

fn document(text: &str) -> Result<DocumentMut, Fault> {
    text.parse::<DocumentMut>().map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        Fault { line: Some(line), message: error.message().replace('\n', ", "), help: None }
    })
}

/// The table and the name that a key means: `kit`,
/// `nix.sandbox`, `override-input.llm-agents/nixpkgs`.
fn place(key: &str) -> Result<(Option<&str>, &str), Fault> {
    if KEYS.contains(&key) {
        return Ok((None, key));
    }
    if let Some((table, name)) = key.split_once('.')
        && TABLES.contains(&table)
        && !name.is_empty()
    {
        return Ok((Some(table), name));
    }
    let keys = KEYS.into_iter().map(String::from);
    let keys: Vec<String> = keys.chain(TABLES.map(|table| format!("{table}.NAME"))).collect();
    let near = jail_registry::nearest(key, KEYS.into_iter().chain(TABLES));
    let help = match near {
        Some(near) if TABLES.contains(&near) => format!("write `{near}.NAME`"),
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are `{}`", keys.join("`, `")),
    };
    Err(Fault { line: None, message: format!("there is no setting `{key}`"), help: Some(help) })
}

fn fault(message: String) -> Fault {
    Fault { line: None, message, help: None }
}
