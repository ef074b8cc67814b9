//! Which wrapper a word of the command line means: a file, or a command that PATH finds.

use std::env::{split_paths, var_os};
use std::path::{Path, PathBuf};

use jail_plan::WrapperError;
use jail_policy::Policy;

use crate::cli::failure::Failure;
use crate::files::read_regular;
use crate::render::sanitise;
use crate::seal;

/// The policy of the wrapper that is meant; none where it is a spec.
pub(super) fn of_word(word: &Path) -> Result<Option<Policy>, Failure> {
    if word.exists() {
        return of_file(word);
    }
    let Some(command) = in_path(word) else { return Ok(None) };
    let message = format!("`{}` is `{}`, which runs in no jail", shown(word), shown(&command));
    let help = "name a spec, or a command that was built from one";
    of_file(&command)?.map(Some).ok_or_else(|| Failure::with_help(message, help))
}

/// A command by its name alone, as a shell finds it.
fn in_path(word: &Path) -> Option<PathBuf> {
    if word.components().count() != 1 || word.is_absolute() {
        return None;
    }
    let path = var_os("PATH")?;
    split_paths(&path).map(|folder| folder.join(word)).find(|command| command.is_file())
}

fn of_file(file: &Path) -> Result<Option<Policy>, Failure> {
    let Ok(bytes) = read_regular(file) else { return Ok(None) };
    match seal::of_wrapper(&bytes) {
        Ok(policy) => Ok(Some(policy)),
        Err(WrapperError::Head | WrapperError::TooLarge) => Ok(None),
        Err(error) => Err(Failure::with_help(
            format!("`{}` cannot be read: {error}", shown(file)),
            "build it again with this jailgen",
        )),
    }
}

fn shown(path: &Path) -> String {
    sanitise(&path.display().to_string()).into_owned()
}
