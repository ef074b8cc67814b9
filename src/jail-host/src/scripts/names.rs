//! The variables that a plan mentions. Only these are asked of the scripts' shell.

use std::collections::BTreeSet;

use jail_plan::{Expansion, Plan};
use serde_json::Value;

use crate::shell::is_name;

/// The names, sorted. They are found in the plan's JSON form, in which all expanded texts look
/// alike, so an operation that is added later cannot be forgotten here.
pub(crate) fn mentioned(plan: &Plan) -> Vec<String> {
    let mut names = BTreeSet::new();
    // It was read from JSON, so it can be written.
    collect(&serde_json::to_value(plan).unwrap_or_default(), &mut names);
    names.into_iter().filter(|name| is_name(name)).collect()
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("expand" | "per-folder", Value::String(source)) => {
                        if let Ok(expansion) = Expansion::parse(source) {
                            names.extend(expansion.variables().into_iter().map(str::to_owned));
                        }
                    }
                    ("variable", Value::String(variable)) => {
                        names.insert(variable.clone());
                    }
                    ("forward", Value::Object(forward)) => {
                        names
                            .extend(forward.get("name").and_then(Value::as_str).map(str::to_owned));
                    }
                    (_, value) => collect(value, names),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
