//! `log`: what brokers allowed and refused. Names in it come from jails, and everything is escaped.

use std::path::Path;
use std::time::Duration;

use super::{Context, compile, of_state, shown};
use crate::cli::failure::Failure;
use crate::cli::live;
use crate::render::{sanitise_json, sanitise_line};
use crate::session::{Line, Log, log_names, to_the_second};
use crate::state::State;

/// How often it is looked whether something has come.
const A_MOMENT: Duration = Duration::from_millis(250);

pub(in crate::cli) fn run(arguments: &live::Log, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let mut names = match &arguments.target {
        None => log_names(&state.logs()).map_err(of_state)?,
        Some(target) => wanted(target, &state)?,
    };
    let mut log = Log::for_jails(&state.logs(), &names);
    let print = |log: &mut Log, is_several: bool| -> Result<usize, Failure> {
        let lines = log.new_lines().map_err(of_log)?;
        let text: String = lines.iter().map(|line| one(line, is_several, arguments.json)).collect();
        context.console.result(&text)?;
        Ok(lines.len())
    };
    let is_several = names.len() != 1;
    let count = print(&mut log, is_several)?;
    if !arguments.follow {
        if count == 0 {
            context
                .console
                .note("nothing", "was reached or refused so far, or there was no broker");
        }
        return Ok(());
    }
    loop {
        std::thread::sleep(A_MOMENT);
        if arguments.target.is_none() {
            let now = log_names(&state.logs()).map_err(of_state)?;
            if now != names {
                log.add(&state.logs(), &now);
                names = now;
            }
        }
        print(&mut log, is_several || names.len() != 1)?;
    }
}

/// The jails of a spec, or the one of this name.
fn wanted(target: &Path, state: &State) -> Result<Vec<String>, Failure> {
    if target.is_file() {
        let compiled = compile(target)?;
        return Ok(compiled.policies.into_iter().map(|policy| policy.name).collect());
    }
    let name = target.to_str().filter(|name| !name.contains('/') && !name.starts_with('.'));
    let known = log_names(&state.logs()).map_err(of_state)?;
    match name.filter(|name| known.iter().any(|one| one == name)) {
        Some(name) => Ok(vec![name.to_owned()]),
        None => Err(Failure::with_help(
            format!("there is no spec and no log of a jail `{}`", shown(target)),
            "name a spec, or a jail that ran with a network by name",
        )),
    }
}

fn of_log(error: std::io::Error) -> Failure {
    Failure::new(format!("the log cannot be read: {error}"))
}

fn one(line: &Line, is_several: bool, as_json: bool) -> String {
    if as_json {
        let json = serde_json::to_string(line).unwrap_or_default();
        return sanitise_json(&json).into_owned() + "\n";
    }
    let text = in_words(line, is_several);
    sanitise_line(&text) + "\n"
}

/// `2026-01-31 12:00:00  refused  example.org:443  no rule allows this host; (network-allow [
/// "example.org" ])`
fn in_words(line: &Line, is_several: bool) -> String {
    let time = to_the_second(&line.time);
    let whose =
        if is_several { format!("{} {}  ", line.name, line.session) } else { String::new() };
    let host = line.host.clone().unwrap_or_default();
    let port = line.port.map(|port| format!(":{port}")).unwrap_or_default();
    let address = line.address.as_ref().map(|address| format!(" ({address})")).unwrap_or_default();
    let by = line.by.as_ref().map(|by| match &line.place {
        Some(place) => format!("by {by}, {place}"),
        None => format!("by {by}"),
    });
    let remedy = line.remedy.as_ref().map(|remedy| format!("to allow it: {remedy}"));
    let again = line.times.map(|times| match times {
        1 => "once more".into(),
        times => format!("{times} times more"),
    });
    let secret = line.secret.as_ref().map(|secret| used(line, secret));
    let why = [secret, again, line.reason.clone(), by, remedy];
    let why: Vec<String> = why.into_iter().flatten().collect();
    let what = [format!("{host}{port}{address}"), why.join("; ")];
    let what: Vec<String> = what.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{time}  {whose}{:<8} {}", line.verdict, what.join("  "))
}

/// Which secret went there: the first time, or how often by the end.
fn used(line: &Line, secret: &str) -> String {
    let last = line.last.as_deref().map(to_the_second).unwrap_or_default();
    match line.count {
        None | Some(0 | 1) => format!("the secret {secret}"),
        Some(count) => format!("the secret {secret} in {count} requests, the last at {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_secret_went_is_told_by_its_name() {
        let text = r#"{"time":"2026-01-31T12:00:00.1Z","verdict":"used","host":"a.test","secret":"KEY","count":7,"last":"2026-01-31T11:59:59.9Z"}"#;
        let mut line: Line = serde_json::from_str(text).unwrap();
        assert_eq!(
            one(&line, false, false),
            "2026-01-31 12:00:00  used     a.test  the secret KEY in 7 requests, the last at 2026-01-31 11:59:59\n"
        );
        assert!(one(&line, false, true).contains("\"secret\":\"KEY\",\"count\":7"));
        line.count = Some(1);
        assert_eq!(
            one(&line, false, false),
            "2026-01-31 12:00:00  used     a.test  the secret KEY\n"
        );
    }

    #[test]
    fn a_line_is_one_line_and_escaped() {
        let line = Line {
            time: "2026-01-31T12:00:00.123Z".into(),
            name: "jailed-x".into(),
            session: "1a2b3c4d".into(),
            verdict: "refused".into(),
            host: Some("a\n\u{1b}[2Jb.test".into()),
            port: Some(443),
            reason: Some("no rule allows this host".into()),
            remedy: Some("(network-allow [ \"b.test\" ])".into()),
            ..Line::default()
        };
        assert_eq!(
            one(&line, false, false),
            "2026-01-31 12:00:00  refused  a \\u{1b}[2Jb.test:443  no rule allows this host; to allow it: (network-allow [ \"b.test\" ])\n"
        );
        assert!(one(&line, true, false).contains("jailed-x 1a2b3c4d  refused"));
        let json = one(&line, false, true);
        assert!(!json.contains('\u{1b}') && json.lines().count() == 1, "{json}");
        let allowed = Line {
            time: "2026-01-31T12:00:00.123Z".into(),
            verdict: "allowed".into(),
            host: Some("a.test".into()),
            port: Some(443),
            address: Some("192.0.2.1".into()),
            by: Some("network-allow#4".into()),
            place: Some("a.jail:4:3".into()),
            ..Line::default()
        };
        let again = |times| one(&Line { times: Some(times), ..allowed.clone() }, false, false);
        assert!(again(1).contains("(192.0.2.1)  once more; by network-allow#4"));
        assert!(again(9).contains("(192.0.2.1)  9 times more; by network-allow#4"));
        assert_eq!(
            one(&allowed, false, false),
            "2026-01-31 12:00:00  allowed  a.test:443 (192.0.2.1)  by network-allow#4, a.jail:4:3\n"
        );
    }
}
