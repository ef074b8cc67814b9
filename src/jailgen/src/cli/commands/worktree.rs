//! `worktree`: linked worktrees of git in which jails work, each with a run of its jail of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jail_plan::Access;
use jail_policy::{Grant, Policy};
use serde::Serialize;

use super::{Context, clean, compile, given, of_state, shown};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::render::{sanitise, sanitise_json};
use crate::state::State;
use crate::state::trust::{key, place};
use crate::worktree::{
    Branch, Condition, Git, Made, Repository, Wanted, WorktreeError, all, find, remove,
};

pub(in crate::cli) fn run(arguments: &args::Worktree, context: Context) -> Result<(), Failure> {
    match arguments {
        args::Worktree::Add(arguments) => add(arguments, context),
        args::Worktree::List(arguments) => list(arguments, context),
        args::Worktree::Remove(arguments) => take_away(arguments, context),
    }
}

fn add(arguments: &args::WorktreeAdd, context: Context) -> Result<(), Failure> {
    given::check(&arguments.spec, given::Wanted::Spec)?;
    let compiled = clean(compile(&arguments.spec)?, context)?;
    let state = context.state()?;
    let wanted = Wanted {
        name: &arguments.name,
        spec: &arguments.spec,
        from: arguments.from.as_deref(),
        folder: arguments.folder.as_deref(),
    };
    let made = repository(context)?.add(&state, wanted).map_err(failed)?;
    let what = format!("{}, on the branch {}", shown(&made.folder), made.name);
    context.console.note("made", &what);
    if made.has_older_branch() {
        say_older(&made, context);
    }
    for policy in &compiled.policies {
        if let Some(what) = without_git(policy) {
            context.console.note("note", &format!("`{}` {what}", policy.name));
        }
    }
    let (folder, spec) = (quoted(&made.folder), quoted(&place(&arguments.spec)));
    context.console.result(&sanitise(&format!("cd {folder} && jailgen run {spec}\n")))
}

/// A jail of another worktree can have made the branch (`git-worktree`).
fn say_older(made: &Made, context: Context) {
    let what = format!("the branch {} was there before and is checked out as it is", made.name);
    context.console.note("note", &what);
}

