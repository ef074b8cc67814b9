//! `watch`: running jails on a terminal, or as lines for programs.

use std::io::{IsTerminal as _, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};

use super::{Context, of_state, sessions};
use crate::cli::failure::Failure;
use crate::cli::live;
use crate::render::sanitise_json;
use crate::session::{self, Answer, ControlError, Order};
use crate::watch::{Action, Event, Key, Model, Source, View};

pub(in crate::cli) fn run(arguments: &live::Watch, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    if let Some(word) = &arguments.session {
        sessions::refuse_unknown(word, &state)?;
    }
    let mut source = Source::new(state, arguments.session.clone());
    if arguments.json {
        return stream(&mut source, context);
    }
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err(Failure::with_help(
            "`jailgen watch` needs a terminal to show something on",
            "`jailgen watch --json` prints lines for programs",
        ));
    }
    let ending = ending().map_err(of_terminal)?;
    // A panic restores the terminal before it is reported.
    let mut terminal = ratatui::try_init().map_err(of_terminal)?;
    let done = show(&mut terminal, &mut source, &ending);
    let restored = ratatui::try_restore().map_err(of_terminal);
    done.and(restored)
}

fn of_terminal(error: std::io::Error) -> Failure {
    Failure::new(format!("the terminal cannot be used: {error}"))
}

/// Becomes true when a signal asks this process to end: the terminal is restored first.
fn ending() -> std::io::Result<Arc<AtomicBool>> {
    let ending = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&ending))?;
    }
    // Another size ends the wait for a key, and what is drawn next has it.
    signal_hook::flag::register(SIGWINCH, Arc::default())?;
    Ok(ending)
}

/// A line of JSON for each event.
fn stream(source: &mut Source, context: Context) -> Result<(), Failure> {
    let mut model = Model::default();
    loop {
        let snapshot = source.look().map_err(of_state)?;
        let events = model.update(snapshot);
        let text: String = events.iter().map(json).collect();
        if !text.is_empty() {
            context.console.result(&text)?;
        }
        thread::sleep(source.rest());
    }
}

fn json(event: &Event) -> String {
    let json = serde_json::to_string(event).unwrap_or_default();
    sanitise_json(&json).into_owned() + "\n"
}

fn show(
    terminal: &mut DefaultTerminal,
    source: &mut Source,
    ending: &AtomicBool,
) -> Result<(), Failure> {
    let (mut model, mut view) = (Model::default(), View::default());
    let mut due = Instant::now();
    while !ending.load(Ordering::SeqCst) {
        if Instant::now() >= due {
            model.update(source.look().map_err(of_state)?);
            due = Instant::now() + source.rest();
        }
        terminal.draw(|frame| view.draw(frame, &model)).map_err(of_terminal)?;
        match next(due, &mut view, &model)? {
            Action::Draw => {}
            Action::Quit => return Ok(()),
            Action::Order { session, order } => {
                let answer = session::order(source.state(), &session, &order);
                view.say(&in_words(&order, answer));
                due = Instant::now();
            }
        }
    }
    Ok(())
}

/// Waits for a key, for a signal, or until it is time to look again.
fn next(due: Instant, view: &mut View, model: &Model) -> Result<Action, Failure> {
    for most in [Duration::ZERO, due.saturating_duration_since(Instant::now())] {
        if wait(most) == Waited::Gone {
            return Ok(Action::Quit);
        }
        // Of keys that came together, crossterm has read all.
        if event::poll(Duration::ZERO).map_err(of_terminal)? {
            return pressed(view, model);
        }
    }
    Ok(Action::Draw)
}

fn pressed(view: &mut View, model: &Model) -> Result<Action, Failure> {
    match event::read().map_err(of_terminal)? {
        event::Event::Key(pressed) if pressed.kind != KeyEventKind::Release => {
            Ok(view.key(key(pressed), model))
        }
        _ => Ok(Action::Draw),
    }
}

#[derive(PartialEq, Eq)]
enum Waited {
    Enough,
    /// The terminal was closed. crossterm would read its end for ever.
    Gone,
}

fn wait(most: Duration) -> Waited {
    let input = stdin();
    let mut ready = [PollFd::new(&input, PollFlags::IN)];
    let most = Timespec::try_from(most).ok();
    // A signal ends the wait.
    let count = poll(&mut ready, most.as_ref()).unwrap_or_default();
    let [ready] = ready;
    let is_gone = count > 0 && ready.revents().intersects(PollFlags::HUP | PollFlags::ERR);
    if is_gone { Waited::Gone } else { Waited::Enough }
}

fn key(pressed: KeyEvent) -> Key {
    match pressed.code {
        KeyCode::Char('c') if pressed.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char('a') => Key::Allow,
        KeyCode::Char('d') => Key::Deny,
        KeyCode::Char('y') => Key::Yes,
        KeyCode::Char('k') | KeyCode::Up => Key::Up,
        KeyCode::Char('j') | KeyCode::Down => Key::Down,
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right => Key::Tab,
        _ => Key::Other,
    }
}

fn in_words(order: &Order, answer: Result<Answer, ControlError>) -> String {
    let (host, verb) = match order {
        Order::Allow { host } => (host.as_str(), "allowed"),
        Order::Deny { host } => (host.as_str(), "denied"),
        Order::Status => ("", "asked"),
    };
    match answer {
        Ok(Answer { ok: true, note, .. }) => {
            let note = note.map(|note| format!("; {note}")).unwrap_or_default();
            format!("{host} is {verb}{note}")
        }
        Ok(Answer { error, .. }) => {
            format!(
                "{host} was not {verb}: {}",
                error.unwrap_or_else(|| "no reason is given".into())
            )
        }
        Err(error) => format!("{host} was not {verb}: {error}"),
    }
}
