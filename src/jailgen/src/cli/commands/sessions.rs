//! `sessions`, `stop`, `allow` and `deny`: running jails. A broker's output contains names from
//! its jail, so it is escaped.

use std::fmt::Write as _;

use jail_plan::Seconds;
use serde::Serialize;

use super::{Context, of_state, shown};
use crate::cli::failure::Failure;
use crate::cli::live;
use crate::render::{sanitise, sanitise_json};
use crate::session::{self, ControlError, Order, Session, Status, Stopped};
use crate::state::State;

pub(in crate::cli) fn list(arguments: &live::Sessions, context: Context) -> Result<(), Failure> {
    let found = session::sessions(&context.state()?).map_err(of_state)?;
    let text = if arguments.json { json(&found)? } else { in_words(&found) };
    context.console.result(&text)
}

pub(in crate::cli) fn stop(arguments: &live::OneSession, context: Context) -> Result<(), Failure> {
    let session = the_one(&arguments.session, &context.state()?)?;
    let stopped = session
        .stop()
        .map_err(|error| Failure::new(format!("`{}` cannot be stopped: {error}", session.id)))?;
    let how = match stopped {
        Stopped::Asked => "",
        Stopped::Killed => ", which did not end within 5 s, and was killed",
    };
    context.console.note("stopped", &format!("{} ({}){how}", session.id, session.name));
    Ok(())
}

pub(in crate::cli) fn allow(arguments: &live::OneHost, context: Context) -> Result<(), Failure> {
    change(arguments, context, "allowed", |host| Order::Allow { host })
}

pub(in crate::cli) fn deny(arguments: &live::OneHost, context: Context) -> Result<(), Failure> {
    change(arguments, context, "denied", |host| Order::Deny { host })
}

fn change(
    arguments: &live::OneHost,
    context: Context,
    verb: &str,
    order: impl Fn(String) -> Order,
) -> Result<(), Failure> {
    let state = context.state()?;
    let session = the_one(&arguments.session, &state)?;
    let host = arguments.host.clone();
    let answer = session::order(&state, &session.id, &order(host)).map_err(of_control)?;
    if !answer.ok {
        let why = answer.error.unwrap_or_else(|| "the broker does not say why".into());
        return Err(Failure::new(format!("`{}` was not {verb}: {why}", arguments.host)));
    }
    context.console.note(verb, &format!("{} in {} ({})", arguments.host, session.id, session.name));
    if let Some(note) = answer.note {
        context.console.note("note", &note.replace('\n', " "));
    }
    Ok(())
}

fn of_control(error: ControlError) -> Failure {
    let help = match error {
        ControlError::Gone(_) => {
            Some("`jailgen sessions` lists the jails that run; only hosts by name can be changed")
        }
        ControlError::Foreign(_) | ControlError::Silent(..) | ControlError::Unreadable(..) => None,
    };
    Failure::from_parts(error.to_string(), help.map(Into::into))
}

/// Fails if a word means no session that runs.
pub(super) fn refuse_unknown(word: &str, state: &State) -> Result<(), Failure> {
    let found = session::sessions(state).map_err(of_state)?;
    match found.iter().any(|session| session.is_called(word)) {
        true => Ok(()),
        false => Err(no_such_session(word)),
    }
}

fn no_such_session(word: &str) -> Failure {
    Failure::with_help(
        format!("no session `{word}` runs"),
        "`jailgen sessions` lists the sessions that run",
    )
}

/// The session that a word means.
fn the_one(word: &str, state: &State) -> Result<Session, Failure> {
    let mut found = session::sessions(state).map_err(of_state)?;
    // What is named exactly is meant, also where a jail is called so.
    if let Some(at) = found.iter().position(|session| session.id == word) {
        return Ok(found.swap_remove(at));
    }
    found.retain(|session| session.is_called(word));
    match found.len() {
        0 => Err(no_such_session(word)),
        1 => Ok(found.swap_remove(0)),
        count => {
            let ids: Vec<String> =
                found.iter().map(|session| format!("`{}`", session.id)).collect();
            let message = format!("{count} jails `{word}` run: {}", ids.join(", "));
            Err(Failure::with_help(message, "name one of them"))
        }
    }
}

fn in_words(sessions: &[Session]) -> String {
    if sessions.is_empty() {
        return "No jail runs.\n".into();
    }
    sessions.iter().map(one).collect()
}

fn one(session: &Session) -> String {
    let Session { id, name, seconds, .. } = session;
    let mut text = format!("{id}  {name}  for {}\n", Seconds(*seconds));
    let mut line = |what: &str, of: String| {
        let _ = writeln!(text, "    {what} {}", of.replace('\n', " "));
    };
    match (&session.spec, &session.folder) {
        (Some(spec), Some(folder)) => line("of", format!("{}, in {}", shown(spec), shown(folder))),
        (Some(spec), None) => line("of", shown(spec)),
        (None, Some(folder)) => line("in", shown(folder)),
        (None, None) => line("of", shown(&session.wrapper)),
    }
    let Some(Status { connections, hosts, refused, ports, secrets, name: _ }) = &session.network
    else {
        return sanitise(&text).into_owned();
    };
    if *connections > 0 {
        let hosts: Vec<String> = hosts
            .iter()
            .map(|(host, count)| match count {
                1 => host.clone(),
                count => format!("{host} ({count})"),
            })
            .collect();
        line("connected to", hosts.join(", "));
    }
    if !refused.is_empty() {
        line("refused", refused.join(", "));
    }
    for secret in secrets {
        line("the secret", secret.to_string());
    }
    for (from, to) in ports {
        line("port", format!("{from} of this machine leads to its port {to}"));
    }
    sanitise(&text).into_owned()
}

#[derive(Serialize)]
struct Shown<'a> {
    sessions: &'a [Session],
}

fn json(sessions: &[Session]) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(&Shown { sessions })
        .map_err(|error| Failure::new(format!("the sessions cannot be written: {error}")))?;
    Ok(sanitise_json(&json).into_owned() + "\n")
}
