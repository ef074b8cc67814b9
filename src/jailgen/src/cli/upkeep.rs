//! What the commands accept that look after what is kept: `list`, `remove`, `gc` and `trust`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::examples;

/// See [`super::args::Command::List`].
#[derive(Debug, Args)]
#[command(after_help = examples::LIST)]
pub struct List {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`super::args::Command::Remove`].
#[derive(Debug, Args)]
#[command(after_help = examples::REMOVE)]
pub struct Remove {
    /// Specs, which may be gone, or names of jails.
    #[arg(required = true, value_name = "SPEC|NAME", value_hint = ValueHint::FilePath)]
    pub targets: Vec<PathBuf>,
}

/// See [`super::args::Command::Gc`].
#[derive(Debug, Args)]
#[command(after_help = examples::GC)]
pub struct Gc {
    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// See [`super::args::Command::Trust`].
#[derive(Debug, Subcommand)]
pub enum Trust {
    /// List the trees that a jail could ever write, and the specs that were approved.
    List(TrustList),
    /// Forget trees and approvals.
    Forget(TrustForget),
}

/// See [`Trust::List`].
#[derive(Debug, Args)]
pub struct TrustList {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Trust::Forget`].
#[derive(Debug, Args)]
pub struct TrustForget {
    /// Trees, worktrees and specs.
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
}
