//! `explain`: says in words what a spec, or a wrapper, grants.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jail_plan::Handled;
use jail_plan::handoff::{Counted, counted};
use jail_plan::mask::{Credential, credentials};
use jail_plan::private::{FOLLOWED, REWRITTEN, SHARED};
use jail_policy::{Grant, NetworkGrant, Policy};
use jail_registry::{Executed, PRESETS};
use serde::Serialize;

use super::Context;
use super::declared::Declared;
use super::explained::Explained;
use crate::cli::args;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::explain::{Calls, Explanation, brief, calls, render, render_calls, repository};
use crate::render::{sanitise_json, sanitise_line};
use crate::session::{SecretUse, secret_uses};
use jail_seccomp::Arch;

pub(in crate::cli) fn run(arguments: &args::Explain, context: Context) -> Result<(), Failure> {
    let Some(target) = &arguments.target else {
        return context.console.result(&table(arguments)?);
    };
    let explained = Explained::load(target, arguments.jail.as_deref(), context)?;
    if arguments.syscalls && explained.wrapper.is_some() {
        let help = "name the spec that it was built from";
        return Err(Failure::with_help("a wrapper has a compiled filter and no rules", help));
    }
    context.console.result(&said(&explained, arguments)?)?;
    if !arguments.brief {
        notes(&explained, context);
    }
    Ok(())
}

