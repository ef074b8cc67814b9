//! Diagnostics for people.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use jail_registry::{Diagnostic, FileId, Place, Severity};

use super::position::{floor, lines_around};
use super::sanitise::without_latin_controls;
use super::{Position, Sources, sanitise};

/// More of one file is not shown around a place; a spec of one enormous line is cut at both sides.
const WINDOW_MAX: usize = 4096;

/// The text of a diagnostic, coloured, at most `width` columns wide where lines of the spec are
/// shown.
#[must_use]
pub fn human(diagnostic: &Diagnostic, sources: &dyn Sources, width: usize) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = sanitise(&diagnostic.message);
    let mut group = Group::with_title(level.primary_title(message).id(diagnostic.code.as_str()));
    if diagnostic.code.hides_text() {
        group = diagnostic
            .primary
            .iter()
            .fold(group, |group, place| place_alone(group, place, sources));
    } else {
        for window in windows(diagnostic, sources) {
            group = window.add_to(group);
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(sanitise(help).into_owned()));
    }
    for (place, what) in &diagnostic.stack {
        group = group.element(Level::NOTE.message(while_evaluating(place, what, sources)));
    }
    Renderer::styled().term_width(width).render(&[group])
}

/// The place without its text.
fn place_alone<'a>(group: Group<'a>, place: &Place, sources: &'a dyn Sources) -> Group<'a> {
    let Some((name, text)) = sources.source(place.file) else { return group };
    let Position { line, column } = Position::at_byte(text, place.start as usize);
    group.element(Origin::path(sanitise(&name).into_owned()).line(line).char_column(column))
}

fn while_evaluating(place: &Place, what: &str, sources: &dyn Sources) -> String {
    let what = sanitise(what);
    let Some((name, text)) = sources.source(place.file) else { return what.into_owned() };
    let Position { line, column } = Position::at_byte(text, place.start as usize);
    format!("{what} ({}:{line}:{column})", sanitise(&name))
}

/// A part of one file, with its annotations.
struct Window<'a> {
    name: Cow<'a, str>,
    text: &'a str,
    shown: Range<usize>,
    marks: Vec<Mark<'a>>,
}

struct Mark<'a> {
    kind: AnnotationKind,
    range: Range<usize>,
    label: &'a str,
}

/// The places of a diagnostic, those that are near each other in one window.
fn windows<'a>(diagnostic: &'a Diagnostic, sources: &'a dyn Sources) -> Vec<Window<'a>> {
    let primary = diagnostic.primary.iter().map(|place| (place, diagnostic.label.as_str()));
    let secondary = diagnostic.secondary.iter().map(|(place, label)| (place, label.as_str()));
    let places = primary
        .map(|(place, label)| (AnnotationKind::Primary, place, label))
        .chain(secondary.map(|(place, label)| (AnnotationKind::Context, place, label)));
    let mut windows: Vec<(FileId, Window<'a>)> = Vec::new();
    for (kind, place, label) in places {
        let Some((name, text)) = sources.source(place.file) else { continue };
        let range = range_of(place, text);
        let near = windows
            .iter_mut()
            .find(|(file, window)| *file == place.file && window.can_take_in(&range));
        let mark = Mark { kind, range, label };
        match near {
            Some((_, window)) => window.take_in(mark),
            None => windows.push((place.file, Window::new(name, text, mark))),
        }
    }
    windows.into_iter().map(|(_, window)| window).collect()
}

/// The bytes of a place, moved to starts of characters. An end of file is underlined as well.
fn range_of(place: &Place, text: &str) -> Range<usize> {
    let start = floor(text, place.start as usize);
    start..floor(text, place.end as usize).max(start)
}

impl<'a> Window<'a> {
    fn new(name: Cow<'a, str>, text: &'a str, mark: Mark<'a>) -> Self {
        let shown = lines_around(text, &mark.range, 1);
        let shown = narrowed(text, shown, &mark.range);
        let mut window = Self { name, text, shown, marks: Vec::new() };
        window.push(mark);
        window
    }

    fn can_take_in(&self, range: &Range<usize>) -> bool {
        let (start, end) = (self.shown.start.min(range.start), self.shown.end.max(range.end));
        end - start <= WINDOW_MAX
    }

    fn take_in(&mut self, mark: Mark<'a>) {
        let lines = lines_around(self.text, &mark.range, 1);
        let lines = narrowed(self.text, lines, &mark.range);
        self.shown = self.shown.start.min(lines.start)..self.shown.end.max(lines.end);
        self.push(mark);
    }

    /// A very long place is underlined as far as it is shown.
    fn push(&mut self, mut mark: Mark<'a>) {
        mark.range.end = mark.range.end.min(self.shown.end);
        self.marks.push(mark);
    }

    fn add_to(self, group: Group<'a>) -> Group<'a> {
        let name = sanitise(&self.name).into_owned();
        let shown = self.text.get(self.shown.clone()).unwrap_or_default();
        let top = Position::at_byte(self.text, self.shown.start);
        let snippet = Snippet::source(without_latin_controls(shown)).line_start(top.line);
        // The renderer counts columns from the start of what is shown, which is wrong for a line
        // that is cut there.
        let (group, snippet) = if top.column == 1 {
            (group, snippet.path(name))
        } else {
            let Position { line, column } = Position::at_byte(self.text, self.first());
            (group.element(Origin::path(name).line(line).char_column(column)), snippet)
        };
        let annotations = self.marks.into_iter().map(|mark| {
            let span = mark.range.start - self.shown.start..mark.range.end - self.shown.start;
            let label = (!mark.label.is_empty()).then(|| sanitise(mark.label));
            mark.kind.span(span).label(label)
        });
        group.element(snippet.annotations(annotations))
    }

    fn first(&self) -> usize {
        self.marks.first().map_or(self.shown.start, |mark| mark.range.start)
    }
}

/// At most [`WINDOW_MAX`] bytes of `shown`, around the start of `range`.
fn narrowed(text: &str, shown: Range<usize>, range: &Range<usize>) -> Range<usize> {
    if shown.len() <= WINDOW_MAX {
        return shown;
    }
    let start = shown.start.max(range.start.saturating_sub(WINDOW_MAX / 2));
    let end = shown.end.min(start + WINDOW_MAX);
    floor(text, start)..floor(text, end)
}
