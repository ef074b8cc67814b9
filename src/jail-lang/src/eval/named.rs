//! Calls of what the spec language adds to Nix: combinators, builders, `jail`, `import`.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::ir::Code;
use crate::sources::{EntryKind, SpecPath};
use crate::value::{
    Argument, Combinator, Env, JailCall, MadeBy, Partial, Permission, Root, TextBuilder, TextPart,
    Value,
};
use crate::vocabulary::WordKind;

/// The approximate size of a permission, a jail or a partly applied combinator.
const COMBINATOR: usize = 192;

impl Evaluator<'_> {
    /// A call with its arguments as written, each with its place.
    pub(super) fn apply_named(
        &self,
        function: Value,
        args: &[Code],
        env: &Env,
        function_place: Place,
        place: Place,
    ) -> Fallible<Value> {
        let args =
            args.iter().map(|arg| Argument { value: self.delay(arg, env), place: arg.place });
        let _ = function_place;
        self.apply_arguments(&function, args.collect(), place)
    }

    pub(super) fn apply_combinator(
        &self,
        function: &Value,
        args: &[Value],
        place: Place,
    ) -> Fallible<Value> {
        let args = args.iter().map(|value| Argument {
            place: value.written_at().unwrap_or(place),
            value: value.clone(),
        });
        self.apply_arguments(function, args.collect(), place)
    }

    /// A call with arguments and their places, one after the other.
    pub(super) fn apply_arguments(
        &self,
        function: &Value,
        args: Vec<Argument>,
        place: Place,
    ) -> Fallible<Value> {
        let mut function = function.clone();
        for (index, arg) in args.iter().enumerate() {
            let (arg, more) = (arg.clone(), args.get(index..).unwrap_or_default());
            function = match &function {
                Value::Combinator(combinator) => {
                    self.no_more_than_the_text(combinator, more, place)?;
                    self.combinator_argument(combinator, arg, place)?
                }
                Value::Root(root) => self.root_argument(*root, &[], arg, place)?,
                Value::Partial(partial) if matches!(partial.function, Value::Root(_)) => {
                    let Value::Root(root) = partial.function else { continue };
                    self.root_argument(root, &partial.placed, arg, place)?
                }
                other => match self.too_many(other, more, place) {
                    Some(fault) => return Err(fault),
                    None => self.apply(other, &[arg.value], place)?,
                },
            };
        }
        Ok(function)
    }

    /// A text is not a call any more, so excess arguments of `noescape` are found before.
    fn no_more_than_the_text(
        &self,
        combinator: &Combinator,
        args: &[Argument],
        place: Place,
    ) -> Fallible<()> {
        let Combinator { kind, name, signature, args: own, .. } = combinator;
        let is_text = matches!(kind, WordKind::Text { .. });
        if is_text && own.len() + args.len() > signature.params.len() {
            return Err(self.excess(name, *signature, own.clone(), args, place));
        }
        Ok(())
    }

    fn combinator_argument(
        &self,
        combinator: &Combinator,
        arg: Argument,
        place: Place,
    ) -> Fallible<Value> {
        self.keep(COMBINATOR, place)?;
        let mut combinator = combinator.clone();
        combinator.args.push(arg);
        if combinator.args.len() < combinator.signature.params.len() {
            combinator.place = Some(place);
            return Ok(Value::Combinator(Rc::new(combinator)));
        }
        let Combinator { kind, name, signature, args, .. } = combinator;
        match kind {
            WordKind::Permission => Ok(Value::Permission(Rc::new(Permission {
                name,
                signature,
                args,
                place: Some(place),
            }))),
            WordKind::Builder => {
                Ok(Value::Jail(Rc::new(JailCall::Built { name, signature, args, place })))
            }
            WordKind::Text { expand } => self.text_combinator(name, expand, &args, place),
        }
    }

    /// `noescape` and `escape`.
    fn text_combinator(
        &self,
        name: &str,
        expand: bool,
        args: &[Argument],
        place: Place,
    ) -> Fallible<Value> {
        let Some(arg) = args.first() else { return Ok(Value::Null) };
        let value = self.force(&arg.value, arg.place)?;
        if let Value::Text(text) = &value
            && text.made_by == MadeBy::Noescape
        {
            return Ok(value);
        }
        let mut text = TextBuilder::new(if expand { MadeBy::Noescape } else { MadeBy::Escape });
        match &value {
            Value::Text(inner) => self.append_parts(&mut text, inner, arg.place)?,
            Value::Str(_) | Value::Residual(_) => self.append(&mut text, &value, arg.place)?,
            other => {
                let message = format!("`{name}` takes a string for `text`, got {}", other.kind());
                let failure = Failure::new(DiagnosticCode::ParamType, arg.place, message)
                    .label(format!("this is {}", other.kind()));
                return Err(match other {
                    Value::Path(path) => failure.help(self.path_value(path, arg.place).help()),
                    _ => failure,
                });
            }
        }
        let _ = place;
        Ok(Value::Text(Rc::new(text.finish())))
    }

    fn root_argument(
        &self,
        root: Root,
        before: &[Argument],
        arg: Argument,
        place: Place,
    ) -> Fallible<Value> {
        match (root, before) {
            (Root::Jail, [name, entry]) => {
                self.keep(COMBINATOR, place)?;
                let args = [name.clone(), entry.clone(), arg];
                Ok(Value::Jail(Rc::new(JailCall::Plain { args, place })))
            }
            (Root::Jail, before) => {
                let placed: Vec<_> = before.iter().cloned().chain([arg]).collect();
                let args = placed.iter().map(|arg| arg.value.clone()).collect();
                Ok(Partial::value(Value::Root(root), args, placed))
            }
            (Root::Import, _) => self.import(&arg),
            (Root::Library(_) | Root::Builtins, _) => {
                let message = format!("{} is called like a function", Value::Root(root).kind());
                Err(Failure::new(DiagnosticCode::NotAFunction, place, message)
                    .label("not a function"))
            }
        }
    }

    /// `import PATH`: a file, or the `default.nix` of a folder.
    fn import(&self, arg: &Argument) -> Fallible<Value> {
        let path = match self.force(&arg.value, arg.place)? {
            Value::Path(path) => path,
            Value::Str(text) if text.starts_with('/') => Rc::new(SpecPath::new("/", &text)),
            value @ (Value::Residual(_) | Value::Text(_)) => {
                return Err(Failure::new(
                    DiagnosticCode::SymbolicValue,
                    arg.place,
                    format!(
                        "`{}` cannot be imported: its value is not known here",
                        self.shown_source(&value)
                    ),
                )
                .label("only Nix can read this")
                .help("import a file of the spec's folder: `import ./file.nix`"));
            }
            other => return Err(self.mismatch("a path", &other, arg.place)),
        };
        let path = match self.sources.kind(&path.0) {
            Ok(Some(EntryKind::Directory)) => Rc::new(SpecPath::new(&path.0, "default.nix")),
            _ => path,
        };
        self.step(arg.place)?;
        self.file(&path, Some(arg.place))
    }

    /// The result of a `wrap-entry` script when the entry is a placeholder.
    pub(crate) fn applied_to_entry(&self, function: &Value, place: Place) -> Fallible<Value> {
        let mut entry = TextBuilder::plain();
        entry.push(TextPart::Entry);
        self.apply(function, &[entry.into_value()], place)
    }
}
