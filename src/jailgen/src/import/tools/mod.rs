//! Specs from the files of other tools: settings, profiles and command lines.
//!
//! Each entry of such a file becomes a grant, a comment if every jail has it anyway, or a warning
//! with its line. Nothing is ignored, and nothing is run.

mod bwrap;
mod claude;
mod codex;
mod denials;
mod draft;
mod hosts;
mod json;
mod node;
mod nono;
mod paths;
mod secrets;
mod srt;
#[cfg(test)]
mod tests;
mod toml;

use jail_lang::{FILE_BYTES_MAX, Files, Imported};
use jail_registry::{Code, Diagnostic, FileId, Place};

use draft::Draft;
use node::{Node, Shape, TextRange};

/// What a file is that is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A flake, or another file in the Nix language: jail.nix, jailed-agents, ai-cage,
    /// agent-sandbox.nix.
    Nix,
    /// Settings of sandbox-runtime (`srt`).
    Srt,
    /// Settings of Claude Code.
    ClaudeCode,
    /// A profile of nono.
    Nono,
    /// Codex' `config.toml`.
    Codex,
    /// A command line of bubblewrap.
    Bwrap,
}

impl InputKind {
    /// All of them, as `--from` names them.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("nix", Self::Nix),
        ("srt", Self::Srt),
        ("claude-code", Self::ClaudeCode),
        ("nono", Self::Nono),
        ("codex", Self::Codex),
        ("bwrap", Self::Bwrap),
    ];

    /// The kind of a file, by its name and its content. `None` for one that could be anything.
    #[must_use]
    pub fn detected(name: &str, text: &str) -> Option<Self> {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            "nix" => return Some(Self::Nix),
            "toml" => return Some(Self::Codex),
            "json" | "jsonc" => return json::read(text).ok().and_then(|node| of_settings(&node)),
            _ => {}
        }
        if bwrap::is_command(text) {
            return Some(Self::Bwrap);
        }
        json::read(text).ok().and_then(|node| of_settings(&node))
    }
}

/// Which tool's settings these are, by keys that no other tool has.
fn of_settings(node: &Node) -> Option<InputKind> {
    let has = |path: &[&str]| path.iter().try_fold(node, |node, name| node.field(name)).is_some();
    if has(&["sandbox"]) || has(&["permissions"]) || has(&["hooks"]) {
        Some(InputKind::ClaudeCode)
    } else if has(&["meta"]) || has(&["workdir"]) || has(&["extends"]) || has(&["security"]) {
        Some(InputKind::Nono)
    } else if has(&["network", "allowedDomains"])
        || has(&["filesystem", "allowWrite"])
        || has(&["filesystem", "denyRead"])
    {
        Some(InputKind::Srt)
    } else if has(&["filesystem"]) || has(&["network"]) {
        Some(InputKind::Nono)
    } else {
        None
    }
}

/// Reads the settings of a tool, and writes the spec that they amount to.
#[must_use]
pub(super) fn import(kind: InputKind, name: &str, text: &str) -> Imported {
    let mut files = Files::default();
    let file = files.add(name, text);
    let (spec, diagnostics) = match read(kind, file, text) {
        Ok(draft) => draft.finish(name),
        Err(fault) => (None, vec![*fault]),
    };
    Imported { spec, diagnostics, files }
}

fn read(kind: InputKind, file: FileId, text: &str) -> Result<Draft, Box<Diagnostic>> {
    if text.len() as u64 > FILE_BYTES_MAX {
        let message = format!("the file is larger than {} MB", FILE_BYTES_MAX >> 20);
        return Err(Box::new(Diagnostic::error(Code::MemoryLimit, None, message)));
    }
    let fault = |(message, range): (String, Option<TextRange>)| {
        Box::new(Diagnostic::error(Code::Syntax, range.map(|range| place(file, range)), message))
    };
    let mut draft = Draft::new(file);
    match kind {
        InputKind::Nix => {
            let message = "this is a file in the Nix language";
            return Err(Box::new(Diagnostic::error(Code::Syntax, None, message)));
        }
        InputKind::Srt => srt::read(&settings(json::read(text).map_err(fault)?)?, &mut draft),
        InputKind::ClaudeCode => {
            claude::read(&settings(json::read(text).map_err(fault)?)?, &mut draft);
        }
        InputKind::Nono => nono::read(&settings(json::read(text).map_err(fault)?)?, &mut draft),
        InputKind::Codex => codex::read(&toml::read(text).map_err(fault)?, &mut draft),
        InputKind::Bwrap => bwrap::read(text, &mut draft).map_err(fault)?,
    }
    Ok(draft)
}

/// Settings are an object.
fn settings(node: Node) -> Result<Node, Box<Diagnostic>> {
    match node.shape {
        Shape::Fields(_) => Ok(node),
        _ => {
            let fault = Diagnostic::error(Code::Syntax, None, "the settings are not an object");
            Err(Box::new(fault.help("a settings file is `{ … }`")))
        }
    }
}

fn place(file: FileId, range: TextRange) -> Place {
    let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Place { file, start: narrow(range.start), end: narrow(range.end) }
}
