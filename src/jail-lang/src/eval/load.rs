//! From a path or a text to its value: each file is read, parsed and evaluated once.

use jail_registry::{Code as DiagnosticCode, Diagnostic, FileId, Place};

use super::Evaluator;
use crate::failure::{Failure, Fallible, NOWHERE};
use crate::ir::Code;
use crate::sources::{FILE_BYTES_MAX, SourceError, SpecPath};
use crate::syntax::{self, Context};
use crate::value::Value;

/// The memory that the code of a file may take for each byte of its source.
const CODE_COST: usize = 24;

/// A file that was imported, or is being imported.
pub(super) enum Import {
    Running,
    Done(Value),
    /// Its syntax is wrong, and the faults have been reported.
    Faulty,
}

impl Evaluator<'_> {
    /// Parses and evaluates a file, once.
    pub(crate) fn file(&self, path: &SpecPath, at: Option<Place>) -> Fallible<Value> {
        match self.imports.borrow().get(&path.0) {
            Some(Import::Done(value)) => return Ok(value.clone()),
            Some(Import::Faulty) => return Err(Failure::reported(at.unwrap_or(NOWHERE))),
            Some(Import::Running) => {
                let message = format!("`{}` imports itself", self.shown(path));
                let fault = Diagnostic::error(DiagnosticCode::InfiniteRecursion, at, message);
                return Err(Failure::from_diagnostic(fault));
            }
            None => {}
        }
        let bytes = self.bytes_at(path, at)?;
        let state = |state| self.imports.borrow_mut().insert(path.0.clone(), state);
        let Some(code) = self.code(path, bytes) else {
            state(Import::Faulty);
            return Err(Failure::reported(at.unwrap_or(NOWHERE)));
        };
        state(Import::Running);
        let evaluated = self.eval(&code, &self.root);
        match &evaluated {
            Ok(value) => state(Import::Done(value.clone())),
            Err(_) => self.imports.borrow_mut().remove(&path.0),
        };
        evaluated
    }

    fn bytes_at(&self, path: &SpecPath, at: Option<Place>) -> Fallible<Vec<u8>> {
        let bytes = self.sources.read(&path.0);
        let bytes =
            bytes.map_err(|error| Failure::from_diagnostic(self.unreadable(&error, path, at)))?;
        self.keep(bytes.len().saturating_mul(CODE_COST), at.unwrap_or(NOWHERE))?;
        Ok(bytes)
    }

    /// Parses a file.
    pub(crate) fn code_at(&self, path: &SpecPath, at: Option<Place>) -> Fallible<Code> {
        let bytes = self.bytes_at(path, at)?;
        self.code(path, bytes).ok_or_else(|| Failure::reported(at.unwrap_or(NOWHERE)))
    }

    /// Parses a file, and reports its faults.
    fn code(&self, path: &SpecPath, bytes: Vec<u8>) -> Option<Code> {
        let shown = self.shown(path);
        // The file gets its id before it is known to be text, because the fault is shown in it.
        let next = u32::try_from(self.files.borrow().all().len()).unwrap_or(u32::MAX);
        let text = match syntax::decode(FileId(next), bytes) {
            Ok(text) => text,
            Err(both) => {
                let (text, fault) = *both;
                self.files.borrow_mut().add(shown, text);
                self.reported.borrow_mut().push(fault);
                return None;
            }
        };
        let id = self.files.borrow_mut().add(shown, text.as_str());
        self.parse(id, path.parent(), &text)
    }

    /// Parses a text, and reports its faults. With faults in names, the rest is still evaluated.
    pub(crate) fn parse(&self, file: FileId, folder: &str, text: &str) -> Option<Code> {
        let context = Context { file, folder, symbols: &self.symbols, globals: &self.names };
        let (code, faults) = match syntax::parse(&context, text) {
            Ok((code, faults)) => (Some(code), faults),
            Err(faults) => (None, faults),
        };
        self.reported.borrow_mut().extend(faults);
        code
    }

    /// Parses a text as if it stood in the spec's folder.
    pub(crate) fn code_of(&self, text: &str) -> Fallible<Code> {
        let id = self.files.borrow_mut().add("expression", text);
        self.parse(id, self.sources.root(), text).ok_or_else(|| Failure::reported(NOWHERE))
    }

    /// Parses and evaluates a text as if it stood in the spec's folder.
    pub(crate) fn expression(&self, text: &str) -> Fallible<Value> {
        self.eval(&self.code_of(text)?, &self.root)
    }

    /// Resolves a path as people write it: relative to the spec's folder.
    pub(crate) fn shown(&self, path: &SpecPath) -> String {
        path.below(self.sources.root()).unwrap_or(&path.0).to_owned()
    }

    pub(crate) fn unreadable(
        &self,
        error: &SourceError,
        path: &SpecPath,
        at: Option<Place>,
    ) -> Diagnostic {
        let shown = self.shown(path);
        match error {
            SourceError::Outside(_) => Diagnostic::error(
                DiagnosticCode::OutsideFolder,
                at,
                format!("`{shown}` is outside the spec's folder"),
            )
            .label("a spec reads only files of its own folder and below")
            .help("move the file into the spec's folder"),
            SourceError::Missing(_) => Diagnostic::error(
                DiagnosticCode::MissingFile,
                at,
                format!("`{shown}` does not exist"),
            )
            .label("no such file"),
            SourceError::TooLarge { .. } => {
                let message = format!("`{shown}` is larger than {} MB", FILE_BYTES_MAX >> 20);
                Diagnostic::error(DiagnosticCode::TooLarge, at, message)
                    .label("too large")
                    .help("a spec is a small text file; was this the right file?")
            }
            SourceError::Io { message, .. } => {
                unreadable(at, format!("`{shown}` cannot be read: {message}"))
                    .label("the system refused it")
            }
            SourceError::Link(_) | SourceError::LeadsOut { .. } => {
                unreadable(at, format!("`{shown}` is a symbolic link, or is behind one"))
                    .label("links are not followed")
                    .help("name the file that it leads to")
            }
            SourceError::NotRegular(_) => {
                unreadable(at, format!("`{shown}` is not a regular file"))
                    .label("folders, pipes, sockets and devices cannot be read")
            }
            SourceError::TooMuch { limit, .. } => {
                unreadable(at, format!("`{shown}` holds more than {limit}")).label("too much")
            }
        }
    }
}

fn unreadable(at: Option<Place>, message: String) -> Diagnostic {
    Diagnostic::error(DiagnosticCode::UnreadableFile, at, message)
}
