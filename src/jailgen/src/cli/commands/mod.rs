//! What each command does: it calls the library and prints what that returns.

mod agent_state;
pub(super) mod approve;
pub(super) mod audit;
pub(super) mod build;
pub(super) mod check;
pub(super) mod closure;
pub(super) mod config;
mod declared;
pub(super) mod diff;
pub(super) mod doc;
pub(super) mod doctor;
mod each;
pub(super) mod emit;
pub(super) mod eval;
pub(super) mod explain;
mod explained;
pub(super) mod gc;
mod given;
pub(super) mod handoff;
mod helper;
pub(super) mod hosts;
pub(super) mod import;
pub(super) mod init;
pub(super) mod kit;
pub(super) mod list;
pub(super) mod log;
pub(super) mod lsp;
pub(super) mod manual;
pub(super) mod remove;
pub(super) mod report;
pub(super) mod seal;
pub(super) mod sessions;
pub(super) mod stages;
pub(super) mod trace;
mod trace_files;
pub(super) mod trust;
pub(super) mod watch;
pub(super) mod worktree;
mod wrapper;

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jail_plan::OWN_STATE;
use jail_policy::Launch;

use super::console::{Console, width};
use super::failure::Failure;
use crate::backends::Spec;
use crate::compile::{self, Compiled, SpecFolder};
use crate::kit::{Kit, KitError, find as find_kit};
use crate::nix::{Nix, NixError};
use crate::render::{self, sanitise};
use crate::settings::Settings;
use crate::state::trust::{Trees, trees};
use crate::state::{Defaults, State};
use crate::surroundings::Surroundings;

/// What every command is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Where it prints.
    pub(super) console: Console,
    /// What holds where no option is given.
    pub(super) settings: &'static Settings,
}

impl Context {
    /// Nix, where PATH has it.
    pub(super) fn nix(self) -> Result<Nix, NixError> {
        Nix::find(self.surroundings()?.with_nix_config(&self.settings.nix_config()))
    }

    /// The kit: the one that an option or a setting names, else jailgen's own.
    pub(super) fn kit(self, option: Option<&str>) -> Result<Kit, Failure> {
        self.find_kit(option).map_err(|error| Failure::from_parts(error.to_string(), error.help()))
    }

    /// The same, with the error as it is.
    pub(super) fn find_kit(self, option: Option<&str>) -> Result<Kit, KitError> {
        let setting = self.settings.kit.as_ref().map(|kit| kit.value.as_str());
        let program = std::env::current_exe().unwrap_or_default();
        find_kit(option.or(setting), &program)
    }

    /// What is run on the host has around it.
    pub(super) fn surroundings(self) -> Result<Surroundings, NixError> {
        let folder = std::env::current_dir().ok();
        // Without a home folder there is no record of trees, and nothing was launched with one.
        let trees = self.state().map_or(Ok(Trees::default()), |state| trees(&state));
        let trees = trees.map_err(NixError::Trees)?;
        Ok(Surroundings::new(std::env::vars_os(), folder.as_deref(), trees))
    }

    /// Where the state folder is, or would be. None without a home folder.
    pub(super) fn state_folder(self) -> Option<PathBuf> {
        let absolute =
            |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        OWN_STATE.iter().find_map(|(name, below)| Some(absolute(name)?.join(below)))
    }

    /// The state folder: `$XDG_STATE_HOME/jailgen`, or `~/.local/state/jailgen`, if only its user
    /// can write it.
    pub(super) fn state(self) -> Result<State, Failure> {
        let help = "set HOME, or XDG_STATE_HOME, to an absolute path";
        let Some(state) = self.state_folder() else {
            return Err(Failure::with_help("there is no home folder to keep builds in", help));
        };
        let opened = State::open(state).and_then(|state| state.with(self.defaults()));
        opened.map_err(|(folder, error)| {
            let shown = sanitise(&folder.display().to_string()).into_owned();
            let help =
                "jailgen runs and trusts what is in it, so no other user may be able to write it";
            Failure::with_help(format!("`{shown}` cannot be used: {error}"), help)
        })
    }

