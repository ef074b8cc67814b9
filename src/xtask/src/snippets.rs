//! `src/jailgen/src/data/snippets.json`: the calls of combinators and builders for editors, in the
//! format of VS Code. `jailgen completions snippets` prints it.

use jail_registry::{BUILDERS, combinators};
use serde_json::{Map, Value, json};

const JAIL: (&str, &str, &str) = (
    "jail",
    "jail \"${1:name}\" ${2:pkgs.hello} [\n  $0\n]",
    "A jail: a command, its program and what it may do",
);

/// The content of the file of snippets.
///
/// # Errors
/// serde_json's.
pub(crate) fn file() -> Result<String, String> {
    let (name, body, about) = JAIL;
    let mut snippets = Map::from_iter([(name.to_owned(), snippet(name, body, about))]);
    for it in combinators() {
        let body = it.snippet().unwrap_or_else(|| it.name.to_owned());
        snippets.insert(it.name.to_owned(), snippet(it.name, &body, it.summary));
    }
    for it in BUILDERS {
        let body = it.snippet().unwrap_or_else(|| it.name.to_owned());
        snippets.insert(it.name.to_owned(), snippet(it.name, &body, it.summary));
    }
    let text = serde_json::to_string_pretty(&snippets).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

fn snippet(name: &str, body: &str, about: &str) -> Value {
    let lines: Vec<&str> = body.split('\n').collect();
    json!({ "scope": "nix,jail", "prefix": name, "body": lines, "description": about })
}
