//! `completions` and `man`: what is made from the definition of the command line itself.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::aot;

use super::Context;
use crate::cli::args::{Cli, Completions};
use crate::cli::failure::Failure;
use crate::cli::{complete, page};

/// Made of the registry by `cargo xtask generate`.
const SNIPPETS: &str = include_str!("../../data/snippets.json");

pub(in crate::cli) fn completions(what: Completions, context: Context) -> Result<(), Failure> {
    let written = |generator| {
        let mut script = Vec::new();
        clap_complete::generate(generator, &mut complete::visible(), "jailgen", &mut script);
        String::from_utf8_lossy(&script).into_owned()
    };
    let script = match what {
        Completions::Bash => complete::BASH.to_owned(),
        Completions::Fish => complete::FISH.to_owned(),
        Completions::Zsh => complete::ZSH.to_owned(),
        Completions::Elvish => written(aot::Shell::Elvish),
        Completions::Powershell => written(aot::Shell::PowerShell),
        Completions::Snippets => SNIPPETS.to_owned(),
    };
    context.console.result(&script)
}

pub(in crate::cli) fn pages(folder: Option<&Path>, context: Context) -> Result<(), Failure> {
    let Some(folder) = folder else {
        let page = page(Cli::command())?;
        return context.console.result(&String::from_utf8_lossy(&page));
    };
    let mut command = Cli::command();
    command.build();
    if folder.is_file() {
        let shown = folder.display();
        return Err(Failure::new(format!("`{shown}` is a file, not a folder for the pages")));
    }
    fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
    write_pages(&command, folder)?;
    context.console.note("wrote", &format!("the manual pages to {}", folder.display()));
    Ok(())
}

/// The page of a command, and those of its subcommands.
fn write_pages(command: &clap::Command, folder: &Path) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or("jailgen").replace(' ', "-");
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page(command.clone())?).map_err(|error| cannot_write(&path, &error))?;
    let mut visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    visible.try_for_each(|command| write_pages(command, folder))
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    page::page(command)
        .map_err(|error| Failure::new(format!("the manual page cannot be made: {error}")))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{}` cannot be written: {error}", path.display()))
}
