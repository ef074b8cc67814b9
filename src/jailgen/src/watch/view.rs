//! What is on the screen, and what keys do. Everything that may come from a jail is escaped when it
//! becomes a cell: [`cell`] is the only way.

use jail_plan::Seconds;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as TextLine, Span};
use ratatui::widgets::{Block, Paragraph, Row, Table, TableState, Wrap};

use super::model::{Host, HostState, Model, Seen};
use crate::render::sanitise_line;
use crate::session::{Order, to_the_second};

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Up.
    Up,
    /// Down.
    Down,
    /// To the other list.
    Tab,
    /// Allow the host.
    Allow,
    /// Deny the host.
    Deny,
    /// Yes, to a question.
    Yes,
    /// Leave.
    Quit,
    /// Any other.
    Other,
}

/// What is to be done after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Draw again.
    Draw,
    /// Leave.
    Quit,
    /// Give an order to the broker of a session.
    Order {
        /// The session's id.
        session: String,
        /// The order.
        order: Order,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Focus {
    #[default]
    Sessions,
    Hosts,
}

/// A question that is open. It is about the host that was chosen, whatever the list shows by now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    session: String,
    host: String,
}

/// What is chosen, by name: lists change under the hand.
#[derive(Debug, Default)]
pub struct View {
    focus: Focus,
    session: Option<String>,
    host: Option<String>,
    question: Option<Question>,
    message: String,
}

const HELP: &str =
    "arrows choose · tab changes the list · a allows a host · d denies it · q leaves";

impl View {
    /// Shows a line at the end of the screen.
    pub fn say(&mut self, message: &str) {
        message.clone_into(&mut self.message);
    }

    /// What a key does.
    pub fn key(&mut self, key: Key, model: &Model) -> Action {
        self.message.clear();
        if let Some(Question { session, host }) = self.question.take() {
            return match key {
                Key::Yes => Action::Order { session, order: Order::Allow { host } },
                _ => Action::Draw,
            };
        }
        match key {
            Key::Quit => return Action::Quit,
            Key::Up => self.step(model, |at, _| at.saturating_sub(1)),
            Key::Down => self.step(model, |at, count| (at + 1).min(count.saturating_sub(1))),
            Key::Tab => {
                self.focus = match self.focus {
                    Focus::Sessions => Focus::Hosts,
                    Focus::Hosts => Focus::Sessions,
                };
            }
            Key::Allow => self.question = self.chosen(model),
            Key::Deny => {
                if let Some(Question { session, host }) = self.chosen(model) {
                    return Action::Order { session, order: Order::Deny { host } };
                }
            }
            Key::Yes | Key::Other => {}
        }
        Action::Draw
    }

    /// The host that is chosen.
    fn chosen(&self, model: &Model) -> Option<Question> {
        let seen = self.seen(model)?;
        let host = self.host_at(seen).and_then(|at| seen.hosts.get(at))?;
        Some(Question { session: seen.session.id.clone(), host: host.name.clone() })
    }

    fn session_at(&self, model: &Model) -> Option<usize> {
        let chosen =
            model.sessions.iter().position(|it| Some(&it.session.id) == self.session.as_ref());
        chosen.or((!model.sessions.is_empty()).then_some(0))
    }