    fn defaults(self) -> Defaults {
        let commands = self.settings.commands.as_ref().map(|folder| folder.value.clone());
        Defaults { inputs: self.settings.overrides(), commands }
    }

    /// The program that a command name starts, but for those in this folder.
    pub(super) fn in_path(self, name: &str, but_for: &Path) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).filter(|folder| folder != but_for);
        let mut files = folders.map(|folder| folder.join(name));
        files.find(|file| {
            file.metadata()
                .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        })
    }

    /// Whether commands of this folder are found by their name alone.
    pub(super) fn is_in_path(self, folder: &Path) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|entry| entry == folder)
    }

    /// This program, next to which its kit is recorded.
    pub(super) fn program(self) -> Result<PathBuf, Failure> {
        std::env::current_exe()
            .map_err(|error| Failure::new(format!("this program cannot be found: {error}")))
    }
}

/// A path as it is printed, in one line: the name of a file may look like a line of ours.
fn shown(path: &Path) -> String {
    sanitise(&path.display().to_string()).replace('\n', "\\n")
}

/// What is to be said when the state folder cannot be read or changed.
fn of_state(error: std::io::Error) -> Failure {
    Failure::new(format!("what was built cannot be inspected: {error}"))
}

/// Opens the folder of a spec.
fn open(path: &Path) -> Result<SpecFolder, Failure> {
    given::check(path, given::Wanted::Spec)?;
    folder_of(path)
}

/// The same of a spec whose faults, whatever they are, are to be diagnostics.
fn folder_of(path: &Path) -> Result<SpecFolder, Failure> {
    SpecFolder::open(path).map_err(|error| {
        let shown = path.display().to_string();
        Failure::new(format!("`{}` cannot be read: {error}", sanitise(&shown)))
    })
}

/// Compiles a spec; its diagnostics are the caller's to print.
fn compile(path: &Path) -> Result<Compiled, Failure> {
    open(path).map(|folder| folder.compile())
}

/// Compiles a spec with all that a build of it needs; prints its diagnostics. One with errors ends
/// the command.
fn emission(path: &Path, context: Context) -> Result<Spec, Failure> {
    let folder = open(path)?;
    let compiled = clean(folder.compile(), context)?;
    folder.emission(&compiled).map_err(emit::failed)?.ok_or(Failure::Findings)
}

/// Compiles a spec, and looks at where it is as well: can a jail that is started here write it?
fn compile_here(path: &Path) -> Result<Compiled, Failure> {
    open(path).map(|folder| judged(&folder))
}

fn judged(folder: &SpecFolder) -> Compiled {
    let mut compiled = folder.compile();
    let real = |path: PathBuf| path.canonicalize().ok()?.into_os_string().into_string().ok();
    let home = std::env::var_os("HOME").and_then(|home| real(home.into()));
    if let Some(here) = std::env::current_dir().ok().and_then(real) {
        folder.judge_place(&mut compiled, Launch { home: home.as_deref(), folder: &here });
    }
    compiled
}

/// Prints a spec's diagnostics; one with errors ends the command.
fn clean(compiled: Compiled, context: Context) -> Result<Compiled, Failure> {
    for diagnostic in &compiled.diagnostics {
        context.console.diagnostic(&render::human(diagnostic, &compiled, width()));
    }
    if compile::has_errors(&compiled.diagnostics) { Err(Failure::Findings) } else { Ok(compiled) }
}

/// Writes a spec where no file exists yet.
fn write_new(path: &Path, spec: &str) -> Result<(), Failure> {
    let shown = path.display();
    let written = File::create_new(path).and_then(|mut file| file.write_all(spec.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::with_help(
            format!("`{shown}` exists and is not changed"),
            "name another file with `-o FILE`, or print the spec with `-o -`",
        ),
        ErrorKind::NotFound => no_such_folder(path),
        _ => Failure::new(format!("`{shown}` cannot be written: {error}")),
    })
}

fn no_such_folder(path: &Path) -> Failure {
    Failure::with_help(
        format!("`{}` cannot be written: there is no such folder", path.display()),
        "make the folder first, with `mkdir -p`",
    )
}
