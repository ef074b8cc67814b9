//! What is shown of jails, without a jail and without a terminal.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::session::{Line, Order, Session, Status};

fn session(id: &str, name: &str) -> Session {
    let network = Status { name: name.into(), connections: 1, ..Status::default() };
    Session::for_tests(id, name, Some(network))
}

fn line(session: &str, verdict: &str, host: &str, port: u16) -> Line {
    Line {
        time: "2026-01-31T12:00:00.123Z".into(),
        session: session.into(),
        verdict: verdict.into(),
        host: Some(host.into()),
        port: Some(port),
        reason: Some("no rule allows this host".into()),
        ..Line::default()
    }
}

fn model(lines: Vec<Line>) -> Model {
    let mut model = Model::default();
    let sessions = ["1a", "2b"].map(|id| (session(id, "jailed-x"), Usage::default()));
    model.update(Snapshot { sessions: sessions.into(), lines });
    model
}

/// The screen, a line of text each.
fn drawn(view: &View, model: &Model) -> String {
    let mut terminal = Terminal::new(TestBackend::new(110, 24)).unwrap();
    terminal.draw(|frame| view.draw(frame, model)).unwrap();
    let buffer = terminal.backend().buffer();
    let cells = buffer.content().chunks(usize::from(buffer.area.width));
    cells.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
}

#[test]
fn what_a_jail_chooses_is_escaped_on_the_screen() {
    let hostile = "evil\u{1b}[2J\u{1b}]0;owned\u{7}\n\u{202e}.test";
    let mut model = model(vec![line("1a", "refused", hostile, 443)]);
    model.sessions[0].session.name = "jailed\u{1b}[31m".into();
    let mut view = View::default();
    view.say("answer\u{1b}c");
    let screen = drawn(&view, &model);
    assert!(!screen.chars().any(|c| c != '\n' && c.is_control()), "{screen:?}");
    assert!(screen.contains("evil\\u{1b}[2J") && screen.contains("jailed\\u{1b}"), "{screen}");
    assert!(screen.contains("answer\\u{1b}c"), "{screen}");
    assert_eq!(view.key(Key::Allow, &model), Action::Draw);
    let screen = drawn(&view, &model);
    assert!(!screen.chars().any(|c| c != '\n' && c.is_control()), "{screen:?}");
    assert!(screen.contains("y allows it"), "{screen}");
}

#[test]
fn a_host_is_allowed_after_a_question_and_denied_at_once() {
    let model =
        model(vec![line("1a", "refused", "a.test", 443), line("1a", "refused", "b.test", 22)]);
    let mut view = View::default();
    let allow = |host: &str| Action::Order {
        session: "1a".into(),
        order: Order::Allow { host: host.into() },
    };
    assert_eq!(view.key(Key::Yes, &model), Action::Draw, "no question is open");
    view.key(Key::Allow, &model);
    assert_eq!(view.key(Key::Yes, &model), allow("a.test"));
    view.key(Key::Allow, &model);
    assert_eq!(view.key(Key::Allow, &model), Action::Draw, "any other key is no");
    view.key(Key::Tab, &model);
    view.key(Key::Down, &model);
    let order = Order::Deny { host: "b.test:22".into() };
    assert_eq!(view.key(Key::Deny, &model), Action::Order { session: "1a".into(), order });
}

#[test]
fn a_jail_cannot_put_another_host_under_the_hand() {
    let mut model = model(vec![line("1a", "refused", "a.test", 443)]);
    let mut view = View::default();
    view.key(Key::Tab, &model);
    view.key(Key::Down, &model);
    view.key(Key::Allow, &model);
    let sessions = vec![(session("1a", "jailed-x"), Usage::default())];
    let lines = ["0.test", "zz.test"].map(|host| line("1a", "refused", host, 443));
    model.update(Snapshot { sessions, lines: lines.into() });
    let order = Order::Allow { host: "a.test".into() };
    assert_eq!(view.key(Key::Yes, &model), Action::Order { session: "1a".into(), order });
    let names: Vec<&str> = model.sessions[0].hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["a.test", "0.test", "zz.test"]);
}

#[test]
fn hosts_of_a_session_have_a_bound() {
    let lines = (0..700).map(|number| line("1a", "refused", &format!("h{number}.test"), 443));
    let model = model(lines.collect());
    assert_eq!((model.sessions[0].hosts.len(), model.sessions[0].more), (500, 200));
    assert_eq!(model.sessions[1].hosts.len(), 0);
}

#[test]
fn events_say_what_is_new_and_nothing_else() {
    let mut model = Model::default();
    let one = || vec![(session("1a", "jailed-x"), Usage { processes: 1, ..Usage::default() })];
    let names = |events: Vec<Event>| -> Vec<String> {
        let json = events.iter().map(|event| serde_json::to_value(event).unwrap());
        json.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    };
    let lines = vec![line("1a", "refused", "a.test", 443), line("other", "refused", "b.test", 443)];
    let first = model.update(Snapshot { sessions: one(), lines });
    assert_eq!(names(first), ["session", "usage", "network"]);
    let none = model.update(Snapshot { sessions: one(), lines: vec![] });
    assert_eq!(names(none), [] as [&str; 0]);
    let ended = model.update(Snapshot::default());
    assert_eq!(names(ended), ["ended"]);
    assert!(model.session("1a").is_none());
}
