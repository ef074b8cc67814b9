//! What tests with a real Nix share: every Nix of this machine, the stand-in packages, the kit; and
//! tests that say why they cannot run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jailgen::nix::Nix;
use jailgen::state::trust::Trees;
use jailgen::surroundings::Surroundings;

use crate::harness::{Outcome, Scratch, project};

/// What a test with a real Nix needs.
pub(crate) struct Setup {
    /// The stand-in nixpkgs, as a flake reference.
    pub(crate) nixpkgs: String,
    /// The stand-in llm-agents.
    pub(crate) llm_agents: String,
    /// Every `nix` that is here: that of PATH, and those in target/nix-*/bin.
    pub(crate) programs: Vec<PathBuf>,
    config: String,
    /// Where Nix keeps its caches: a jail refuses its user's home folder and what is above it.
    home: tempfile::TempDir,
}

/// The set-up, or nothing, said aloud, where this machine has none: an error
/// where JAIL_TEST_REQUIRE lists `nix`.
pub(crate) fn setup() -> Option<Setup> {
    match try_setup() {
        Ok(setup) => Some(setup),
        Err(reason) => {
            skip("nix", &reason);
            None
        }
    }
}

/// The tests' own variables, with this folder as PATH.
pub(crate) fn searching(folder: &Path) -> Surroundings {
    let path = ("PATH".into(), folder.into());
    Surroundings::new(std::env::vars_os().chain([path]), None, Trees::default())
}

/// Says that a test is skipped, or fails it where `what` is required.
pub(crate) fn skip(what: &str, reason: &str) {
    let required = std::env::var("JAIL_TEST_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|required| required == what);
    assert!(!is_required, "`{what}` is required, and {reason}");
    println!("skipped: {reason}");
}

fn try_setup() -> Result<Setup, String> {
    let path = std::env::var_os("PATH");
    let surroundings = Surroundings::new(std::env::vars_os(), None, Trees::default());
    Nix::find(surroundings).map_err(|error| error.to_string())?;
    let path = path.unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("nix"));
    let mut programs: Vec<PathBuf> = in_path.filter(|nix| nix.exists()).take(1).collect();
    let folders =
        fs::read_dir(project().join("target")).into_iter().flatten().filter_map(Result::ok);
    let fetched = folders.map(|folder| folder.path().join("bin/nix")).filter(|nix| nix.exists());
    programs.extend(fetched);
    let standin = standin()?;
    let path =
        |name: &str| standin.get(name).map(|path| format!("path:{path}")).ok_or(name.to_owned());
    let record = assert_cmd::cargo::cargo_bin!("jailgen").with_file_name("jailgen-kit.json");
    if !record.exists() {
        return Err(format!("`{}` is missing: run `make kit PROFILE=dev`", record.display()));
    }
    Ok(Setup {
        nixpkgs: path("STANDIN_NIXPKGS")?,
        llm_agents: path("STANDIN_LLM_AGENTS")?,
        programs,
        config: config(),
        home: tempfile::tempdir().map_err(|error| error.to_string())?,
    })
}

/// The variables of standin.env, from the environment or from
/// where `scripts/make-standin` leaves them.
fn standin() -> Result<BTreeMap<String, String>, String> {
    let file = project().join("target/standin/standin.env");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let written = text.lines().filter_map(|line| line.split_once('='));
    let mut variables: BTreeMap<String, String> =
        written.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    variables.extend(std::env::vars().filter(|(name, _)| name.starts_with("STANDIN_")));
    if variables.is_empty() {
        return Err(format!("`{}` is missing: run `scripts/make-standin`", file.display()));
    }
    Ok(variables)
}

/// The settings of Nix for a machine without a network.
fn config() -> String {
    std::env::var("NIX_CONFIG").unwrap_or_else(|_| {
        let script = project().join("scripts/env.sh");
        let source = format!(". '{}' && printf %s \"$NIX_CONFIG\"", script.display());
        let output = Command::new("sh").args(["-c", &source]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    })
}

impl Setup {
    /// The settings of Nix, for a command that is run without the rest.
    pub(crate) fn config(&self) -> &str {
        &self.config
    }

    /// The arguments that put the stand-ins in the place of the real inputs.
    pub(crate) fn overrides(&self) -> [&str; 5] {
        ["--nixpkgs", &self.nixpkgs, "--override-input", "llm-agents", &self.llm_agents]
    }

    /// Runs `jailgen` in a scratch folder, with this Nix first in PATH.
    pub(crate) fn jailgen(&self, scratch: &Scratch, nix: &Path, arguments: &[&str]) -> Outcome {
        let mut command = scratch.jailgen(arguments);
        command.env("NIX_CONFIG", &self.config).env("PATH", path_with(nix));
        Outcome::of(&command.assert())
    }

    /// Builds a spec of a scratch folder, with the stand-ins as inputs.
    #[track_caller]
    pub(crate) fn build(&self, scratch: &Scratch, spec: &str) {
        let arguments = [&["build", spec][..], &self.overrides()].concat();
        self.jailgen(scratch, &self.programs[0], &arguments).assert_status(0);
    }

    /// Emits the specs of a scratch folder to `out`, with the stand-ins as inputs.
    pub(crate) fn emit(&self, scratch: &Scratch, specs: &[&str]) {
        let arguments = [&["emit"], specs, &["-o", "out"], &self.overrides()].concat();
        self.jailgen(scratch, &self.programs[0], &arguments).assert_status(0);
    }

    /// Runs a Nix in a scratch folder.
    pub(crate) fn nix(&self, nix: &Path, folder: &Path, arguments: &[&str]) -> Output {
        Command::new(nix)
            .args(arguments)
            .args(["--extra-experimental-features", "nix-command flakes"])
            .current_dir(folder)
            .env("NIX_CONFIG", &self.config)
            .env("HOME", self.home.path())
            .env("PATH", path_with(nix))
            .output()
            .unwrap()
    }

    /// The same, which must succeed.
    pub(crate) fn nix_ok(&self, nix: &Path, folder: &Path, arguments: &[&str]) -> String {
        let output = self.nix(nix, folder, arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {arguments:?}\n{stderr}", nix.display());
        String::from_utf8(output.stdout).unwrap()
    }
}

pub(crate) fn path_with(nix: &Path) -> std::ffi::OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        nix.parent().map(Path::to_path_buf).into_iter().chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).unwrap()
}

/// Whether jails can be launched here.
pub(crate) fn has_user_namespaces() -> bool {
    let works = Command::new("unshare").args(["--user", "--map-current-user", "true"]).status();
    let works = works.is_ok_and(|status| status.success());
    if !works {
        skip("userns", "user namespaces are not to be had here");
    }
    works
}