    fn seen<'a>(&self, model: &'a Model) -> Option<&'a Seen> {
        self.session_at(model).and_then(|at| model.sessions.get(at))
    }

    fn host_at(&self, seen: &Seen) -> Option<usize> {
        let chosen = seen.hosts.iter().position(|host| Some(&host.name) == self.host.as_ref());
        chosen.or((!seen.hosts.is_empty()).then_some(0))
    }

    fn step(&mut self, model: &Model, to: impl Fn(usize, usize) -> usize) {
        match self.focus {
            Focus::Sessions => {
                let at = self.session_at(model).map(|at| to(at, model.sessions.len()));
                let seen = at.and_then(|at| model.sessions.get(at));
                self.session = seen.map(|seen| seen.session.id.clone());
                self.host = None;
            }
            Focus::Hosts => {
                let Some(seen) = self.seen(model) else { return };
                let at = self.host_at(seen).map(|at| to(at, seen.hosts.len()));
                self.host = at.and_then(|at| seen.hosts.get(at)).map(|host| host.name.clone());
                // What is chosen stays chosen when older sessions end.
                self.session = Some(seen.session.id.clone());
            }
        }
    }

    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame<'_>, model: &Model) {
        let count = u16::try_from(model.sessions.len()).unwrap_or(u16::MAX);
        let rows = count.saturating_add(3).clamp(4, (frame.area().height / 2).max(4));
        let parts = [Constraint::Length(rows), Constraint::Min(3), Constraint::Length(2)];
        let [sessions, hosts, line] = Layout::vertical(parts).areas(frame.area());
        self.draw_sessions(frame, sessions, model);
        self.draw_hosts(frame, hosts, model);
        self.draw_line(frame, line);
    }

    fn draw_sessions(&self, frame: &mut Frame<'_>, area: Rect, model: &Model) {
        let block = self.block("Jails", Focus::Sessions);
        if model.sessions.is_empty() {
            frame.render_widget(Paragraph::new("No jail runs.").block(block), area);
            return;
        }
        let rows = model.sessions.iter().map(|seen| {
            let Seen { session, usage, .. } = seen;
            let connections = session.network.as_ref().map(|status| status.connections);
            Row::new([
                cell(&session.id),
                cell(&session.name),
                cell(&Seconds(session.seconds).to_string()),
                cell(&usage.processes.to_string()),
                cell(&size(usage.memory)),
                cell(&format!(
                    "{}.{} s",
                    usage.cpu_milliseconds / 1000,
                    usage.cpu_milliseconds / 100 % 10
                )),
                cell(&connections.map_or_else(|| "-".into(), |count| count.to_string())),
                cell(&seen.refused().to_string()),
            ])
        });
        let widths = [
            Constraint::Length(8),
            Constraint::Min(12),
            Constraint::Length(12),
            Constraint::Length(9),
            Constraint::Length(9),
            Constraint::Length(10),
            Constraint::Length(11),
            Constraint::Length(7),
        ];
        let head =
            ["id", "jail", "for", "processes", "memory", "processor", "connections", "refused"];
        let table = Table::new(rows, widths).header(Row::new(head).style(TITLE)).block(block);
        let table = table.row_highlight_style(CHOSEN);
        let mut state = TableState::new().with_selected(self.session_at(model));
        frame.render_stateful_widget(table, area, &mut state);
    }

    fn draw_hosts(&self, frame: &mut Frame<'_>, area: Rect, model: &Model) {
        let block = self.block("Hosts", Focus::Hosts);
        let Some(seen) = self.seen(model) else {
            frame.render_widget(block, area);
            return;
        };
        if seen.hosts.is_empty() {
            let none = match &seen.session.network {
                Some(_) => "It has asked for no host.",
                None => "It has no hosts by name.",
            };
            frame.render_widget(Paragraph::new(none).block(block), area);
            return;
        }
        let rows = seen.hosts.iter().map(|host| row(seen, host));
        let widths = [
            Constraint::Length(9),
            Constraint::Percentage(40),
            Constraint::Length(6),
            Constraint::Length(19),
            Constraint::Min(10),
        ];
        let head = ["", "host", "times", "last (UTC)", "why"];
        let table = Table::new(rows, widths).header(Row::new(head).style(TITLE)).block(block);
        let table = table.row_highlight_style(CHOSEN);
        let mut state = TableState::new().with_selected(self.host_at(seen));
        frame.render_stateful_widget(table, area, &mut state);
    }

    fn draw_line(&self, frame: &mut Frame<'_>, area: Rect) {
        let question = self.question.as_ref().map(|Question { session, host }| {
            format!(
                "Let {session} reach {host} until it ends? y allows it, any other key does not."
            )
        });
        let text = match (&question, self.message.is_empty()) {
            (Some(question), _) => cell(question).style(Style::new().fg(Color::Yellow)),
            (None, false) => cell(&self.message),
            (None, true) => TextLine::from(HELP).style(Style::new().add_modifier(Modifier::DIM)),
        };
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }), area);
    }

    fn block(&self, title: &'static str, focus: Focus) -> Block<'static> {
        let style = if self.focus == focus { TITLE } else { Style::new() };
        Block::bordered().title(Span::styled(title, style))
    }
}

const TITLE: Style = Style::new().add_modifier(Modifier::BOLD);
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

fn row<'a>(seen: &Seen, host: &Host) -> Row<'a> {
    let connected = seen.connections_to(host);
    let (word, color) = match (host.state, connected) {
        (HostState::Refused, _) => ("refused", Color::Red),
        (HostState::Failed, _) => ("failed", Color::Yellow),
        (HostState::Allowed, 0) => ("allowed", Color::Reset),
        (HostState::Allowed, _) => ("connected", Color::Green),
    };
    let mut name = cell(&host.name);
    if connected > 1 {
        name.push_span(format!(" ({connected})"));
    }
    Row::new([
        TextLine::from(word).style(Style::new().fg(color)),
        name,
        cell(&host.count.to_string()),
        cell(&to_the_second(&host.last)),
        cell(&host.reason),
    ])
}

/// Text of any origin in one line, with everything escaped that a terminal would obey.
fn cell<'a>(text: &str) -> TextLine<'a> {
    TextLine::from(sanitise_line(text))
}

/// `12.3 MB`
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        1_000_000_000.. => format!("{} GB", tenths(1_000_000_000)),
        1_000_000.. => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} kB", bytes / 1000),
    }
}