/// A row of a table: what each column is called, and what stands there.
type Row = Vec<(&'static str, String)>;

/// The table of what counts when a session ends and of what agents' jails have copies of, or of
/// what is masked.
fn table(arguments: &args::Explain) -> Result<String, Failure> {
    let masked = |Credential { glob, reason }: Credential| -> Row {
        vec![("glob", glob.into()), ("reason", reason.into())]
    };
    let rows: Vec<Row> = match arguments.masked {
        true => credentials().map(masked).collect(),
        false => protected(),
    };
    if arguments.json {
        let all: Vec<BTreeMap<_, _>> = rows.into_iter().map(BTreeMap::from_iter).collect();
        let json = serde_json::to_string_pretty(&all)
            .map_err(|error| Failure::new(format!("the table cannot be written: {error}")))?;
        return Ok(json + "\n");
    }
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at).map(|(_, cell)| cell.len()));
        cells.max().unwrap_or_default()
    };
    let line = |row: &Row| {
        let cells = row.iter().enumerate().map(|(at, (_, cell))| {
            let width = width(at);
            format!("{cell:<width$}")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    Ok(rows.iter().map(line).collect())
}

fn protected() -> Vec<Row> {
    let row = |kind: &str, pattern: String, reason: String| -> Row {
        vec![("pattern", pattern), ("kind", kind.into()), ("reason", reason)]
    };
    let plain =
        |Counted { kind, pattern, reason }: Counted| row(kind, pattern.into(), reason.into());
    let mut rows: Vec<Row> = counted().map(plain).collect();
    for preset in PRESETS {
        for Executed { folder, names } in preset.executed {
            for (name, reason) in *names {
                let pattern = format!("{folder}/{name}");
                let is_new =
                    rows.iter().all(|row| row.first().is_none_or(|(_, at)| *at != pattern));
                if is_new {
                    rows.push(row("agent-state", pattern, format!("{}: {reason}", preset.package)));
                }
            }
        }
    }
    let shared = SHARED.iter();
    rows.extend(shared.map(|it| row("agent-shared", format!("~/{}", it.path), it.reason.into())));
    let followed = FOLLOWED.iter().map(|it| (format!("~/{}/{}", it.of, it.pattern), it.reason));
    rows.extend(followed.map(|(path, reason)| row("agent-followed", path, reason.into())));
    let rewritten = REWRITTEN.iter().map(|it| (format!("~/{}/{}", it.of, it.name), it.reason));
    rows.extend(rewritten.map(|(path, reason)| row("agent-rewritten", path, reason.into())));
    rows
}

fn said(explained: &Explained, arguments: &args::Explain) -> Result<String, Failure> {
    if arguments.syscalls {
        return system_calls(explained.policies(), arguments);
    }
    let explanations = explained.explanations();
    if arguments.json {
        return json(&explanations, &explained.declared);
    }
    if arguments.brief {
        return Ok(brief(&explanations));
    }
    let texts = explanations.iter().map(|explanation| render(explanation, width()));
    Ok(texts.chain(explained.declared.text()).collect::<Vec<_>>().join("\n"))
}

/// What is so on this machine, and in this folder. It comes last: it is not part of what is
/// granted.
fn notes(explained: &Explained, context: Context) {
    if let Some(repository) = shared_repository(explained.policies()) {
        let text = format!(
            "`git-worktree` would grant `{}`, if this folder is one of its worktrees",
            repository.display()
        );
        context.console.note("here", &text);
    }
    for used in uses(explained, context) {
        context.console.note("here", &sanitise_line(&used));
    }
    let beyond = beyond(explained.policies(), jail_probe::landlock_abi());
    if !beyond.is_empty() {
        let text = format!("this kernel's Landlock does not check {}", beyond.join(", "));
        context.console.note("here", &text);
    }
}

/// Where secrets went, as the logs of this machine say. Where there are none, nothing did.
fn uses(explained: &Explained, context: Context) -> Vec<String> {
    let Ok(state) = context.state() else { return Vec::new() };
    let with_secrets = explained.policies().filter(|policy| !secret_names(policy).is_empty());
    let uses = with_secrets.flat_map(|policy| {
        // A spec may have had others before.
        let (all, own) = (secret_uses(&state, &policy.name), secret_names(policy));
        all.unwrap_or_default().into_iter().filter(move |(secret, _)| own.contains(secret))
    });
    let said = |(secret, uses): (String, Vec<SecretUse>)| {
        let uses: Vec<String> = uses.iter().map(ToString::to_string).collect();
        format!("the secret {secret} went to {}", uses.join("; "))
    };
    uses.map(said).collect()
}

/// The secrets of a jail, by their names.
fn secret_names(policy: &Policy) -> BTreeSet<String> {
    let named = policy.grants.iter().filter_map(|entry| match &entry.grant {
        Grant::Network(NetworkGrant::Secret(secret)) => Some(secret.name()),
        Grant::Network(NetworkGrant::SecretSocket(socket)) => Some(socket.socket.clone()),
        _ => None,
    });
    named.collect()
}

/// The repository of the folder that the command is run in, where a jail would have it.
fn shared_repository<'a>(policies: impl Iterator<Item = &'a Policy>) -> Option<PathBuf> {
    let mut grants = policies.flat_map(|policy| &policy.grants);
    let is_granted = grants.any(|entry| matches!(entry.grant, Grant::Worktree));
    is_granted.then(|| repository(&std::env::current_dir().ok()?)).flatten()
}

/// What the running kernel lacks for the Landlock layer of jails whose spec asks for none. A level
/// that a spec asks for is there, or there is no launch.
fn beyond<'a>(mut policies: impl Iterator<Item = &'a Policy>, abi: u32) -> Vec<&'static str> {
    let named = |policy: &Policy| {
        policy.grants.iter().any(|entry| {
            matches!(
                entry.grant,
                Grant::Wall { .. } | Grant::LandlockAbi { .. } | Grant::Cage { .. }
            )
        })
    };
    if policies.all(named) {
        return Vec::new();
    }
    Handled::beyond(&Handled::BY_DEFAULT, abi)
}

/// The tables of this machine's processor: the jails of a spec are built for it.
fn system_calls<'a>(
    policies: impl Iterator<Item = &'a Policy>,
    arguments: &args::Explain,
) -> Result<String, Failure> {
    let arch = Arch::from_nix(std::env::consts::ARCH)
        .ok_or_else(|| Failure::new(format!("jails do not run on {}", std::env::consts::ARCH)))?;
    let tables: Result<Vec<Calls>, _> = policies.map(|policy| calls(policy, arch)).collect();
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
    #[serde(flatten)]
    declared: &'a Declared,
}

fn json(jails: &[Explanation], declared: &Declared) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(&Report { jails, declared })
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
        assert_eq!(beyond([&plain].into_iter(), 9), Vec::<&str>::new());
        let lacking = [
            "connecting to Unix sockets by path",
            "connecting to abstract Unix sockets",
            "signals to processes outside",
        ];
        assert_eq!(beyond([&plain, &demanding].into_iter(), 5), lacking);
        assert_eq!(beyond([&demanding].into_iter(), 0), Vec::<&str>::new());
    }
}
