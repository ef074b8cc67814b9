//! `lines.json`: the places of the grants in the specs, and the files of the specs. It is a file of
//! its own with a line for each spec, so a comment that is added to one changes one line of the
//! emitted files and no file of grants.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{EmitError, Spec};

pub(super) const LINES: &str = "lines.json";

/// It begins like this. Only one that does is ever overwritten.
pub(super) const LINES_MARK: &str = "{\"generatedBy\": \"jailgen ";

/// The file of these specs.
pub(super) fn render(specs: &[Spec]) -> Result<String, EmitError> {
    let lines = specs.iter().map(|spec| serde_json::to_string(&line(spec)));
    let lines = lines.collect::<Result<Vec<_>, _>>();
    let lines = lines.map_err(|error| EmitError::Text(format!("`{LINES}`: {error}")))?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(format!("{LINES_MARK}{version}\", \"specs\": [\n{}\n]}}\n", lines.join(",\n")))
}

fn line(spec: &Spec) -> Value {
    let files: Map<String, Value> =
        spec.files.iter().map(|file| (file.name.clone(), file.hash.as_str().into())).collect();
    let jails: BTreeMap<&str, BTreeMap<String, &str>> = spec
        .policies
        .iter()
        .map(|policy| {
            let places = policy.places.iter().map(|(by, place)| (by.to_string(), place.as_str()));
            (policy.name.as_str(), places.collect())
        })
        .collect();
    json!({ "files": files, "jails": jails })
}
