//! Which wrapper a word of the command line means: a file, or a command that PATH finds.

use std::collections::BTreeMap;
use std::env::{split_paths, var_os};
use std::path::{Path, PathBuf};

use jail_plan::WrapperError;
use jail_policy::{Danger, Policy};

use super::shown;
use crate::cli::failure::Failure;
use crate::files::read_regular;
use crate::seal;

/// No folder has more commands that are looked at.
const WRAPPERS_MAX: usize = 1024;

/// What a wrapper says.
pub(super) struct Read {
    /// Where it is.
    pub(super) file: PathBuf,
    pub(super) policy: Policy,
    /// What no wrapper that jailgen has sealed holds.
    pub(super) foreign: Vec<Danger>,
}

/// The wrapper that is meant; none where it is a spec.
pub(super) fn of_word(word: &Path) -> Result<Option<Read>, Failure> {
    if word.exists() {
        let read = of_file(word)?;
        return match in_path(word).filter(|command| !is_same(command, word)) {
            // A jail may have written the file, and a shell would start the command.
            Some(command) if read.is_some() => Err(two_of(word, &command)),
            Some(_) | None => Ok(read),
        };
    }
    let Some(command) = in_path(word) else { return Ok(None) };
    let message =
        format!("`{}` is `{}`, which does not run in a jail", shown(word), shown(&command));
    let help = "name a spec, or a command that was built from one";
    of_file(&command)?.map(Some).ok_or_else(|| Failure::with_help(message, help))
}

/// The wrappers of a folder that was built: of its `bin`, by their names.
pub(super) fn of_folder(folder: &Path) -> Result<Vec<Read>, Failure> {
    let bin = folder.join("bin");
    let entries = std::fs::read_dir(&bin).into_iter().flatten().take(WRAPPERS_MAX).flatten();
    let mut wrappers = BTreeMap::new();
    for entry in entries {
        // What runs in no jail must not look like a jail that is gone.
        let Some(read) = of_file(&entry.path())? else {
            let message = format!("`{}` does not run in a jail", shown(&entry.path()));
            return Err(Failure::with_help(message, "compare folders of wrappers alone"));
        };
        // A second name of a jail is a link to it.
        wrappers.insert(read.policy.name.clone(), read);
    }
    if wrappers.is_empty() {
        let message = format!("`{}` is a folder, and there are no wrappers in it", shown(&bin));
        let help = "name a spec, or what `jailgen build -o` or `nix build` made of one";
        return Err(Failure::with_help(message, help));
    }
    Ok(wrappers.into_values().collect())
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().is_some_and(|one| other.canonicalize().is_ok_and(|it| it == one))
}

fn two_of(word: &Path, command: &Path) -> Failure {
    let (word, command) = (shown(word), shown(command));
    let message = format!("`{word}` is a wrapper in this folder, and another one in PATH");
    let help = format!(
        "name the one that you mean: `{command}`, which a shell would start, or `./{word}`"
    );
    Failure::with_help(message, help)
}

/// A command by its name alone, as a shell finds it.
fn in_path(word: &Path) -> Option<PathBuf> {
    if word.components().count() != 1 || word.is_absolute() {
        return None;
    }
    let path = var_os("PATH")?;
    split_paths(&path).map(|folder| folder.join(word)).find(|command| command.is_file())
}

fn of_file(file: &Path) -> Result<Option<Read>, Failure> {
    let Ok(bytes) = read_regular(file) else { return Ok(None) };
    let read = seal::of_wrapper(&bytes)
        .and_then(|policy| Ok(Read { file: file.into(), policy, foreign: seal::foreign(&bytes)? }));
    match read {
        Ok(read) => Ok(Some(read)),
        Err(WrapperError::Head | WrapperError::TooLarge) => Ok(None),
        Err(error) => Err(Failure::with_help(
            format!("`{}` cannot be read: {error}", shown(file)),
            "build it again with this jailgen",
        )),
    }
}

/// Refuses to start a wrapper that would run something else than jailgen's own programs outside of
/// the jail.
pub(super) fn refuse_foreign(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let found = seal::foreign_programs(bytes).unwrap_or_default();
    let Some(first) = found.first() else { return Ok(()) };
    let message = format!("`{}` is not a wrapper that jailgen built: {}", shown(file), first.what);
    Err(Failure::with_help(message, first.fix))
}
