//! The run of one item.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use super::super::worktree::ForItems;
use super::super::{Context, stages};
use super::Where;
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::many::{Batch, Done, Item, Outcome, Run, Runner, Work, fill};
use crate::session::lines_of_item;
use crate::state::{InFolder, ItemPlan, Sharing, State, item_plan};
use crate::worktree::Made;

/// As many hosts are kept of a run.
const REFUSED_MAX: usize = 100;

/// What all runs share.
pub(super) struct Runs<'a> {
    pub(super) arguments: &'a args::Run,
    pub(super) wrapper: &'a Path,
    pub(super) jail: &'a str,
    pub(super) in_folder: InFolder,
    pub(super) folder: &'a Path,
    pub(super) batch: &'a Batch,
    pub(super) state: &'a State,
    pub(super) sharing: Sharing,
    pub(super) runner: Runner,
    pub(super) worktrees: Option<ForItems>,
    pub(super) context: Context,
}

/// What has become of an item.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ended {
    /// It has ended in this run of the batch.
    Now(Done),
    /// It ended well in an earlier one.
    Earlier(Done),
    /// It was ended.
    Stopped,
    NotBegun,
    /// It could not be started.
    Failed(String),
}

impl Ended {
    pub(super) fn is_good(&self) -> bool {
        match self {
            Self::Now(done) | Self::Earlier(done) => done.is_good(),
            Self::Stopped | Self::NotBegun | Self::Failed(_) => false,
        }
    }
}

fn not_started(failure: Failure) -> Ended {
    match failure {
        Failure::Error { message, .. } | Failure::Usage(message) => Ended::Failed(message),
        Failure::Findings | Failure::Done | Failure::Ended(_) => {
            Ended::Failed("it could not be started".into())
        }
    }
}

impl Runs<'_> {
    /// The worktree of an item, if each has one. All of them are made before a jail runs: none may
    /// write into what git keeps of a worktree that is made later.
    pub(super) fn made(&self, item: &Item) -> Result<Option<Made>, Box<Ended>> {
        if self.runner.is_stopped() {
            return Err(Box::new(Ended::NotBegun));
        }
        let made = self.worktrees.as_ref().map(|all| all.made(&item.name, self.state));
        made.transpose().map_err(|failure| Box::new(not_started(failure)))
    }

    /// Runs the jail for an item.
    pub(super) fn one(&self, item: &Item, made: Option<&Made>) -> Ended {
        self.run(item, made).unwrap_or_else(not_started)
    }

    /// Where an item's changes are.
    pub(super) fn place(&self, item: &Item) -> Where {
        let worktree = self.worktrees.as_ref().and_then(|all| all.folder(&item.name));
        match (worktree, self.in_folder) {
            (Some(folder), _) => Where::Worktree(folder),
            (None, InFolder::Stages) => Where::Stage,
            (None, InFolder::Writes | InFolder::ReadsOnly) => Where::Folder,
        }
    }

    fn run(&self, item: &Item, made: Option<&Made>) -> Result<Ended, Failure> {
        if self.runner.is_stopped() {
            return Ok(Ended::NotBegun);
        }
        let folder = made.map_or_else(|| self.folder.to_owned(), |it| it.folder.clone());
        let plans = self.batch.plans();
        let wanted = ItemPlan { plans: &plans, item: &item.name, sharing: self.sharing };
        let program = item_plan(self.wrapper, wanted)
            .map_err(|error| Failure::from_parts(error.to_string(), error.help()))?;
        let work = Work {
            arguments: fill(&self.arguments.arguments, &self.arguments.each.replace, &item.text),
            log: self.batch.logs().join(&item.name),
            folder,
            program,
        };
        let since = SystemTime::now();
        let run = self.runner.run(&work);
        // The plan is derived anew for each run, so nothing needs it any more.
        let _ = std::fs::remove_file(&work.program);
        let run = run.map_err(|error| Failure::new(format!("it cannot be run: {error}")))?;
        Ok(match run {
            Run::NotBegun => Ended::NotBegun,
            Run::Stopped => Ended::Stopped,
            Run::Ended(outcome) => {
                let mut done = self.done(item, &work.folder, outcome, since);
                if let (Some(all), Some(made)) = (&self.worktrees, made) {
                    let (commits, uncommitted) = all.work(made);
                    (done.commits, done.changed) = (commits, done.changed.or(uncommitted));
                }
                Ended::Now(done)
            }
        })
    }

    fn done(&self, item: &Item, folder: &Path, outcome: Outcome, since: SystemTime) -> Done {
        let Outcome { status, signal, seconds, memory } = outcome;
        let changed = match self.in_folder {
            InFolder::Stages => stages::size_of(self.jail, &item.name, folder, self.context)
                .ok()
                .flatten()
                .map(|(files, _)| files),
            InFolder::Writes | InFolder::ReadsOnly => None,
        };
        Done {
            key: item.key.clone(),
            name: item.name.clone(),
            status,
            signal,
            seconds,
            memory: Some(memory),
            refused: self.refused(item, since),
            changed,
            commits: None,
        }
    }

    /// What the jail's broker has refused. Without one, there is no log.
    fn refused(&self, item: &Item, since: SystemTime) -> Vec<String> {
        let lines = lines_of_item(&self.state.logs(), self.jail, &item.name, since);
        let refused = lines.unwrap_or_default().into_iter().filter(|it| it.verdict == "refused");
        let host = |line: crate::session::Line| {
            let port = line.port.map(|port| format!(":{port}")).unwrap_or_default();
            line.host.map(|host| format!("{host}{port}"))
        };
        let hosts: BTreeSet<String> = refused.filter_map(host).collect();
        hosts.into_iter().take(REFUSED_MAX).collect()
    }
}
