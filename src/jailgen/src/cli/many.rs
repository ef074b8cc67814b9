//! What the commands accept that are about many runs of one jail: `run --each`, and `worktree`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// See [`super::args::Command::Run`].
#[derive(Debug, Args)]
pub struct Each {
    /// Run it once for each line of this file; `-` is standard input.
    #[arg(long = "each", value_name = "LIST", value_hint = ValueHint::FilePath)]
    #[arg(requires = "arguments")]
    pub list: Option<PathBuf>,
    /// How many run at once; by default as many as there are processors.
    #[arg(short, long, value_name = "N", requires = "list")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub jobs: Option<u16>,
    /// The items of the list end with a NUL byte instead of a line.
    #[arg(short = '0', long, requires = "list")]
    pub null: bool,
    /// What the item takes the place of, instead of `{}`.
    #[arg(long, value_name = "TEXT", default_value = "{}", hide_default_value = true)]
    #[arg(requires = "list")]
    pub replace: OsString,
    /// Run each item in a linked worktree of its own, as `jailgen worktree add` makes them.
    #[arg(long, requires = "list")]
    pub worktrees: bool,
    /// Run only what did not end with status 0 before, with the same arguments in this folder.
    #[arg(long, requires = "list")]
    pub resume: bool,
    /// Divide `limit-memory` and `limit-cpu` of the spec by the number of jobs.
    #[arg(long, requires = "list")]
    pub share_limits: bool,
    /// Print the summary as JSON.
    #[arg(long, requires = "list")]
    pub json: bool,
}

/// See [`super::args::Command::Worktree`].
#[derive(Debug, Subcommand)]
pub enum Worktree {
    /// Make a linked worktree on a branch of its own, and print how to start the jail in it.
    Add(WorktreeAdd),
    /// List the worktrees that were made so, of all repositories.
    List(WorktreeList),
    /// Remove a worktree, and its branch if that is merged.
    Remove(WorktreeRemove),
}

/// See [`Worktree::Add`].
#[derive(Debug, Args)]
pub struct WorktreeAdd {
    /// The name of the worktree and of its branch.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The spec of the jail that will work in it.
    #[arg(value_name = "SPEC", value_hint = ValueHint::FilePath)]
    pub spec: PathBuf,
    /// Where the branch begins, if it is new; by default at HEAD.
    #[arg(long, value_name = "COMMIT")]
    pub from: Option<String>,
    /// The folder to make, instead of `../REPOSITORY.worktrees/NAME`.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

/// See [`Worktree::List`].
#[derive(Debug, Args)]
pub struct WorktreeList {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Worktree::Remove`].
#[derive(Debug, Args)]
pub struct WorktreeRemove {
    /// The name of the worktree, or its folder.
    #[arg(value_name = "NAME")]
    pub name: PathBuf,
    /// Do not ask about changes that are not committed: they go.
    #[arg(long)]
    pub yes: bool,
}
