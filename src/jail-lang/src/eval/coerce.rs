//! What counts as text, and the checks of types.

use std::rc::Rc;

use jail_policy::Output;
use jail_registry::{Code as DiagnosticCode, PathValue, Place, names};

use super::Evaluator;
use crate::attrs::Attrs;
use crate::failure::{Failure, Fallible};
use crate::residual::Residual;
use crate::sources::{EntryKind, SourceError, SpecPath};
use crate::value::{Chars, List, MadeBy, TextBuilder, TextPart, TextValue, Value};

impl Evaluator<'_> {
    pub(crate) fn mismatch(&self, wanted: &str, value: &Value, place: Place) -> Box<Failure> {
        if value.is_opaque() && matches!(wanted, "a set" | "a function") {
            let message =
                format!("what {} is made of depends on what evaluates the spec", value.kind());
            return Failure::dependent(place, message).label(format!("expected {wanted} here"));
        }
        let message = format!("expected {wanted}, got {}", value.kind());
        let failure = Failure::new(DiagnosticCode::TypeMismatch, place, message);
        match value {
            Value::Residual(_) => Failure::symbolic(place, "the value", &self.shown_source(value)),
            _ => failure.label(format!("this is {}", value.kind())),
        }
    }

    /// Appends the value of an interpolation.
    pub(crate) fn append(
        &self,
        text: &mut TextBuilder,
        value: &Value,
        place: Place,
    ) -> Fallible<()> {
        if let Value::Text(inner) = value {
            no_combinator_text(inner, place)?;
        }
        match value {
            Value::Str(string) => self.append_str(text, string, place)?,
            Value::Text(inner) => self.append_parts(text, inner, place)?,
            Value::Residual(residual) => {
                text.push(TextPart::Package(Rc::clone(residual), Output::Out));
            }
            Value::Path(path) => text.push(self.copied_path(path, place)?),
            Value::Attrs(attrs) => {
                let value = self.text_of_set(attrs, value, place)?;
                self.append(text, &value, place)?;
            }
            Value::Thunk(_) => {
                let value = self.force(value, place)?;
                self.append(text, &value, place)?;
            }
            other => return Err(self.no_text(other, place)),
        }
        Ok(())
    }

    pub(super) fn append_parts(
        &self,
        text: &mut TextBuilder,
        inner: &TextValue,
        place: Place,
    ) -> Fallible<()> {
        for part in &inner.parts {
            match part {
                TextPart::Literal(literal) => self.append_str(text, literal, place)?,
                TextPart::Package(..) | TextPart::Entry => {
                    self.room(text.len(), place)?;
                    self.step(place)?;
                    text.push(part.clone());
                }
            }
        }
        Ok(())
    }

    fn no_text(&self, value: &Value, place: Place) -> Box<Failure> {
        let failure = self.mismatch("a string", value, place);
        match value {
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Null | Value::List(_) => {
                failure.help("`toString` makes a string of it")
            }
            Value::Lambda(_) | Value::Builtin(_) | Value::Partial(_) => {
                failure.help("does the function still want an argument?")
            }
            _ => failure,
        }
    }

    /// `__toString`, else `outPath`.
    fn text_of_set(&self, attrs: &Attrs, whole: &Value, place: Place) -> Fallible<Value> {
        if let Some(function) = attrs.get(self.known.to_string) {
            let function = self.force(function, place)?;
            return self.apply(&function, std::slice::from_ref(whole), place);
        }
        match attrs.get(self.known.out_path) {
            Some(path) => self.force(path, place),
            None => Err(self.no_text(whole, place)),
        }
    }

    /// A path in a string is copied into the store, and the string holds the path of the copy.
    pub(crate) fn copied_path(&self, path: &Rc<SpecPath>, place: Place) -> Fallible<TextPart> {
        let Some(below) = path.below(self.sources.root()) else {
            return Err(Failure::new(
                DiagnosticCode::OutsideFolder,
                place,
                format!("`{}` is outside the spec's folder", path.0),
            )
            .label("a path in a string is copied into the store")
            .help(format!("write `\"{}\"` for the path on the machine", path.0)));
        };
        let shown = || path.0.to_string();
        let copied = self.sources.kind(&path.0).and_then(|kind| match kind {
            Some(EntryKind::Regular | EntryKind::Directory) => Ok(()),
            Some(EntryKind::Symlink) => Err(SourceError::Link(shown())),
            Some(EntryKind::Unknown) => Err(SourceError::NotRegular(shown())),
            None => Err(SourceError::Missing(shown())),
        });
        copied.map_err(|error| {
            Failure::from_diagnostic(self.unreadable(&error, path, Some(place)))
        })?;
        self.copied.borrow_mut().entry(below.to_owned()).or_insert(place);
        Ok(TextPart::Package(Rc::new(Residual::File(below.into())), Output::Out))
    }

    /// A path was given where text is expected: says what to write instead. A file in a folder
    /// below the spec's writes its paths relative to itself.
    pub(crate) fn path_value(&self, path: &SpecPath, place: Place) -> PathValue {
        let files = self.files.borrow();
        let file = files.get(place.file).map_or("", |file| file.name.as_str());
        let folder = SpecPath::new(self.sources.root(), file);
        PathValue::of_spec(&path.0, path.below(folder.parent()))
    }

    /// Nix evaluates a copy of the spec in its store, so there the text of the path is another one.
    pub(crate) fn placed_path(&self, path: &SpecPath, place: Place) -> Box<Failure> {
        Failure::dependent(place, "the text of a path depends on where the spec is")
            .label("Nix evaluates a copy of the spec")
            .help(format!(
                "write `\"${{./{}}}\"` for a copy in the store, or a string for a place on the machine",
                self.shown(path)
            ))
    }

    /// The last name of a path below the spec's folder, which does not depend
    /// on where that folder is.
    pub(crate) fn name_in_folder(&self, path: &SpecPath) -> Option<String> {
        let below = path.below(self.sources.root()).filter(|below| !below.is_empty())?;
        below.rsplit('/').next().filter(|name| *name != ".").map(str::to_owned)
    }

    /// A string whose characters are needed now.
    pub(crate) fn plain_text(&self, value: &Value, place: Place) -> Fallible<Rc<Chars>> {
        match value {
            Value::Str(text) => Ok(Rc::clone(text)),
            Value::Text(_) | Value::Residual(_) => {
                Err(Failure::symbolic(place, "the text", &self.shown_source(value)))
            }
            Value::Path(path) => Err(self.placed_path(path, place)),
            Value::Attrs(attrs) => {
                let text = self.text_of_set(attrs, value, place)?;
                self.plain_text(&text, place)
            }
            Value::Thunk(_) => {
                let value = self.force(value, place)?;
                self.plain_text(&value, place)
            }
            other => Err(self.no_text(other, place)),
        }
    }

    /// A string, without coercion.
    pub(crate) fn string(&self, value: &Value, place: Place) -> Fallible<Rc<Chars>> {
        match self.force(value, place)? {
            Value::Str(text) => Ok(text),
            other @ (Value::Text(_) | Value::Residual(_)) => {
                Err(Failure::symbolic(place, "the text", &self.shown_source(&other)))
            }
            other => Err(self.mismatch("a string", &other, place)),
        }
    }

    pub(crate) fn list(&self, value: &Value, place: Place) -> Fallible<Rc<List>> {
        match self.force(value, place)? {
            Value::List(list) => Ok(list),
            other => Err(self.mismatch("a list", &other, place)),
        }
    }

    pub(crate) fn attrs(&self, value: &Value, place: Place) -> Fallible<Rc<Attrs>> {
        match self.force(value, place)? {
            Value::Attrs(attrs) => Ok(attrs),
            other => Err(self.mismatch("a set", &other, place)),
        }
    }

    /// A function, or a set that can be called.
    pub(crate) fn function(&self, value: &Value, place: Place) -> Fallible<Value> {
        match self.force(value, place)? {
            Value::Attrs(attrs) if attrs.has(self.known.functor) => Ok(Value::Attrs(attrs)),
            function if function.is_function() || function.is_opaque() => Ok(function),
            other => Err(self.mismatch("a function", &other, place)),
        }
    }

    pub(crate) fn integer(&self, value: &Value, place: Place) -> Fallible<i64> {
        match self.force(value, place)? {
            Value::Int(number) => Ok(number),
            other => Err(self.mismatch("an integer", &other, place)),
        }
    }

    pub(crate) fn boolean(&self, value: &Value, place: Place) -> Fallible<bool> {
        match self.force(value, place)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.mismatch("a boolean", &other, place)),
        }
    }

    /// `toString`: lists are joined, numbers written out, paths not copied.
    pub(crate) fn to_string(
        &self,
        value: &Value,
        text: &mut TextBuilder,
        place: Place,
    ) -> Fallible<()> {
        self.step(place)?;
        match value {
            Value::Null | Value::Bool(false) => {}
            Value::Bool(true) => text.push_str("1"),
            Value::Int(number) => text.push_str(&number.to_string()),
            Value::Float(number) => text.push_str(&format!("{number:.6}")),
            Value::Path(path) => return Err(self.placed_path(path, place)),
            Value::List(list) => {
                let last = list.items.len().saturating_sub(1);
                for (index, item) in list.items.iter().enumerate() {
                    let item = self.force(item, place)?;
                    self.to_string(&item, text, place)?;
                    let empty = matches!(&item, Value::List(list) if list.items.is_empty());
                    if index < last && !empty {
                        text.push_str(" ");
                    }
                }
            }
            Value::Attrs(attrs) => {
                let value = self.text_of_set(attrs, value, place)?;
                self.to_string(&value, text, place)?;
            }
            Value::Thunk(_) => {
                let value = self.force(value, place)?;
                self.to_string(&value, text, place)?;
            }
            other => self.append(text, other, place)?,
        }
        Ok(())
    }
}

/// The result of `noescape` or `escape` cannot be part of a string.
fn no_combinator_text(text: &TextValue, place: Place) -> Fallible<()> {
    let (name, label) = match text.made_by {
        MadeBy::Language => return Ok(()),
        MadeBy::Noescape => (names::NOESCAPE, "it would lose its expansion"),
        MadeBy::Escape => (names::ESCAPE, "in a string, Nix would quote it for a shell"),
    };
    let message = format!("a text of `{name}` stands inside a string");
    Err(Failure::new(DiagnosticCode::TypeMismatch, place, message)
        .label(label)
        .help(format!("apply `{name}` to the whole string")))
}
