//! `explain`: says in words what a spec grants.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jail_plan::Handled;
use jail_policy::{Grant, Policy};
use serde::Serialize;

use super::{Context, compile_clean};
use crate::cli::args;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::compile::Compiled;
use crate::emit::FlakeInput;
use crate::explain::{Calls, Explanation, calls, explain, render, render_calls, repository};
use crate::render::{sanitise, sanitise_json};
use jail_seccomp::Arch;

pub(in crate::cli) fn run(arguments: &args::Explain, context: Context) -> Result<(), Failure> {
    let compiled = compile_clean(&arguments.spec, context)?;
    if arguments.syscalls {
        return context.console.result(&system_calls(&compiled.policies, arguments)?);
    }
    let explanations: Vec<_> = compiled.policies.iter().map(explain).collect();
    let beyond = beyond(&compiled.policies, jail_probe::landlock_abi());
    if !beyond.is_empty() {
        let text = format!("this kernel's Landlock does not check {}", beyond.join(", "));
        context.console.note("here", &text);
    }
    if let Some(repository) = shared_repository(&compiled.policies) {
        let text = format!(
            "`git-worktree` would grant `{}`, if that has this folder as its worktree",
            repository.display()
        );
        context.console.note("here", &text);
    }
    let inputs = inputs(&compiled);
    let text = if arguments.json {
        json(&explanations, &inputs)?
    } else {
        let texts = explanations.iter().map(|explanation| render(explanation, width()));
        texts.chain(render_inputs(&inputs)).collect::<Vec<_>>().join("\n")
    };
    context.console.result(&text)
}

/// The repository of the folder that the command is run in, where a jail would have it.
fn shared_repository(policies: &[Policy]) -> Option<PathBuf> {
    let grants = policies.iter().flat_map(|policy| &policy.grants);
    let is_granted = grants.map(|entry| &entry.grant).any(|grant| matches!(grant, Grant::Worktree));
    is_granted.then(|| repository(&std::env::current_dir().ok()?)).flatten()
}

/// The inputs that the spec declares, each in one line: what `${inputs.x}` is, is said nowhere else.
fn inputs(compiled: &Compiled) -> BTreeMap<String, String> {
    let line = |input: &FlakeInput| {
        let text = input.0.to_nix(0);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    compiled.inputs().iter().map(|(name, input)| (name.clone(), line(input))).collect()
}

fn render_inputs(inputs: &BTreeMap<String, String>) -> Option<String> {
    let line = |(name, input): (&String, &String)| {
        format!("  {}\n", sanitise(&format!("{name}  {input}")).replace('\n', "\\n"))
    };
    let lines: String = inputs.iter().map(line).collect();
    let title = "Inputs, which Nix reads with your rights when the spec is built";
    (!inputs.is_empty()).then(|| format!("{title}\n{lines}"))
}

/// What the running kernel lacks for the wall that jails have whose spec names none. A wall that is named is there, or
/// there is no launch.
fn beyond(policies: &[Policy], abi: u32) -> Vec<&'static str> {
    let named = |policy: &Policy| {
        policy.grants.iter().any(|entry| {
            matches!(
                entry.grant,
                Grant::Wall { .. } | Grant::LandlockAbi { .. } | Grant::Cage { .. }
            )
        })
    };
    if policies.iter().all(named) {
        return Vec::new();
    }
    Handled::beyond(&Handled::BY_DEFAULT, abi)
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    inputs: &'a BTreeMap<String, String>,
}

fn json(jails: &[Explanation], inputs: &BTreeMap<String, String>) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(&Report { jails, inputs })
        .map_err(|error| Failure::new(format!("the explanation cannot be written: {error}")))?;
    Ok(sanitise_json(&json).into_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use jail_policy::{Entry, Origin, VERSION, Wall};

    use super::*;

    fn policy(grants: Vec<Grant>) -> Policy {
        let by = Origin { combinator: "x".into(), index: 0 };
        let grants = grants.into_iter().map(|grant| Entry { by: by.clone(), grant }).collect();
        Policy { version: VERSION, name: "demo".into(), grants, places: [].into() }
    }

    #[test]
    fn what_an_older_kernel_lacks_is_told_where_the_spec_demands_nothing() {
        let plain = policy(Vec::new());
        let demanding = policy(vec![Grant::Wall { wall: Wall::Full }]);
        assert_eq!(beyond(std::slice::from_ref(&plain), 9), Vec::<&str>::new());
        let lacking = [
            "connecting to Unix sockets by path",
            "connecting to abstract Unix sockets",
            "signals to processes outside",
        ];
        assert_eq!(beyond(&[plain, demanding.clone()], 5), lacking);
        assert_eq!(beyond(&[demanding], 0), Vec::<&str>::new());
    }
}
