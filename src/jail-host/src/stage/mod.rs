//! Stages: what a jail wrote to its working folder under `stage-cwd`, which the folder itself does
//! not have yet.
//!
//! [`record`] runs next to a jail and writes down what the folder was. For the command line,
//! [`command`] shows what a stage has, applies it, or drops it. The layer was written by the
//! payload: nothing in it is followed, run or believed, and the process gives up all that it does
//! not need before it reads any of it ([`walls`]).

mod act;
mod base;
mod change;
mod command;
mod copy;
mod decide;
mod diff;
mod executed;
mod folded;
mod git;
mod journal;
mod layer;
mod place;
mod prune;
pub(crate) mod record;
mod show;
mod walls;
mod whole;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use jail_plan::stage::{BASE, UPPER};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use self::base::Base;
use self::change::{Act, Change};
use self::decide::{Decider, Scope};
use self::executed::Executed;
use self::git::{Known, Plan};
use self::journal::Journal;
use self::layer::Layer;
use self::place::Tree;
use self::walls::Work;
use crate::say;

/// For the command line: `MODE STAGE FOLDER PROJECT WORD [PATH…]`, of which the third is the name
/// of the project in the stage.
pub(crate) fn command(words: &[OsString]) -> ExitCode {
    match for_the_user(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("the stage: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn for_the_user(words: &[OsString]) -> io::Result<()> {
    let misspoken = || io::Error::other("`jailgen` and the helper are not of one build");
    let [mode, stage, folder, project, word, paths @ ..] = words else { return Err(misspoken()) };
    let paths: Vec<Vec<u8>> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    let scope = Scope::new(paths);
    let stage = Path::new(stage);
    match mode.to_str() {
        Some("size") => size(stage, folder),
        Some("changes") => Stage::open(stage, folder, project, Work::Look)?.show(&scope, word),
        Some("apply") => Stage::open(stage, folder, project, Work::Apply)?.apply(&scope, word),
        Some("drop") => Stage::open(stage, folder, project, Work::Drop)?.drop(&scope),
        Some(_) | None => Err(misspoken()),
    }
}

/// A stage and the project that it lies over.
struct Stage {
    layer: Layer,
    project: Tree,
    /// Where the project is.
    place: Vec<u8>,
    /// Its record of the project, which no jail can write.
    record: OwnedFd,
    base: Base,
    /// What the references of its repositories were.
    known: Known,
    /// What the user's own new files are not open for.
    umask: u32,
    /// What is looked at may change meanwhile.
    is_running: bool,
}

impl Stage {
    fn open(stage: &Path, folder: &OsStr, project: &OsStr, work: Work) -> io::Result<Self> {
        let upper = open(&stage.join(UPPER).join(folder))?;
        let record = open(&stage.join(BASE).join(folder))?;
        let place = project.as_bytes().to_vec();
        let project = open(Path::new(project)).map_err(|error| {
            io::Error::new(error.kind(), format!("the project cannot be opened: {error}"))
        })?;
        // The launch of a jail holds the same lock for as long as the jail runs.
        let is_running = flock(&upper, FlockOperation::NonBlockingLockExclusive).is_err();
        match work {
            Work::Look | Work::Record => flock(&upper, FlockOperation::Unlock)?,
            Work::Apply | Work::Drop if is_running => {
                return Err(io::Error::other(
                    "a jail runs in it, or it is applied or dropped just now; wait until that has ended",
                ));
            }
            Work::Apply | Work::Drop => {}
        }
        let umask = rustix::process::umask(Mode::RWXG | Mode::RWXO).as_raw_mode() & 0o777;
        walls::close(&project, &upper, &record, work)?;
        let (base, known) = (Base::read(&record)?, Known::read(&record)?);
        Ok(Self {
            layer: Layer::new(upper),
            project: Tree::new(project),
            place,
            record,
            base,
            known,
            umask,
            is_running,
        })
    }

    /// What is decided about files, and about git's own folders.
    fn decided(&self, scope: &Scope) -> io::Result<(Vec<Change>, Vec<Plan>)> {
        let (layer, project) = (&self.layer, &self.project);
        // It walks both sides, so it is made where something is applied, and once.
        let executed = OnceCell::new();
        let executed =
            || executed.get_or_init(|| Executed::new(&self.place, project, layer.tree()));
        let decider = Decider::new(layer, project, &self.base, scope, self.umask);
        let changes = decider.all(executed)?;
        let is_git = |change: &&Change| matches!(change.act, Act::Git(_));
        let folders: Vec<&[u8]> =
            changes.iter().filter(is_git).map(|change| change.path.as_slice()).collect();
        let mut plans = git::plans(layer, project, &self.known, &folders, scope);
        if plans.iter().any(Plan::is_done) {
            git::note(&mut plans, layer, project, executed());
        }
        Ok((changes, plans))
    }

    /// What it has, in the form that `word` says.
    fn show(&self, scope: &Scope, word: &OsStr) -> io::Result<()> {
        let (mut changes, plans) = self.decided(scope)?;
        let text = match word.to_str() {
            Some("summary") => {
                show::pair_renames(&mut changes, &self.layer, &self.project);
                let summary = show::summary(&changes, &self.layer, &self.project, &self.base);
                show::noted(summary + &git::summary(&plans), self.is_running)
            }
            Some("diff") => {
                let all = diff::all(&changes, &self.layer, &self.project);
                show::noted(all, self.is_running)
            }
            Some("json") => {
                let digest = show::digest(&changes, &git::digest(&plans));
                show::pair_renames(&mut changes, &self.layer, &self.project);
                show::json(&changes, &plans, &self.base, self.is_running, digest)
            }
            Some(_) | None => {
                return Err(io::Error::other("it can be shown as a summary, a diff and JSON"));
            }
        };
        io::stdout().write_all(text.as_bytes())
    }

    /// Applies what was shown under this digest; with `+` behind it, also what host programs
    /// execute.
    fn apply(mut self, scope: &Scope, word: &OsStr) -> io::Result<()> {
        let word = word.to_str().unwrap_or_default();
        let (digest, executed) = word.strip_suffix('+').map_or((word, false), |rest| (rest, true));
        let recovered = journal::recover(&self.record, &self.project)?;
        let (changes, plans) = self.decided(scope)?;
        if digest != show::digest(&changes, &git::digest(&plans)) {
            return Err(io::Error::other(
                "it is no longer what was shown; look at `jailgen changes` and apply again",
            ));
        }
        let mut journal = Journal::begin(&self.record)?;
        let (layer, project, record) = (&self.layer, &self.project, &self.record);
        let outcome = act::apply(&changes, layer, project, record, &mut journal, executed)?;
        let of_git = git::apply(&plans, layer, project, &mut journal, executed)?;
        // What is done is known before anything else can fail. What was put aside may stay in the
        // stage, in a folder that is not taken out as a whole: both sides have changed it still.
        let aside: BTreeSet<&[u8]> =
            outcome.aside.iter().map(|change| change.path.as_slice()).collect();
        let learned = outcome.done.iter().filter(|(path, _)| !aside.contains(path.as_slice()));
        self.base.learn(learned);
        self.base.write(&self.record)?;
        journal::end(&self.record)?;
        io::stdout().write_all(show::outcome(&outcome, &recovered).as_bytes())?;
        io::stdout().write_all(git::outcome(&of_git).as_bytes())?;
        let left = prune::applied(&self.layer, &outcome.done);
        git::settle(&self.layer, &self.project, &mut self.known, &of_git, scope);
        self.known.write(&self.record)?;
        io::stdout().write_all(show::left(&left).as_bytes())
    }

    fn drop(mut self, scope: &Scope) -> io::Result<()> {
        let dropped = prune::dropped(&self.layer, &self.project, scope)?;
        if scope.is_all() {
            self.base = Base::default();
            self.base.write(&self.record)?;
            Known::default().write(&self.record)?;
        }
        io::stdout().write_all(format!("{dropped} dropped\n").as_bytes())
    }
}

/// How much a stage has, in files and bytes on the disk: `FILES BYTES`.
fn size(stage: &Path, folder: &OsStr) -> io::Result<()> {
    let upper = open(&stage.join(UPPER).join(folder))?;
    let record = open(&stage.join(BASE).join(folder))?;
    walls::close(&record, &upper, &record, Work::Look)?;
    let (files, bytes) = Layer::new(upper).size();
    io::stdout().write_all(format!("{files} {bytes}\n").as_bytes())
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}