/// Why git will not work in a linked worktree under this policy.
fn without_git(policy: &Policy) -> Option<&'static str> {
    let grants = || policy.grants.iter().map(|entry| &entry.grant);
    let folder = grants().find_map(|grant| match grant {
        Grant::Folder { access, stage, .. } => Some((*access, stage.is_some())),
        _ => None,
    });
    let has_git = grants().any(|grant| matches!(grant, Grant::Worktree));
    match (folder, has_git) {
        (None, _) => Some("does not have the folder that it is started in: `mount-cwd` gives it"),
        (Some((_, true)), _) => Some(
            "has a stage, and the repository of a linked worktree is not in it: git will not work inside",
        ),
        (Some((Access::ReadWrite | Access::ReadOnly, false)), false) => {
            Some("does not have `git-worktree`: git will not work inside")
        }
        (Some((_, false)), true | false) => None,
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

fn git(context: Context) -> Result<Git, Failure> {
    Git::find(context.surroundings()?).map_err(failed)
}

fn repository(context: Context) -> Result<Repository, Failure> {
    let here = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let here =
        here.map_err(|error| Failure::new(format!("the working folder cannot be found: {error}")))?;
    Repository::open(git(context)?, &here).map_err(failed)
}

fn failed(error: WorktreeError) -> Failure {
    let help = match &error {
        WorktreeError::Name(_) => Some("git-check-ref-format(1) says which names are good"),
        WorktreeError::Exists(_) => Some("`--folder` names another place"),
        WorktreeError::NoRepository(_) => Some("start it in a work tree of the repository"),
        WorktreeError::Pointer(_) => Some(
            "start it in the repository's main work tree; if it was moved, `git worktree repair` there has it name this one again",
        ),
        WorktreeError::NoGit
        | WorktreeError::NoCommit
        | WorktreeError::From(_)
        | WorktreeError::Place(_)
        | WorktreeError::Git(_)
        | WorktreeError::Io { .. } => None,
    };
    Failure::from_parts(error.to_string().replace('\n', "; "), help.map(Into::into))
}

/// The worktrees of a batch of runs.
pub(super) struct ForItems {
    repository: Repository,
    /// Those of the repository that were made before, by their names.
    before: BTreeMap<String, Vec<Made>>,
    spec: PathBuf,
    context: Context,
}

impl ForItems {
    pub(super) fn open(spec: &Path, state: &State, context: Context) -> Result<Self, Failure> {
        let repository = repository(context)?;
        // Now, and not for each item, where that is not to be had.
        repository.folder("x").map_err(failed)?;
        let mut before = BTreeMap::<String, Vec<Made>>::new();
        for made in all(state).map_err(of_state)? {
            if made.common == repository.common() {
                before.entry(made.name.clone()).or_default().push(made);
            }
        }
        Ok(Self { repository, before, spec: spec.to_owned(), context })
    }

    pub(super) fn folder(&self, name: &str) -> Option<PathBuf> {
        self.repository.folder(name).ok()
    }

    /// That of an item: the one that was made for it before, or a new one.
    pub(super) fn made(&self, name: &str, state: &State) -> Result<Made, Failure> {
        let mut before = self.before.get(name).into_iter().flatten();
        if let Some(made) = before.find(|made| made.is_there()) {
            return Ok(made.clone());
        }
        let wanted = Wanted { name, spec: &self.spec, from: None, folder: None };
        let made = match self.repository.add(state, wanted) {
            Ok(made) => made,
            // Another process may have made it meanwhile.
            Err(error) => return self.found(name, state)?.ok_or_else(|| failed(error)),
        };
        if made.has_older_branch() {
            say_older(&made, self.context);
        }
        Ok(made)
    }

    fn found(&self, name: &str, state: &State) -> Result<Option<Made>, Failure> {
        let made = find(state, Path::new(name)).map_err(of_state)?;
        let own = |made: &Made| made.common == self.repository.common() && made.is_there();
        Ok(made.into_iter().find(own))
    }

    /// How many commits its branch has since it was made, and how many files are not committed.
    pub(super) fn work(&self, made: &Made) -> (Option<u64>, Option<u64>) {
        let git = self.repository.git();
        (Condition::commits(made, git), Condition::uncommitted(made, git))
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    folder: &'a Path,
    repository: &'a Path,
    spec: &'a Path,
    #[serde(flatten)]
    condition: Condition,
    is_running: bool,
}

fn list(arguments: &args::WorktreeList, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let all = all(&state).map_err(of_state)?;
    let git = git(context)?;
    let listed: Vec<Listed<'_>> = all
        .iter()
        .map(|made| Listed {
            condition: Condition::of(made, &git),
            is_running: runs_in(&state, &made.folder),
            name: &made.name,
            folder: &made.folder,
            repository: &made.common,
            spec: &made.spec,
        })
        .collect();
    if arguments.json {
        let json = serde_json::to_string_pretty(&listed)
            .map_err(|error| Failure::new(error.to_string()))?;
        return context.console.result(&(sanitise_json(&json).into_owned() + "\n"));
    }
    if listed.is_empty() {
        context.console.note("no", "worktree was made by `jailgen worktree add`");
    }
    let mut text = String::new();
    for Listed { name, folder, condition, is_running, .. } in &listed {
        let mut what = in_words(condition);
        what.extend(is_running.then(|| "a jail runs in it".to_owned()));
        let _ = writeln!(text, "{name}  {}  {}", shown(folder), what.join(", "));
    }
    context.console.result(&sanitise(&text))
}

fn in_words(condition: &Condition) -> Vec<String> {
    let Condition { is_there, commits, is_merged, uncommitted } = condition;
    let mut words = Vec::new();
    if !is_there {
        words.push("gone".into());
    }
    let commits = match commits {
        Some(0) => Some("no commits".into()),
        Some(1) => Some("1 commit".into()),
        Some(commits) => Some(format!("{commits} commits")),
        None => None,
    };
    let merged = match is_merged {
        Some(true) => " (merged)",
        Some(false) => " (not merged)",
        None => "",
    };
    words.extend(commits.map(|commits| commits + merged));
    words.extend(match uncommitted {
        Some(0) => None,
        Some(1) => Some("1 file not committed".into()),
        Some(files) => Some(format!("{files} files not committed")),
        None if *is_there => Some("git cannot say what is not committed".into()),
        None => None,
    });
    words
}

/// Whether a jail that writes this folder runs: it has the lock of the hand-off ledger.
fn runs_in(state: &State, folder: &Path) -> bool {
    let lock = state.handoff().join(key(folder)).join("running");
    std::fs::File::open(lock).is_ok_and(|file| file.try_lock().is_err())
}

fn take_away(arguments: &args::WorktreeRemove, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let made = the_one(&arguments.name, &state)?;
    let git = git(context)?;
    if runs_in(&state, &made.folder) {
        let message = format!("a jail runs in `{}`", shown(&made.folder));
        let help = "`jailgen sessions` lists it, `jailgen stop` ends it";
        return Err(Failure::with_help(message, help));
    }
    let is_there = made.is_there();
    let lost = match Condition::uncommitted(&made, &git) {
        Some(0) => None,
        Some(1) => Some("1 file that is not committed".to_owned()),
        Some(files) => Some(format!("{files} files that are not committed")),
        None => is_there.then(|| "what git cannot say whether it is committed".to_owned()),
    };
    if let Some(lost) = lost.filter(|_| !arguments.yes) {
        let statement = format!("{} has {lost}.", shown(&made.folder));
        match context.console.ask(&statement, "Remove it with them?") {
            Some(true) => {}
            Some(false) => return Err(Failure::new("nothing was removed")),
            None => {
                return Err(Failure::with_help(
                    format!("`{}` has {lost}", shown(&made.folder)),
                    "`--yes` removes it with them",
                ));
            }
        }
    }
    let removed = remove(&state, &made, &git).map_err(failed)?;
    context.console.note("removed", &shown(&made.folder));
    let kept = match removed.branch {
        Branch::Removed => {
            context.console.note("removed", &format!("the branch {}, which is merged", made.name));
            None
        }
        Branch::Older => Some("was there before"),
        Branch::Kept => Some("is not merged, or in use"),
        Branch::Gone => None,
    };
    if let Some(why) = kept {
        context.console.note("kept", &format!("the branch {}, which {why}", made.name));
    }
    if !removed.is_known_to_git {
        let what = "its entry in the repository was not the one that was made; `git worktree prune` removes what is left over";
        context.console.note("note", what);
    }
    Ok(())
}

fn the_one(word: &Path, state: &State) -> Result<Made, Failure> {
    let mut found = find(state, word).map_err(of_state)?;
    match found.len() {
        0 => Err(Failure::with_help(
            format!("`jailgen worktree add` made no worktree `{}`", shown(word)),
            "`jailgen worktree list` lists those that it made",
        )),
        1 => Ok(found.swap_remove(0)),
        _ => {
            let folders: Vec<String> = found.iter().map(|made| shown(&made.folder)).collect();
            let message = format!("several worktrees are called `{}`", shown(word));
            Err(Failure::with_help(
                message,
                format!("name one by its folder: {}", folders.join(", ")),
            ))
        }
    }
}
