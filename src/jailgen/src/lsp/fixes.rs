//! Quick-fixes: what the help of a diagnostic says to write, as an edit.
//!
//! They travel with the diagnostic, through the editor and back, and are offered where the text
//! that they replace is still there.

use std::ops::Range;

use gen_lsp_types as lsp;
use jail_lang::check_syntax;
use jail_registry::{Code, Diagnostic};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::documents::Document;
use super::position;

/// A replacement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fix {
    /// The text that is replaced.
    pub(super) old: String,
    pub(super) new: String,
    /// Where the text is.
    range: lsp::Range,
}

/// Diagnostics whose help says the whole text to be written in the place that they are about.
const WRITTEN: &[Code] = &[
    Code::BadHost,
    Code::BadRequest,
    Code::CombinatorAsPackage,
    Code::EnvironmentName,
    Code::ForwardsKey,
    Code::LiteralExpansion,
    Code::OutsideFolder,
    Code::ParamCount,
    Code::ParamType,
    Code::RelativePath,
    Code::RelativeTarget,
    Code::TypeMismatch,
    Code::UndefinedVariable,
];

/// The fixes of a diagnostic about this text.
pub(super) fn fixes(diagnostic: &Diagnostic, text: &str) -> Vec<Fix> {
    let found = diagnostic.primary.filter(|_| !diagnostic.code.hides_text()).and_then(|place| {
        let place = place.start as usize..place.end as usize;
        let help = diagnostic.help.as_deref()?;
        let old = text.get(place.clone())?;
        match help.strip_prefix("did you mean `") {
            Some(rest) => {
                let (new, _) = rest.split_once("`?")?;
                let word = misspelt(&diagnostic.message, old)?;
                let place = place.start + word.start..place.start + word.end;
                Some(vec![(place, new.trim_matches('"').to_owned())])
            }
            None if WRITTEN.contains(&diagnostic.code) => {
                // Some helps say a part of a text, which cannot be in the place of the whole.
                let is_whole = |new: &&str| check_syntax(new).is_ok() || is_operator(new);
                // A surplus argument is marked without the call that the help writes anew.
                let is_there = |new: &&str| {
                    diagnostic.code != Code::ParamCount || first_word(new) == first_word(old)
                };
                let written = written(help).into_iter().filter(is_whole).filter(is_there);
                Some(written.map(|new| (place.clone(), new.to_owned())).collect())
            }
            None => None,
        }
    });
    let fix = |(place, new): (Range<usize>, String)| {
        let old = text.get(place.clone())?.to_owned();
        Some(Fix { old, new, range: position::range(text, &place) })
    };
    found.unwrap_or_default().into_iter().filter_map(fix).collect()
}

/// Where the word that a message names is in the text that it is about, if it is there once.
fn misspelt(message: &str, text: &str) -> Option<Range<usize>> {
    let quoted = message.split('`').skip(1).step_by(2).map(|word| word.trim_matches('"'));
    let mut places = quoted.filter(|word| !word.is_empty()).filter_map(|word| {
        let mut found = text.match_indices(word).filter(|(at, _)| {
            let (before, after) = (text.get(..*at), text.get(at + word.len()..));
            !before.is_some_and(|it| it.ends_with(is_of_name))
                && !after.is_some_and(|it| it.starts_with(is_of_name))
        });
        let (at, _) = found.next()?;
        found.next().is_none().then_some(at..at + word.len())
    });
    places.by_ref().last()
}

fn first_word(code: &str) -> &str {
    let code = code.trim_start_matches(['(', '[', ' ']);
    code.split(|c| !is_of_name(c)).next().unwrap_or_default()
}

fn is_operator(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_punctuation())
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || "_-'".contains(c)
}

/// The texts that a help says to write, where they are whole: ``write `a` for …, or `b` if …``.
fn written(help: &str) -> Vec<&str> {
    let Some(rest) = help.strip_prefix("write ") else { return Vec::new() };
    let mut parts = rest.split('`');
    let (mut before, mut texts) = (parts.next().unwrap_or_default(), Vec::new());
    while let (Some(text), Some(after)) = (parts.next(), parts.next()) {
        let is_offer = before.is_empty() || before.ends_with(", ") || before.ends_with(" or ");
        if is_offer && !has_holes(text) {
            texts.push(text);
        }
        // What follows a colon explains.
        if after.contains(':') {
            break;
        }
        before = after;
    }
    texts
}

/// Whether the reader is to put something in: `…`, or a word in capitals outside of a string.
fn has_holes(text: &str) -> bool {
    let code = text.split('"').step_by(2);
    let is_hole = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
    let holes = code.map(|code| code.split(|c: char| !is_of_name(c)).any(is_hole));
    text.contains('…') || holes.into_iter().any(|it| it)
}

/// What is kept with a diagnostic in the editor.
pub(super) fn data(fixes: &[Fix]) -> Option<Value> {
    (!fixes.is_empty()).then(|| serde_json::to_value(fixes).unwrap_or_default())
}

/// The actions for diagnostics that an editor shows about a document.
pub(super) fn actions(document: &Document, shown: Vec<lsp::Diagnostic>) -> Vec<lsp::CodeAction> {
    let mut actions = Vec::new();
    for diagnostic in shown {
        let data = diagnostic.data.clone().unwrap_or_default();
        // What an editor did not get from here has data of another kind.
        let fixes: Vec<Fix> = serde_json::from_value(data).unwrap_or_default();
        let is_only = fixes.len() == 1;
        let fixes = fixes.into_iter().filter(|fix| fix.is_current(document));
        actions.extend(fixes.map(|fix| fix.action(document, &diagnostic, is_only)));
    }
    actions
}

impl Fix {
    fn place(&self, text: &str) -> Range<usize> {
        position::offset(text, self.range.start)..position::offset(text, self.range.end)
    }

    fn is_current(&self, document: &Document) -> bool {
        document.text.get(self.place(&document.text)) == Some(&*self.old)
    }

    #[cfg(test)]
    pub(super) fn applied(&self, text: &str) -> String {
        let mut text = text.to_owned();
        text.replace_range(self.place(&text), &self.new);
        text
    }

    fn action(
        self,
        document: &Document,
        diagnostic: &lsp::Diagnostic,
        is_only: bool,
    ) -> lsp::CodeAction {
        let title = format!("Replace `{}` with `{}`", one_line(&self.old), one_line(&self.new));
        let edit = lsp::TextEdit { range: self.range, new_text: self.new };
        lsp::CodeAction {
            title,
            kind: Some(lsp::CodeActionKind::QuickFix),
            diagnostics: Some(vec![diagnostic.clone()]),
            is_preferred: Some(is_only),
            edit: Some(lsp::WorkspaceEdit {
                changes: Some([(document.uri.clone(), vec![edit])].into()),
                ..lsp::WorkspaceEdit::default()
            }),
            ..lsp::CodeAction::default()
        }
    }
}

/// The longest text that a menu shows.
const SHOWN_MAX: usize = 60;

fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
