//! A spec that is being written: its grants in order, and what could not be said.

use std::borrow::Cow;
use std::fmt::Write as _;

use jail_registry::nix_text::quoted;
use jail_registry::{Code, Diagnostic, FileId};

use crate::render::sanitise;

use super::denials::{Denial, Mount};
use super::node::{Node, TextRange};
use super::place;

/// See the module.
pub(super) struct Draft {
    file: FileId,
    /// The jail is made so: `jail "name" pkgs.bash` with permissions, or a builder with arguments.
    pub(super) maker: Maker,
    /// Permissions and comments, each on lines of its own.
    lines: Vec<String>,
    /// Whether the project may be written as a whole.
    pub(super) writes_project: bool,
    /// The places that are granted.
    pub(super) mounts: Vec<Mount>,
    /// What the file denies, until all grants are known.
    pub(super) denials: Vec<Denial>,
    faults: Vec<Diagnostic>,
}

/// What makes the jail.
pub(super) enum Maker {
    /// `jail NAME ENTRY [ … ]`, with the source of both.
    Jail { name: String, entry: String },
    /// A builder, whose `baseJailOptions` are the permissions.
    Builder(&'static str),
}

impl Draft {
    pub(super) fn new(file: FileId) -> Self {
        let maker =
            Maker::Jail { name: quoted("jailed-shell"), entry: "pkgs.bashInteractive".into() };
        Self {
            file,
            maker,
            lines: Vec::new(),
            writes_project: false,
            mounts: Vec::new(),
            denials: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// A permission, as it is written.
    pub(super) fn grant(&mut self, permission: impl Into<String>) {
        let permission = permission.into();
        if !is_visible(&permission) {
            let message = format!("`{}` has characters that are not shown", shown(&permission));
            self.faults.push(Diagnostic::warning(Code::NotImported, None, message));
            return;
        }
        // What is mounted last counts.
        self.lines.retain(|line| *line != permission);
        self.lines.push(permission);
    }

    pub(super) fn has(&self, permission: &str) -> bool {
        self.lines.iter().any(|line| line == permission)
    }

    /// Takes a permission back.
    pub(super) fn take_back(&mut self, permission: &str) {
        self.lines.retain(|line| line != permission);
    }

    /// A value that is likely a credential. The warning has no place: the line would show the
    /// value.
    pub(super) fn secret(&mut self, name: &str) {
        let message =
            format!("the value of `{}` may be a credential, and is not copied", shown(name));
        let help = "`secret { env = …; from.keyring = { … }; hosts = [ … ]; }` gives a jail a placeholder for it";
        self.faults.push(Diagnostic::warning(Code::NotImported, None, message).help(help));
    }

    /// What a jail has anyway: a comment records it.
    pub(super) fn holds(&mut self, what: &str, why: &str) {
        self.lines.push(format!("# {}: {why}", one_line(what)));
    }

    /// What a spec does not say.
    pub(super) fn left_out(&mut self, range: &TextRange, message: String, help: &str) {
        let fault =
            Diagnostic::warning(Code::NotImported, Some(place(self.file, range.clone())), message);
        self.faults.push(if help.is_empty() { fault } else { fault.help(help) });
    }

    /// A field that is not known here.
    pub(super) fn unknown(&mut self, name: &str, range: &TextRange) {
        let message = format!("`{}` is not known here", shown(name));
        self.left_out(range, message, "look at what it does, and write that into the spec");
    }

    /// A value of another kind than its tool takes.
    pub(super) fn wrong(&mut self, name: &str, node: &Node, wanted: &str) {
        let message = format!("`{}` must be {wanted}", shown(name));
        self.left_out(&node.range, message, "");
    }

    /// The spec, and what was left out of it.
    pub(super) fn finish(mut self, name: &str) -> (Option<String>, Vec<Diagnostic>) {
        self.judge();
        let permissions: String = self.lines.iter().fold(String::new(), |mut all, line| {
            let _ = writeln!(all, "{line}");
            all
        });
        let body = match &self.maker {
            Maker::Jail { name, entry } => format!("jail {name} {entry} [\n{permissions}]"),
            Maker::Builder(builder) => {
                format!("{builder} {{\nbaseJailOptions = [\n{permissions}];\n}}")
            }
        };
        self.faults.sort_by_key(|fault| fault.primary);
        let spec = format!("# Imported from {}.\n{body}\n", name.escape_debug());
        (Some(nixfmt_rs::format(&spec).unwrap_or(spec)), self.faults)
    }
}

/// A text of the file for a comment: on one line, without control characters.
fn one_line(text: &str) -> String {
    let line: String = text.chars().flat_map(shown_char).take(200).collect();
    line.trim().to_owned()
}

/// A text of the file for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().flat_map(shown_char).take(100).collect()
}

/// Whether a text has nothing that a terminal would obey or hide.
pub(super) fn is_visible(text: &str) -> bool {
    text.chars().all(is_plain)
}

/// Control characters, and those that change the direction of writing, are written as escapes.
fn shown_char(character: char) -> Box<dyn Iterator<Item = char>> {
    if is_plain(character) {
        Box::new(std::iter::once(character))
    } else {
        Box::new(character.escape_unicode())
    }
}

fn is_plain(character: char) -> bool {
    let is_shown = |it: char| matches!(sanitise(it.encode_utf8(&mut [0; 4])), Cow::Borrowed(_));
    !character.is_control() && character.escape_debug().count() == 1 && is_shown(character)
        || matches!(character, '"' | '\'' | '\\')
}
