//! What `jailgen import` accepts.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};

use super::examples;
use crate::import::InputKind;

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
