//! The settings of a spec: how the packages of its file are configured.

use jail_registry::nix_text;
use rnix::SyntaxNode;
use rnix::ast::{self, HasEntry as _};
use rowan::ast::AstNode as _;

use super::class::Class;
use super::left_out;
use super::library::{IMPORTED, Library};
use super::lookup::{Names, attribute, unwrapped};
use super::rewrite::Rewriter;
use super::write::applications;
use crate::query::attr_name;

/// The arguments of nixpkgs that a spec also accepts.
const TAKEN: [&str; 2] = ["config", "overlays"];

#[derive(Default)]
pub(super) struct Settings {
    /// Entries of `nixpkgs = { … }`.
    pub(super) config: Vec<String>,
    pub(super) overlays: Option<String>,
}

impl Settings {
    /// The settings of a file. A spec has one configured nixpkgs: what else the
    /// file configures is reported.
    pub(super) fn taken_over(rewriter: &mut Rewriter<'_>, names: &Names, root: &ast::Expr) -> Self {
        let mut settings = Self::default();
        let mut first: Option<String> = None;
        for (library, argument) in calls(names, root) {
            match (set(names, &argument), &first) {
                (None, _) => not_written_out(rewriter, &argument),
                (Some(set), None) if library == Library::Nixpkgs => {
                    first = Some(written(&set));
                    settings.of_call(rewriter, &set);
                }
                (Some(set), first)
                    if library == Library::Nixpkgs && *first == Some(written(&set)) => {}
                (Some(set), _) => of_another(rewriter, &set),
            }
        }
        if settings.config.is_empty() {
            // A configuration of NixOS or home-manager.
            for entry in root.syntax().descendants().filter_map(ast::AttrpathValue::cast) {
                settings.config.extend(config(rewriter, &entry, &["nixpkgs", "config"]));
            }
        }
        settings
    }

    fn of_call(&mut self, rewriter: &mut Rewriter<'_>, set: &ast::AttrSet) {
        self.overlays = attribute(set, "overlays").map(|list| rewriter.keep(&list));
        let mut known = usize::from(self.overlays.is_some());
        for entry in set.attrpath_values() {
            if let Some(entry) = config(rewriter, &entry, &["config"]) {
                self.config.push(entry);
                known += 1;
            }
        }
        if mentioned(set).len() > known {
            let message =
                "a part of the settings of nixpkgs is inherited or computed, and not taken over";
            report(
                rewriter,
                set.syntax(),
                message,
                "write its value in `nixpkgs = { … }` of the spec",
            );
        }
    }
}

/// The calls `import nixpkgs ARGUMENT` of a file, of any nixpkgs.
fn calls(names: &Names, root: &ast::Expr) -> Vec<(Library, ast::Expr)> {
    let call = |apply: ast::Apply| match names.class(&apply.lambda()?) {
        Class::Input(library @ (Library::Nixpkgs | Library::OtherNixpkgs(_)), path)
            if path == [IMPORTED] =>
        {
            Some((library, apply.argument()?))
        }
        _ => None,
    };
    applications(root).filter_map(call).collect()
}

fn set(names: &Names, argument: &ast::Expr) -> Option<ast::AttrSet> {
    match (unwrapped(argument), names.class(argument)) {
        (ast::Expr::AttrSet(set), _) | (_, Class::Set(set)) => Some(set),
        _ => None,
    }
}

fn not_written_out(rewriter: &mut Rewriter<'_>, argument: &ast::Expr) {
    let message = "the settings of this nixpkgs are not a literal set, and are not taken over";
    report(rewriter, argument.syntax(), message, "write it in `nixpkgs = { … }` of the spec");
}

/// The settings of a nixpkgs that is not the spec's.
fn of_another(rewriter: &mut Rewriter<'_>, set: &ast::AttrSet) {
    for entry in mentioned(set) {
        let message = "the settings of a second nixpkgs are not taken over";
        let help = "a spec has settings for one nixpkgs: write them in its `nixpkgs = { … }`, or take the packages from an overlay";
        report(rewriter, &entry, message, help);
    }
}

fn report(rewriter: &mut Rewriter<'_>, node: &SyntaxNode, message: &str, help: &str) {
    let fault = left_out(rewriter.file(), node, message).help(help);
    rewriter.faults.push(fault);
}

/// What a set says, or may say, about settings that a spec also has.
fn mentioned(set: &ast::AttrSet) -> Vec<SyntaxNode> {
    let is_taken = |attr: &ast::Attr| attr_name(attr).is_none_or(|it| TAKEN.contains(&it.as_str()));
    let entries = set.attrpath_values().filter(|entry| {
        entry.attrpath().and_then(|path| path.attrs().next()).is_some_and(|it| is_taken(&it))
    });
    let inherited = set.inherits().flat_map(|it| it.attrs()).filter(is_taken);
    let entries = entries.map(|entry| entry.syntax().clone());
    entries.chain(inherited.map(|attr| attr.syntax().clone())).collect()
}

fn written(set: &ast::AttrSet) -> String {
    let text = set.syntax().text().to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `nixpkgs.config.a.b = …;` where an entry is about that.
fn config(
    rewriter: &mut Rewriter<'_>,
    entry: &ast::AttrpathValue,
    prefix: &[&str],
) -> Option<String> {
    let path: Vec<String> =
        entry.attrpath()?.attrs().map(|attr| attr_name(&attr)).collect::<Option<_>>()?;
    let begins = path.iter().zip(prefix).all(|(name, wanted)| name == wanted);
    if !begins || path.len() < prefix.len() {
        return None;
    }
    let rest: String =
        path.iter().skip(prefix.len()).map(|name| format!(".{}", nix_text::name(name))).collect();
    let value = rewriter.keep(&entry.value()?);
    Some(format!("nixpkgs.config{rest} = {value};"))
}
