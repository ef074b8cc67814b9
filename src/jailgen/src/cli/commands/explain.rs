//! `explain`: says in words what a spec grants.

use jail_policy::Policy;
use serde::Serialize;

use super::{Context, compile_clean};
use crate::cli::args;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::explain::{Calls, Explanation, calls, explain, render, render_calls};
use crate::render::sanitise_json;
use crate::seccomp::Arch;

pub(in crate::cli) fn run(arguments: &args::Explain, context: Context) -> Result<(), Failure> {
    let compiled = compile_clean(&arguments.spec, context)?;
    if arguments.syscalls {
        return context.console.result(&system_calls(&compiled.policies, arguments)?);
    }
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

/// The tables of this machine's processor: the jails of a spec are built for it.
fn system_calls(policies: &[Policy], arguments: &args::Explain) -> Result<String, Failure> {
    let arch = Arch::from_nix(std::env::consts::ARCH)
        .ok_or_else(|| Failure::new(format!("jails do not run on {}", std::env::consts::ARCH)))?;
    let tables: Result<Vec<Calls>, _> = policies.iter().map(|policy| calls(policy, arch)).collect();
    let tables = tables.map_err(|error| Failure::new(error.to_string()))?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&serde_json::json!({ "jails": tables }))
            .map_err(|error| Failure::new(format!("the tables cannot be written: {error}")))?;
        return Ok(sanitise_json(&json).into_owned() + "\n");
    }
    let texts: Vec<_> = tables.iter().map(|table| render_calls(table, width())).collect();
    Ok(texts.join("\n"))
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
