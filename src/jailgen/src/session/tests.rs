//! A broker in a thread, and logs that grow.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;
use crate::state::State;

/// Answers each request of one client after the other with what `answer` makes of it.
fn broker(state: &State, session: &str, answer: fn(&str) -> String) {
    let folder = state.sessions().join(session);
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let listener = UnixListener::bind(folder.join("control")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut stream, mut line) = (stream, String::new());
            while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
                let _ = stream.write_all(answer(line.trim_end()).as_bytes());
                line.clear();
            }
        }
    });
}

fn state() -> (tempfile::TempDir, State) {
    let folder = tempfile::tempdir().unwrap();
    let state = State::at(folder.path());
    (folder, state)
}

#[test]
fn an_order_is_a_line_and_so_is_the_answer() {
    let (_folder, state) = state();
    broker(&state, "1a2b3c4d", |request| {
        match request {
        r#"{"do":"allow","host":"a.test"}"# => "{\"ok\":true,\"note\":\"for the spec\"}\n".into(),
        r#"{"do":"deny","host":"a.test"}"# => "{\"ok\":false,\"error\":\"no\"}\n".into(),
        r#"{"do":"status"}"# => {
            "{\"ok\":true,\"status\":{\"name\":\"jailed-x\",\"session\":\"1a2b3c4d\",\"later\":1}}\n"
                .into()
        }
        other => panic!("{other}"),
    }
    });
    let host = || "a.test".to_owned();
    let give = |given: Order| order(&state, "1a2b3c4d", &given).unwrap();
    assert_eq!(give(Order::Allow { host: host() }).note.as_deref(), Some("for the spec"));
    assert_eq!(give(Order::Deny { host: host() }).error.as_deref(), Some("no"));
    assert_eq!(give(Order::Status).status.unwrap().name, "jailed-x");
}

#[test]
fn what_is_no_broker_of_ones_own_is_not_asked() {
    let (_folder, state) = state();
    let ask = |session: &str| order(&state, session, &Order::Status).unwrap_err().to_string();
    for session in ["1a2b3c4d", "", "..", "a/b", ".hidden"] {
        assert!(ask(session).contains("no session"), "{session}");
    }
    broker(&state, "open", |_| "{\"ok\":true}\n".into());
    let folder = state.sessions().join("open");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(ask("open").contains("only you"), "{}", ask("open"));
    broker(&state, "other", |_| "hello\n".into());
    assert!(ask("other").contains("answers of another form"), "{}", ask("other"));
    // Neither is a session, and no process of a jail belongs to them.
    assert!(sessions(&state).unwrap().iter().all(|it| it.network.is_none()));
}

fn write(path: &Path, lines: &[&str]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_log_is_read_as_it_grows() {
    let (_folder, state) = state();
    let logs = state.logs();
    assert_eq!(log_names(&logs).unwrap(), [""; 0]);
    let (one, two) = (logs.join("jailed-x/1.jsonl"), logs.join("jailed-y/2.jsonl"));
    let line = |time: u32, session: &str, number: u32| {
        format!(
            "{{\"time\":\"2026-01-0{time}T\",\"session\":\"{session}\",\"number\":{number},\"verdict\":\"allowed\"}}"
        )
    };
    let lines: Vec<String> = (1..4).map(|it| line(it, "1", it)).collect();
    write(&one, &[&lines[0], "not json", &lines[2]]);
    write(&two, &[&line(2, "2", 0)]);
    let names = log_names(&logs).unwrap();
    assert_eq!(names, ["jailed-x", "jailed-y"]);
    let mut log = Log::for_jails(&logs, &names);
    let read = |log: &mut Log| -> Vec<String> {
        let lines = log.new_lines().unwrap();
        lines.iter().map(|it| format!("{} {} {}", it.name, it.session, it.number)).collect()
    };
    assert_eq!(read(&mut log), ["jailed-x 1 1", "jailed-y 2 0", "jailed-x 1 3"]);
    assert!(read(&mut log).is_empty());
    // The oldest lines are gone, and one is half written.
    fs::write(&one, format!("{}\n{}\n{{\"time", line(3, "1", 3), line(4, "1", 4))).unwrap();
    assert_eq!(read(&mut log), ["jailed-x 1 4"]);
    fs::write(&one, format!("{}\n{}\n", line(4, "1", 4), line(5, "1", 5))).unwrap();
    assert_eq!(read(&mut log), ["jailed-x 1 5"]);
    let mut only = Log::for_jails(&logs, &["jailed-y".into()]);
    assert_eq!(read(&mut only), ["jailed-y 2 0"]);
    assert!(read(&mut Log::for_jails(&logs, &["jailed-z".into()])).is_empty());
}

#[test]
fn a_log_that_others_may_write_is_not_believed() {
    let (_folder, state) = state();
    let logs = state.logs();
    write(&logs.join("jailed-x/1.jsonl"), &["{}"]);
    fs::set_permissions(logs.join("jailed-x"), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(Log::for_jails(&logs, &["jailed-x".into()]).new_lines().is_err());
}

#[test]
fn what_is_no_log_is_passed_over_and_nobody_waits_for_it() {
    let (_folder, state) = state();
    let logs = state.logs();
    let last = format!("{{\"number\":{},\"verdict\":\"refused\"}}", u64::MAX);
    write(&logs.join("jailed-x/1.jsonl"), &[&last]);
    write(&logs.join("a-file"), &["{}"]);
    let pipe = logs.join("jailed-x/2.jsonl");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let (said, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = Log::for_jails(&logs, &log_names(&logs).unwrap()).new_lines();
        said.send(lines.map(|lines| lines.len()).map_err(|error| error.to_string()))
    });
    let lines = heard.recv_timeout(std::time::Duration::from_secs(20));
    assert_eq!(lines.expect("it waits for a pipe"), Ok(1));
}
