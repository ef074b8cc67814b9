//! What the commands accept that are about stages: `changes`, `apply`, `drop` and `stages`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::examples;

/// Which stage is meant.
#[derive(Debug, Args)]
pub struct Which {
    /// A spec that was built, or the name of its jail.
    #[arg(value_name = "SPEC", value_hint = ValueHint::FilePath)]
    pub spec: PathBuf,
    /// The stage's name, where the spec names it (`stage-cwd-as`).
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The project, if it is not the working folder or one above it.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub project: Option<PathBuf>,
}

/// See [`super::live::Live::Changes`].
#[derive(Debug, Args)]
#[command(after_help = examples::CHANGES)]
pub struct Changes {
    /// The stage to look at.
    #[command(flatten)]
    pub which: Which,
    /// Only what is at or below these paths.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Line by line.
    #[arg(long, conflicts_with = "json")]
    pub diff: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`super::live::Live::Apply`].
#[derive(Debug, Args)]
#[command(after_help = examples::APPLY)]
pub struct Apply {
    /// The stage to apply.
    #[command(flatten)]
    pub which: Which,
    /// Only what is at or below these paths.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Do not ask, but about what programs outside execute.
    #[arg(long)]
    pub yes: bool,
    /// Also apply what programs outside execute or trust.
    #[arg(long)]
    pub yes_executed: bool,
}

/// See [`super::live::Live::Drop`].
#[derive(Debug, Args)]
#[command(after_help = examples::DROP)]
pub struct Drop {
    /// The stage to drop from.
    #[command(flatten)]
    pub which: Which,
    /// Only what is at or below these paths.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// See [`super::live::Live::Stages`].
#[derive(Debug, Args)]
#[command(after_help = examples::STAGES)]
pub struct Stages {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}
