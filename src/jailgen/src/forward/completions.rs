//! Completions: those of the program, for the wrapper's command.

use std::io;
use std::path::Path;

use super::Forward;

const BASH: &str = "share/bash-completion/completions";
const FISH: &str = "share/fish/vendor_completions.d";
const ZSH: &str = "share/zsh/site-functions";

pub(super) fn write(forward: Forward<'_>, package: &Path) -> io::Result<()> {
    let Forward { command, program, .. } = forward;
    let files = [
        (BASH, program.to_owned(), command.to_owned(), bash as Script),
        (BASH, format!("{program}.bash"), command.to_owned(), bash),
        (FISH, format!("{program}.fish"), format!("{command}.fish"), fish),
        (ZSH, format!("_{program}"), format!("_{command}"), zsh),
    ];
    for (folder, theirs, ours, script) in files {
        let file = package.join(folder).join(theirs);
        let place = format!("{folder}/{ours}");
        if !file.is_file() {
            continue;
        }
        if program == command {
            forward.link(&file, &place)?;
        } else {
            forward.file(&place, &script(forward, &file))?;
        }
    }
    Ok(())
}

/// What completes the command as the program is completed by this file.
type Script = fn(Forward<'_>, &Path) -> String;

fn bash(forward: Forward<'_>, file: &Path) -> String {
    let Forward { command, program, .. } = forward;
    format!(
        "# Completes `{command}` as `{program}`.\n\
         . {file}\n\
         if _jailgen_completion=$(complete -p {program} 2>/dev/null); then\n  \
           eval \"${{_jailgen_completion% {program}}} {command}\"\n\
         fi\n\
         unset _jailgen_completion\n",
        file = file.display(),
    )
}

fn fish(forward: Forward<'_>, file: &Path) -> String {
    let Forward { command, program, .. } = forward;
    format!("source {}\ncomplete --command {command} --wraps {program}\n", file.display())
}

fn zsh(forward: Forward<'_>, file: &Path) -> String {
    let Forward { command, program, .. } = forward;
    let folder = file.parent().unwrap_or(Path::new("")).display();
    format!("#compdef {command}\nfpath+=({folder})\nautoload -Uz _{program} && _{program} \"$@\"\n")
}
