//! From a path or a text to its value: each file is read, parsed and evaluated once.

use jail_registry::{Code as DiagnosticCode, Diagnostic, FileId, Place};

use super::Evaluator;
use crate::ir::Code;
use crate::sources::{FILE_BYTES_MAX, SourceError, SpecPath};
use crate::syntax::{self, Context};
use crate::value::Value;

/// A file that was imported, or is being imported.
pub(super) enum Import {
    Running,
    Done(Value),
}

impl Evaluator<'_> {
    /// Parses and evaluates a file, once.
    pub(crate) fn file(
        &self,
        path: &SpecPath,
        at: Option<Place>,
    ) -> Result<Value, Vec<Diagnostic>> {
        if let Some(done) = self.imports.borrow().get(&path.0) {
            return match done {
                Import::Done(value) => Ok(value.clone()),
                Import::Running => Err(vec![Diagnostic::error(
                    DiagnosticCode::InfiniteRecursion,
                    at,
                    format!("`{}` imports itself", self.shown(path)),
                )]),
            };
        }
        let bytes = self.sources.read(&path.0);
        let bytes = bytes.map_err(|error| vec![self.unreadable(&error, path, at)])?;
        self.imports.borrow_mut().insert(path.0.clone(), Import::Running);
        let evaluated = self.text(path, bytes);
        match &evaluated {
            Ok(value) => {
                self.imports.borrow_mut().insert(path.0.clone(), Import::Done(value.clone()))
            }
            Err(_) => self.imports.borrow_mut().remove(&path.0),
        };
        evaluated
    }

    fn text(&self, path: &SpecPath, bytes: Vec<u8>) -> Result<Value, Vec<Diagnostic>> {
        let shown = self.shown(path);
        // The file has its id before it is known to be text, so that the fault can be shown.
        let next = u32::try_from(self.files.borrow().all().len()).unwrap_or(u32::MAX);
        let text = match syntax::decode(FileId(next), bytes) {
            Ok(text) => text,
            Err(both) => {
                let (text, fault) = *both;
                self.files.borrow_mut().add(shown, text);
                return Err(vec![fault]);
            }
        };
        let id = self.files.borrow_mut().add(shown, text.as_str());
        let code = self.parse(id, path.parent(), &text)?;
        self.eval(&code, &self.root).map_err(|failure| vec![failure.diagnostic])
    }

    pub(crate) fn parse(
        &self,
        file: FileId,
        folder: &str,
        text: &str,
    ) -> Result<Code, Vec<Diagnostic>> {
        let context = Context { file, folder, symbols: &self.symbols, globals: &self.names };
        syntax::parse(&context, text)
    }

    /// Parses and evaluates a text as if it stood in the spec's folder.
    pub(crate) fn expression(&self, text: &str) -> Result<Value, Vec<Diagnostic>> {
        let id = self.files.borrow_mut().add("expression", text);
        let code = self.parse(id, self.sources.root(), text)?;
        self.eval(&code, &self.root).map_err(|failure| vec![failure.diagnostic])
    }

    /// A path as people write it: relative to the spec's folder.
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
            .label("a spec reads only files beside and below it")
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
            SourceError::Io { message, .. } => Diagnostic::error(
                DiagnosticCode::UnreadableFile,
                at,
                format!("`{shown}` cannot be read: {message}"),
            )
            .label("the system refused"),
        }
    }
}
