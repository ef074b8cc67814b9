//! Completion of jailgen's own command line. The scripts in `data/completions` ask `jailgen
//! complete` what can stand where the cursor is; files are completed by the shell itself, which
//! knows how it quotes them.

mod command;

use std::ffi::OsString;
use std::fmt::Write as _;

use clap_complete::engine::{CompletionCandidate, complete};

use super::console::Console;
use super::failure::Failure;
use crate::render::sanitise;

pub(super) use command::visible;

use command::Files;

/// The scripts that register the completions with a shell.
pub(super) const BASH: &str = include_str!("../../data/completions/jailgen.bash");
pub(super) const FISH: &str = include_str!("../../data/completions/jailgen.fish");
pub(super) const ZSH: &str = include_str!("../../data/completions/_jailgen");

/// Prints what can stand at the word with this index, one candidate a line: the word, a tab and
/// what it is, or a line that asks the shell for files (see [`command::Files`]).
pub(super) fn run(index: usize, words: Vec<OsString>, console: Console) -> Result<(), Failure> {
    let folder = std::env::current_dir().ok();
    let mut command = command::with_completers(&words);
    let typed = words.get(index).map(|word| word.to_string_lossy().into_owned());
    let is_option = typed.is_some_and(|word| word.starts_with('-'));
    // If nothing can follow, there is nothing to print.
    let candidates = complete(&mut command, words, index, folder.as_deref()).unwrap_or_default();
    let lines = candidates.iter().map(|candidate| line(candidate, is_option));
    console.result(&lines.collect::<String>())
}

fn line(candidate: &CompletionCandidate, is_option: bool) -> String {
    let value = candidate.get_value().to_string_lossy();
    if let Some((option, files)) = Files::asked(&value) {
        // What begins like an option is not a file, unless it is one's value.
        let is_meant = is_option == option.ends_with('=');
        return if is_meant { format!("{}\n", files.line()) } else { String::new() };
    }
    // A name from a spec that does not fit on one line cannot be typed either.
    if value.contains(char::is_control) {
        return String::new();
    }
    let mut line = sanitise(&value).into_owned();
    if let Some(help) = candidate.get_help() {
        let help = help.to_string();
        let first = help.lines().next().unwrap_or_default();
        let _ = write!(line, "\t{}", sanitise(first).replace('\t', " "));
    }
    line + "\n"
}
