//! How the call is written that is being typed, and which argument comes next.

use gen_lsp_types::{
    MarkupContent, MarkupKind, ParameterInformation, ParameterInformationLabel, SignatureHelp,
    SignatureInformation,
};
use jail_lang::query::{self, Slot, Tree};
use jail_registry::{builder, combinator, describe_type};

use super::documents::Document;
use super::{language, slots};

pub(super) fn help(document: &Document, offset: usize) -> Option<SignatureHelp> {
    let text = &*document.text;
    // A text beyond the bounds of the language is not analysed any further, and a function of the
    // text itself may have the name of one of the table.
    let scope = query::read(&query::completed(text, offset), |tree: &Tree| tree.scope(offset))?;
    let slot = query::open_call(text, offset)?;
    if scope.bindings.iter().any(|binding| binding.name == slot.function) {
        return None;
    }
    let label = form(&slot.function)?;
    let active = u32::try_from(slot.argument).ok()?;
    let information = SignatureInformation {
        parameters: Some(parameters(&label)),
        documentation: about(&slot)
            .map(|value| MarkupContent { kind: MarkupKind::Markdown, value }.into()),
        label,
        active_parameter: None,
    };
    Some(SignatureHelp {
        signatures: vec![information],
        active_signature: Some(0),
        active_parameter: Some(active.into()),
    })
}

/// `ro-bind FROM TO`, `makeJailedPi { … }`.
fn form(function: &str) -> Option<String> {
    if let Some(combinator) = combinator(function) {
        let takes_something = !combinator.signature.params.is_empty();
        return takes_something.then(|| language::form(function, combinator.signature));
    }
    if builder(function).is_some() {
        return Some(format!("{function} {{ … }}"));
    }
    let word = language::WORDS.iter().find(|(word, form, _)| *word == function && *form != *word);
    word.map(|(_, form, _)| (*form).to_owned()).filter(|form| form.contains(' '))
}

/// The words of a form after the first are its parameters, by their places in UTF-16.
fn parameters(form: &str) -> Vec<ParameterInformation> {
    let units = |text: &str| u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
    let (name, rest) = form.split_once(' ').unwrap_or((form, ""));
    let mut start = units(name) + 1;
    // The set of a builder is one argument.
    let words = if rest.starts_with('{') { vec![rest] } else { rest.split(' ').collect() };
    let parameter = |word: &str| {
        let label = ParameterInformationLabel::Tuple((start, start + units(word)));
        start += units(word) + 1;
        ParameterInformation { label, documentation: None }
    };
    words.into_iter().map(parameter).collect()
}

/// What is known of the argument, and of the field that is being typed.
fn about(slot: &Slot) -> Option<String> {
    if let Some(field) = slots::field(slot) {
        return Some(language::of_field(field));
    }
    let param = slots::signature(&slot.function)?.params.get(slot.argument)?;
    let summary = combinator(&slot.function).map(|combinator| combinator.summary);
    let summary = summary.or_else(|| builder(&slot.function).map(|builder| builder.summary))?;
    Some(match param.ty.fields() {
        Some(_) => format!("{summary}."),
        None => {
            let name = param.name.to_uppercase();
            format!("{summary}.\n\n`{name}`: {}", describe_type(param.ty))
        }
    })
}
