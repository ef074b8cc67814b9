//! The crate's own doors. Each runs on a thread with a large stack, which is reserved and not used until it is needed.

use std::thread;

use jail_registry::{Diagnostic, FileId, Place};

use crate::eval::Evaluator;
use crate::files::Files;
use crate::json;
use crate::limits::Limits;
use crate::sources::{Sources, SpecPath};
use crate::spec::Spec;
use crate::syntax;
use crate::term::Collector;

/// The stack of an evaluation. Pages that are never touched cost nothing.
const STACK: usize = 192 << 20;
/// What is kept free below, for the deepest single step.
const STACK_MARGIN: usize = 16 << 20;
/// The stack that a thread is sure to have, where no larger one can be had.
const STACK_SMALL: usize = 1 << 20;

/// What came of a spec.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The spec, when nothing is wrong with it.
    pub spec: Option<Spec>,
    /// Errors and further, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read.
    pub files: Files,
}

/// What came of an expression.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The value as JSON, when it has one.
    pub json: Option<String>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// What `builtins.trace` said.
    pub traces: Vec<String>,
    /// The files that were read.
    pub files: Files,
}

/// Why a text is no Nix expression.
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
    on_large_stack(|stack| {
        let evaluator = Evaluator::new(sources, limits, stack);
        let path = SpecPath::new(sources.root(), path);
        let mut collector = Collector::new(&evaluator);
        let spec = match evaluator.file(&path, None) {
            Ok(value) => {
                let place = whole_file(&evaluator);
                collector.spec(&value, place)
            }
            Err(faults) => {
                faults.into_iter().for_each(|fault| collector.fault(fault));
                None
            }
        };
        let mut diagnostics = std::mem::take(&mut collector.faults);
        diagnostics.append(&mut evaluator.further.borrow_mut());
        let spec = spec.filter(|_| diagnostics.is_empty());
        sort(&mut diagnostics);
        Outcome { spec, diagnostics, files: evaluator.files.take() }
    })
}

/// Evaluates an expression, or the file at a path, fully, and writes it as JSON.
#[must_use]
pub fn eval_expression(sources: &dyn Sources, input: Expression<'_>, limits: Limits) -> Evaluated {
    on_large_stack(|stack| {
        let evaluator = Evaluator::new(sources, limits, stack);
        let value = match input {
            Expression::File(path) => evaluator.file(&SpecPath::new(sources.root(), path), None),
            Expression::Text(text) => evaluator.expression(text),
        };
        let json = value.and_then(|value| {
            let place = whole_file(&evaluator);
            json::write(&evaluator, &value, place).map_err(|failure| vec![failure.diagnostic])
        });
        let (json, mut diagnostics) = match json {
            Ok(json) => (Some(json), Vec::new()),
            Err(faults) => (None, faults),
        };
        sort(&mut diagnostics);
        let traces = evaluator.traces.take();
        Evaluated { json, diagnostics, traces, files: evaluator.files.take() }
    })
}

/// What [`eval_expression`] evaluates.
#[derive(Clone, Copy, Debug)]
pub enum Expression<'a> {
    /// An expression.
    Text(&'a str),
    /// A file, by its path.
    File(&'a str),
}

/// Whether a text is one Nix expression.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_syntax(nix: &str) -> Result<(), SyntaxError> {
    on_large_stack(|_| {
        syntax::check(nix).map_err(|fault| {
            let mut files = Files::default();
            files.add("", nix);
            let line = fault.primary.map_or(1, |place| files.line_column(place).0);
            SyntaxError { message: fault.message, line }
        })
    })
}

/// The first line of the spec that is no comment: what is said of the spec as a whole is shown there.
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

/// Runs `work` where the stack is large, and tells it how much of it there is.
fn on_large_stack<T: Send>(work: impl FnOnce(usize) -> T + Send) -> T {
    let slot = std::sync::Mutex::new(Some(work));
    let take = || slot.lock().ok().and_then(|mut work| work.take());
    let spawned = thread::scope(|scope| {
        let run = || take().map(|work| work(STACK - STACK_MARGIN));
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        thread.ok().map(|thread| thread.join())
    });
    match spawned {
        Some(Ok(Some(result))) => result,
        // A bug is shown as what it is.
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        Some(Ok(None)) | None => match take() {
            Some(work) => work(STACK_SMALL / 2),
            None => std::panic::resume_unwind(Box::new("the evaluation was lost")),
        },
    }
}
