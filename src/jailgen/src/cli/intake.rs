//! What the commands accept that write a spec: `init` and `import`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};

use super::examples;
use crate::import::InputKind;
use crate::init;

/// See [`super::args::Command::Import`].
#[derive(Debug, Args)]
#[command(after_help = examples::IMPORT)]
pub struct Import {
    /// A Nix file that makes jails, settings of srt or Claude Code, a profile of nono, Codex'
    /// config.toml, or a command line of bwrap.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// What the file is, where its name and content do not say it.
    #[arg(long, value_name = "KIND")]
    #[arg(value_parser = PossibleValuesParser::new(InputKind::ALL.iter().map(|(name, _)| *name)))]
    pub from: Option<String>,
    /// Write the spec to this file instead of printing it.
    #[arg(short, long, value_name = "SPEC", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// See [`super::args::Command::Init`].
#[derive(Debug, Args)]
#[command(after_help = examples::INIT)]
pub struct Init {
    /// For which program.
    #[arg(value_name = "PROGRAM", default_value = init::SHELL)]
    #[arg(value_parser = PossibleValuesParser::new(init::programs()))]
    pub program: String,
    /// Look at the files of a project, and put in the packages, hosts and caches that it needs.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub from: Option<PathBuf>,
    /// The file to write, which must not exist. The default is `PROGRAM.jail`,
    /// and `-` is standard output.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}
