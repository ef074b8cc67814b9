//! The output of `nix path-info --json`, in each of its forms: a list (Nix 2.8), an
//! object from path to information (2.19 and later), or that object under `info` with
//! base names (format 2 of 2.34).

use serde_json::{Map, Value};

use super::{Closure, ClosureError, StorePath};

pub(super) fn closure(answer: &Value) -> Result<Closure, ClosureError> {
    match answer {
        Value::Array(list) => list.iter().map(|info| entry(None, info, None)).collect(),
        Value::Object(object) => match (object.get("info"), object.get("storeDir")) {
            (Some(Value::Object(info)), Some(Value::String(store))) => by_path(info, Some(store)),
            _ => by_path(object, None),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(ClosureError::Shape("it is neither a list nor an object".into()))
        }
    }
}

fn by_path(object: &Map<String, Value>, store: Option<&str>) -> Result<Closure, ClosureError> {
    object
        .iter()
        // Some versions of Nix put `storeDir` and `version` next to the paths.
        .filter(|(path, _)| store.is_some() || path.starts_with('/'))
        .map(|(path, info)| entry(Some(path), info, store))
        .collect()
}

fn entry(
    path: Option<&str>,
    info: &Value,
    store: Option<&str>,
) -> Result<(String, StorePath), ClosureError> {
    let path = path
        .or_else(|| info.get("path").and_then(Value::as_str))
        .ok_or_else(|| ClosureError::Shape("a store path has no `path`".into()))?;
    let path = full(path, store);
    if info.is_null() || info.get("valid") == Some(&Value::Bool(false)) {
        return Err(ClosureError::Unknown(path));
    }
    let nar_size = info
        .get("narSize")
        .and_then(Value::as_u64)
        .ok_or_else(|| ClosureError::Shape(format!("`{path}` has no `narSize`")))?;
    let mut references =
        references(info, store).filter(|reference| *reference != path).collect::<Vec<_>>();
    references.sort_unstable();
    Ok((path, StorePath { nar_size, references }))
}

fn references<'i>(info: &'i Value, store: Option<&'i str>) -> impl Iterator<Item = String> + 'i {
    let list = info.get("references").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(move |name| full(name, store))
}

fn full(name: &str, store: Option<&str>) -> String {
    match store {
        Some(store) if !name.starts_with('/') => format!("{store}/{name}"),
        Some(_) | None => name.to_owned(),
    }
}
