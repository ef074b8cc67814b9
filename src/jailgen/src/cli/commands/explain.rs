//! `explain`: says in words what a spec grants.

use serde::Serialize;

use super::{Context, compile_clean};
use crate::cli::args;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::explain::{Explanation, explain, render};
use crate::render::sanitise_json;

pub(in crate::cli) fn run(arguments: &args::Explain, context: Context) -> Result<(), Failure> {
    let compiled = compile_clean(&arguments.spec, context)?;
    let explanations: Vec<_> = compiled.policies.iter().map(explain).collect();
    let text = if arguments.json {
        json(&explanations)?
    } else {
        let texts: Vec<_> =
            explanations.iter().map(|explanation| render(explanation, width())).collect();
        texts.join("\n")
    };
    context.console.result(&text)
}

#[derive(Serialize)]
struct Report<'a> {
    jails: &'a [Explanation],
}

fn json(jails: &[Explanation]) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(&Report { jails })
        .map_err(|error| Failure::new(format!("the explanation cannot be written: {error}")))?;
    Ok(sanitise_json(&json).into_owned() + "\n")
}
