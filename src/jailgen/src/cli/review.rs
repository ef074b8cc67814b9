//! What the commands accept that show what a jail grants or has changed: `diff` of grants,
//! `report` as a picture, and `handoff` of what sessions left.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::examples;

/// See [`super::args::Command::Diff`].
#[derive(Debug, Args)]
#[command(after_help = examples::DIFF)]
pub struct Diff {
    /// A spec, a wrapper, a command that is one, or a spec in a revision of git (`REVISION:PATH`).
    #[arg(value_name = "BEFORE", value_hint = ValueHint::FilePath)]
    pub before: PathBuf,
    /// The same, to compare with.
    #[arg(value_name = "AFTER", value_hint = ValueHint::FilePath)]
    pub after: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`super::args::Command::Report`].
#[derive(Debug, Args)]
#[command(after_help = examples::REPORT)]
pub struct Report {
    /// A spec, a wrapper, or a command that is one.
    #[arg(value_name = "SPEC|WRAPPER", value_hint = ValueHint::FilePath)]
    pub target: PathBuf,
    /// Draw what changes from this spec or wrapper to the other one.
    #[arg(long, value_name = "BEFORE", value_hint = ValueHint::FilePath)]
    pub diff: Option<PathBuf>,
    /// Which jail, where the spec makes several; all of them when absent.
    #[arg(long, value_name = "NAME")]
    pub jail: Option<String>,
    /// The picture alone, as SVG.
    #[arg(long)]
    pub svg: bool,
    /// Add what a session did: one that runs, or one of the log.
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["diff", "svg"])]
    pub session: Option<String>,
    /// Write it to this file instead of standard output.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// See [`super::live::Live::Handoff`].
#[derive(Debug, Args)]
#[command(after_help = examples::HANDOFF, args_conflicts_with_subcommands = true)]
pub struct Handoff {
    /// What else to do than list what is left.
    #[command(subcommand)]
    pub command: Option<HandoffCommand>,
    /// A spec or a folder of the project, or a session; the working folder when absent.
    #[arg(value_name = "SPEC|SESSION", value_hint = ValueHint::AnyPath)]
    pub target: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Handoff::command`].
#[derive(Debug, Subcommand)]
pub enum HandoffCommand {
    /// Accept what is left as it is now; a later change of it is reported again.
    Approve {
        /// Files and folders; all that is left when absent.
        #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
    },
    /// Bring back what was moved aside (`quarantine`), without accepting it.
    Restore {
        /// Files and folders; all that was moved aside when absent.
        #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
    },
}
