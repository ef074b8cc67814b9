//! What the commands accept that show what has changed: `diff` of grants, and `handoff` of what
//! sessions left.

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
