//! What the commands accept that are about the network by name, and about jails that run:
//! `handoff`, `hosts`, `log`, `sessions`, `watch`, `stop`, `allow` and `deny`; and about what jails
//! have staged.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::examples;
use super::review::Handoff;
use super::staged::{Apply, Changes, Drop, Stages};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Live {
    /// List the groups of hosts that specs can name, or one of them with its sources.
    Hosts(Hosts),
    /// Show which hosts jails reached, and which they were refused.
    Log(Log),
    /// List the jails that run.
    Sessions(Sessions),
    /// Show the jails that run, what they use and what they are refused.
    Watch(Watch),
    /// End a jail that runs.
    #[command(after_help = examples::STOP)]
    Stop(OneSession),
    /// Let a jail that runs reach a host, until it ends.
    #[command(after_help = examples::ALLOW)]
    Allow(OneHost),
    /// Say what sessions left that programs outside of jails may execute or believe, and approve
    /// it.
    Handoff(Handoff),
    /// List what jails have changed under `stage-cwd`, by stage.
    Stages(Stages),
    /// Show what a jail has changed in its stage, which the project does not have yet.
    Changes(Changes),
    /// Take what a jail has changed in its stage over into the project.
    Apply(Apply),
    /// Throw away what a jail has changed in its stage.
    Drop(Drop),
    /// Take a host from a jail that runs, until it ends.
    #[command(after_help = examples::DENY)]
    Deny(OneHost),
}

/// See [`Live::Hosts`].
#[derive(Debug, Args)]
#[command(after_help = examples::HOSTS)]
pub struct Hosts {
    /// A group or an agent: `npm`, `@npm`, `claude-code`. All of them when absent.
    #[arg(value_name = "GROUP|AGENT")]
    pub group: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Live::Log`].
#[derive(Debug, Args)]
#[command(after_help = examples::LOG)]
pub struct Log {
    /// A spec, or the name of a jail; all of them when absent.
    #[arg(value_name = "SPEC", value_hint = ValueHint::FilePath)]
    pub target: Option<PathBuf>,
    /// Go on with what comes.
    #[arg(short, long)]
    pub follow: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// See [`Live::Sessions`].
#[derive(Debug, Args)]
#[command(after_help = examples::SESSIONS)]
pub struct Sessions {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Live::Watch`].
#[derive(Debug, Args)]
#[command(after_help = examples::WATCH)]
pub struct Watch {
    /// A session as `jailgen sessions` calls it, or the name of a jail; all of them when absent.
    #[arg(value_name = "SESSION")]
    pub session: Option<String>,
    /// One JSON object a line, for each thing that happens.
    #[arg(long)]
    pub json: bool,
}

/// A jail that runs.
#[derive(Debug, Args)]
pub struct OneSession {
    /// The session as `jailgen sessions` calls it, or the name of the one jail of that name.
    #[arg(value_name = "SESSION")]
    pub session: String,
}

/// A jail that runs, and a host.
#[derive(Debug, Args)]
pub struct OneHost {
    /// The session as `jailgen sessions` calls it, or the name of the one jail of that name.
    #[arg(value_name = "SESSION")]
    pub session: String,
    /// The host as a spec would name it: `example.com`, `*.example.com:8443`.
    #[arg(value_name = "HOST")]
    pub host: String,
}
