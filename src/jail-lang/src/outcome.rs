//! The crate's entry points. Each runs on a thread with a large stack.

use jail_registry::{Diagnostic, FileId, Jail, Place};

use crate::eval::Evaluator;
use crate::failure::Fallible;
use crate::files::Files;
use crate::limits::Limits;
use crate::print::{self, Form};
use crate::sources::{Sources, SpecPath};
use crate::spec::Spec;
use crate::stack::with_large_stack;
use crate::syntax;
use crate::term::Collector;

/// The result of evaluating a spec.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The spec, if nothing is wrong with it.
    pub spec: Option<Spec>,
    /// If something is, the jails that are sound by themselves.
    pub sound: Vec<Jail>,
    /// What is wrong, ordered by place.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read.
    pub files: Files,
}

/// The result of evaluating an expression.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The value in the requested form, if it has one.
    pub text: Option<String>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// What `builtins.trace` said.
    pub traces: Vec<String>,
    /// The files that were read.
    pub files: Files,
}

/// Why a text is not a Nix expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// The line, counted from one.
    pub line: usize,
}

/// Evaluates the spec at `path`, which is relative to the sources' folder or absolute.
#[must_use]
pub fn evaluate(sources: &dyn Sources, path: &str, limits: Limits) -> Outcome {
    with_large_stack(|stack| {
        let evaluator = Evaluator::new(sources, limits, stack);
        let path = SpecPath::new(sources.root(), path);
        let mut collector = Collector::new(&evaluator);
        let value = collector.noted(evaluator.file(&path, None));
        let spec = value.map(|value| collector.spec(&value, whole_file(&evaluator)));
        let mut diagnostics = std::mem::take(&mut collector.faults);
        diagnostics.append(&mut evaluator.reported.borrow_mut());
        sort(&mut diagnostics);
        let (spec, sound) = match spec {
            Some(spec) if diagnostics.is_empty() => (Some(spec), Vec::new()),
            spec => (None, spec.map_or_else(Vec::new, |spec| spec.jails)),
        };
        Outcome { spec, sound, diagnostics, files: evaluator.files.take() }
    })
}

/// Evaluates an expression, or the file at a path, fully, and writes it.
#[must_use]
pub fn eval_expression(
    sources: &dyn Sources,
    input: Expression<'_>,
    form: Form,
    limits: Limits,
) -> Evaluated {
    with_large_stack(|stack| {
        let evaluator = Evaluator::new(sources, limits, stack);
        let value = match input {
            Expression::File(path) => evaluator.file(&SpecPath::new(sources.root(), path), None),
            Expression::Text(text) => evaluator.expression(text),
        };
        let text =
            value.and_then(|value| print::write(&evaluator, &value, form, whole_file(&evaluator)));
        written(&evaluator, text)
    })
}

/// The text of an expression, and what was reported about it.
fn written(evaluator: &Evaluator<'_>, text: Fallible<String>) -> Evaluated {
    let mut diagnostics = evaluator.reported.take();
    let text = match text {
        Ok(text) => diagnostics.is_empty().then_some(text),
        Err(failure) => {
            diagnostics.extend(failure.diagnostic());
            None
        }
    };
    sort(&mut diagnostics);
    let traces = evaluator.traces.take();
    Evaluated { text, diagnostics, traces, files: evaluator.files.take() }
}

/// Parses an expression, or the file at a path, and writes it in the form in which
/// `nix-instantiate --parse` shows code. Nothing is evaluated.
#[must_use]
pub fn parse_expression(sources: &dyn Sources, input: Expression<'_>) -> Evaluated {
    with_large_stack(|stack| {
        let evaluator = Evaluator::new(sources, Limits::EXPRESSION, stack);
        let code = match input {
            Expression::File(path) => evaluator.code_at(&SpecPath::new(sources.root(), path), None),
            Expression::Text(text) => evaluator.code_of(text),
        };
        let text = code
            .map(|code| print::code::write(&evaluator.symbols, &evaluator.files.borrow(), &code));
        written(&evaluator, text)
    })
}

/// What [`eval_expression`] evaluates.
#[derive(Clone, Copy, Debug)]
pub enum Expression<'a> {
    /// The text of an expression.
    Text(&'a str),
    /// A file, by its path.
    File(&'a str),
}

/// Whether a text is one Nix expression.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_syntax(nix: &str) -> Result<(), SyntaxError> {
    check(nix, syntax::check)
}

/// Whether a text is one set, `{ … }`, and so can stand wherever an operand or
/// an element of a list can.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_set_syntax(nix: &str) -> Result<(), SyntaxError> {
    check(nix, syntax::check_set)
}

fn check(nix: &str, check: fn(&str) -> Result<(), Box<Diagnostic>>) -> Result<(), SyntaxError> {
    with_large_stack(|_| {
        check(nix).map_err(|fault| {
            let mut files = Files::default();
            files.add("", nix);
            let line = fault.primary.map_or(1, |place| files.line_column(place).0);
            SyntaxError { message: fault.message, line }
        })
    })
}

/// The first line of the spec that is not a comment. A message about the whole spec is shown there.
fn whole_file(evaluator: &Evaluator<'_>) -> Place {
    let files = evaluator.files.borrow();
    let text = files.all().first().map_or("", |file| file.text.as_str());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if !content.is_empty() && !content.starts_with('#') {
            start += line.len() - line.trim_start().len();
            return place(start, start + content.len());
        }
        start += line.len();
    }
    place(0, 0)
}

fn place(start: usize, end: usize) -> Place {
    let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Place { file: FileId(0), start: narrow(start), end: narrow(end) }
}

fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics
        .sort_by_key(|fault| (fault.primary.map(|place| (place.file, place.start)), fault.code));
}
