//! Why an evaluation ended without a value.

use jail_registry::{Code, Diagnostic, FileId, Place};

pub(crate) type Fallible<T> = Result<T, Box<Failure>>;

/// The file id of `lib`, whose source is ours. Faults there are shown at the call.
pub(crate) const LIBRARY: FileId = FileId(u32::MAX);

/// The place of what the author did not write.
pub(crate) const NOWHERE: Place = Place { file: LIBRARY, start: 0, end: 0 };

/// The most notes "while evaluating …" in a message: more of them do not help.
const STACK_MAX: usize = 5;

/// The longest message that is read. A spec can put megabytes into one.
const MESSAGE_MAX: usize = 2_000;

/// The start of a text, for a message.
pub(crate) fn clipped(text: &str) -> &str {
    let end = (0..=MESSAGE_MAX).rev().find(|at| text.is_char_boundary(*at));
    if text.len() <= MESSAGE_MAX { text } else { text.get(..end.unwrap_or(0)).unwrap_or("") }
}

/// An evaluation that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) diagnostic: Diagnostic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// A value that only Nix knows is needed. The builtin that needed it becomes source code.
    Symbolic,
    /// An error of the spec, which `diagnostic` describes.
    Other,
    /// What is needed is wrong, and the fault has been reported already.
    Reported,
}

impl Failure {
    pub(crate) fn new(code: Code, place: Place, message: impl Into<String>) -> Box<Self> {
        let message = message.into();
        let message = match clipped(&message) {
            short if short.len() < message.len() => format!("{short}…"),
            _ => message,
        };
        let diagnostic = Diagnostic::error(code, Some(place), message);
        Box::new(Self { kind: FailureKind::Other, diagnostic })
    }

    pub(crate) fn from_diagnostic(diagnostic: Diagnostic) -> Box<Self> {
        Box::new(Self { kind: FailureKind::Other, diagnostic })
    }

    /// What is needed here is wrong, and its diagnostic is in [`crate::eval::Evaluator::reported`].
    pub(crate) fn reported(place: Place) -> Box<Self> {
        Self::new(Code::Syntax, place, "this is wrong").kind(FailureKind::Reported)
    }

    /// Whether the failure is a condition that depends on what only Nix knows.
    pub(crate) fn is_condition(&self) -> bool {
        self.diagnostic.code == Code::SymbolicCondition
    }

    /// The diagnostic, unless it has been reported already.
    pub(crate) fn diagnostic(self) -> Option<Diagnostic> {
        match self.kind {
            FailureKind::Reported => None,
            FailureKind::Symbolic | FailureKind::Other => Some(self.diagnostic),
        }
    }

    /// A value that only Nix knows is needed here.
    pub(crate) fn symbolic(place: Place, what: &str, source: &str) -> Box<Self> {
        let message = format!("{what} of `{source}` is not known here");
        let diagnostic = Diagnostic::error(Code::SymbolicValue, Some(place), message)
            .label("only Nix can evaluate this")
            .help("packages are symbolic in a `.jail` file; where their values matter, use the library from a flake");
        Box::new(Self { kind: FailureKind::Symbolic, diagnostic })
    }

    /// Evaluators of Nix disagree on what is asked here.
    pub(crate) fn dependent(place: Place, message: impl Into<String>) -> Box<Self> {
        Self::new(Code::EvaluatorDependent, place, message)
    }

    pub(crate) fn kind(mut self: Box<Self>, kind: FailureKind) -> Box<Self> {
        self.kind = kind;
        self
    }

    pub(crate) fn label(mut self: Box<Self>, label: impl Into<String>) -> Box<Self> {
        self.diagnostic.label = label.into();
        self
    }

    pub(crate) fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        self.diagnostic.help = Some(help.into());
        self
    }

    pub(crate) fn help_if(mut self: Box<Self>, help: Option<String>) -> Box<Self> {
        self.diagnostic.help = help.or(self.diagnostic.help);
        self
    }

    /// Notes what was being evaluated around it.
    pub(crate) fn trace(
        mut self: Box<Self>,
        place: Place,
        what: impl FnOnce() -> String,
    ) -> Box<Self> {
        let stack = &mut self.diagnostic.stack;
        let known = stack.last().is_some_and(|(last, _)| *last == place);
        if place.file != LIBRARY && stack.len() < STACK_MAX && !known {
            stack.push((place, what()));
        }
        self
    }

    /// Shows a fault inside `lib` at its call.
    pub(crate) fn outside_library(mut self: Box<Self>, call: Place) -> Box<Self> {
        if self.diagnostic.primary.is_some_and(|place| place.file == LIBRARY) {
            self.diagnostic.primary = Some(call);
        }
        self
    }
}
