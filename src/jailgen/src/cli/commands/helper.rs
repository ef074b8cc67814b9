//! The helper of the kit, run for a command. It looks at what jails wrote, confined, so that this
//! process reads nothing of it.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use jail_plan::helper::HELPER;

use super::{Context, shown};
use crate::cli::failure::Failure;

/// What it prints for these words. Where it fails, its message is the error.
pub(super) fn output(
    context: Context,
    words: &[&OsStr],
    paths: &[OsString],
) -> Result<String, Failure> {
    let kit = context.kit(None)?;
    let helper = kit.tool(HELPER).map(|folder| folder.join("bin").join(HELPER));
    let helper = helper.ok_or_else(|| Failure::new("the kit on this machine has no helper"))?;
    let output = Command::new(&helper)
        .env_clear()
        .args(words)
        .args(paths)
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::new(format!("`{}` cannot be run: {error}", shown(&helper))))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let why = text(&output.stderr);
    let why = why.trim_end().trim_start_matches("jail-host: ").trim_start_matches("the stage: ");
    Err(Failure::new(if why.is_empty() { format!("{}", output.status) } else { why.to_owned() }))
}
