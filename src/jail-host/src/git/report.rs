//! What is reported to the launcher when the jail has ended. Nothing of the jail's is printed raw:
//! names are escaped, and values are shown only where they are harmless.

use std::path::{Path, PathBuf};

use jail_plan::git::{About, Line, PACKET_MAX};
use jail_plan::{GitChanges, one_line};

use super::changes::{self, Change};
use super::copies::{Config, Copies, identity, signatures};
use super::familiar::Familiar;
use super::find::FoundRepository;
use super::guide::command;
use super::harmless::split;
use super::merge::{Refused, merge};
use super::private_report::lines as private_lines;
use super::repository::is_repository;

/// For a kernel that cannot confine the process that reads what a jail has written.
const UNCONFINED: &str = "what the jail has changed in its copies was not looked at: that needs Landlock (Linux 5.13 and newer)";

/// The one line where nothing was looked at.
pub(super) fn unconfined(found: &FoundRepository) -> Vec<Line> {
    let is_git = !found.repositories.is_empty();
    vec![Line { about: if is_git { About::Git } else { About::Private }, words: UNCONFINED.into() }]
}

/// At most this many names are shown, and so much of each.
const NAMES_MAX: usize = 6;
const NAME_MAX: usize = 60;

/// All lines of the report: private copies first, then git's.
pub(super) fn lines(found: &FoundRepository, copies: &Copies, familiar: &Familiar) -> Vec<Line> {
    let of_git = of_git(found, copies).into_iter().map(|words| (About::Git, words));
    let private =
        private_lines(found, copies, familiar).into_iter().map(|words| (About::Private, words));
    fitting(private.chain(of_git).map(|(about, words)| Line { about, words }).collect())
}

fn of_git(found: &FoundRepository, copies: &Copies) -> Vec<String> {
    let mut lines: Vec<_> = made(found).into_iter().chain(replaced(found, copies)).collect();
    // What is the matter comes before what a jail can make long.
    lines.extend(planted(found).into_iter().chain(new_children(found)));
    for config in &copies.configs {
        let shown = shown(&config.path, found);
        match changes::between_copies(config, &copies.folder) {
            None => lines.push(format!(
                "the jail's copy of {shown} is not a readable configuration, and is gone with it"
            )),
            Some(changes) => of_changes(found, config, &shown, changes, &mut lines),
        }
    }
    for hooks in &copies.hooks {
        let now = signatures(&copies.folder, &hooks.name);
        let new = now.iter().filter(|one| !hooks.before.contains(one));
        let names: Vec<_> =
            new.map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
        if !names.is_empty() {
            let shown = shown(&hooks.path, found);
            lines.push(format!(
                "hooks that the jail has written stay out of {shown}, and are gone with it: {}",
                listed(&names)
            ));
        }
    }
    lines
}

/// Those that fit into a packet, and how many do not.
pub(super) fn fitting(mut lines: Vec<Line>) -> Vec<Line> {
    let mut left = PACKET_MAX - REST_MAX;
    let all = lines.len();
    lines.retain(|line| match left.checked_sub(line.words.len() + 2) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    if lines.len() < all {
        let words = format!("and {} more lines, which are too long", all - lines.len());
        lines.push(Line { about: About::Git, words });
    }
    lines
}

/// As much is left for what is said of the others.
const REST_MAX: usize = 100;

fn of_changes(
    found: &FoundRepository,
    config: &Config,
    shown: &str,
    changes: Vec<Change>,
    lines: &mut Vec<String>,
) {
    let (harmless, others) = split(&config.before, changes);
    if !harmless.is_empty() {
        lines.push(of_harmless(found, &config.path, shown, &harmless));
    }
    if !others.is_empty() {
        let names: Vec<_> = others.iter().map(|change| change.key.shown()).collect();
        lines.push(format!(
            "changes that the jail made in its copy of {shown} stay out of it: {}",
            listed(&names)
        ));
    }
}

fn of_harmless(found: &FoundRepository, path: &Path, shown: &str, changes: &[Change]) -> String {
    let names: Vec<_> = changes.iter().map(|change| change.key.shown()).collect();
    let names = listed(&names);
    let why = match found.changes {
        GitChanges::Merged => match taken_over(found, path, changes) {
            None => return format!("taken over from the jail into {shown}: {names}"),
            Some(why) => format!(" ({why})"),
        },
        GitChanges::Reported | GitChanges::Refused => String::new(),
    };
    let commands: Vec<_> = changes.iter().take(NAMES_MAX).map(command).collect();
    let commands = commands.join(" && ");
    format!(
        "git in the jail has set {names} in its copy of {shown}{why}; to take it over: `{}`",
        one_line(&commands)
    )
}

/// Why they were not, if they were not.
fn taken_over(found: &FoundRepository, path: &Path, changes: &[Change]) -> Option<String> {
    let repository = found.repositories.iter().find(|one| Some(one.path()) == path.parent());
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(repository), Some(name)) = (repository, name) else {
        return Some("it lies elsewhere".into());
    };
    // Replacing the file removes the mount over it in the other jail.
    if repository.held.is_shared() {
        return Some("another jail runs in this repository".into());
    }
    match merge(&repository.held.folder, name, changes) {
        Ok(()) => None,
        Err(Refused::Locked) => Some("it is locked by another process".into()),
        Err(Refused::Changed) => Some("it was changed on the host meanwhile".into()),
        Err(Refused::Failed(error)) => Some(error.to_string()),
    }
}

/// What a setting names was not there, so nothing could hold it, and is there now.
fn made(found: &FoundRepository) -> Vec<String> {
    let is_there = |named: &&(&str, PathBuf)| named.1.symlink_metadata().is_ok();
    let line = |(key, path): &(&str, PathBuf)| {
        format!(
            "{}, which `{key}` names, was made in the session, and git on the host trusts it",
            shown(path, found)
        )
    };
    found.missing.iter().filter(is_there).map(line).collect()
}

/// Replacing a file removes the mount over it.
fn replaced(found: &FoundRepository, copies: &Copies) -> Vec<String> {
    let is_another = |config: &&Config| identity(&config.path) != config.identity;
    let line = |config: &Config| {
        format!(
            "{} was replaced on the host meanwhile, and could be written in the jail from then on: look at it",
            shown(&config.path, found)
        )
    };
    copies.configs.iter().filter(is_another).map(line).collect()
}

/// Worktrees and submodules that are new: their settings are the jail's own.
fn new_children(found: &FoundRepository) -> Option<String> {
    let mut names = Vec::new();
    for repository in &found.repositories {
        let new = repository.new_children().into_iter();
        names.extend(new.map(|child| repository.path().join(child)));
    }
    let names: Vec<_> = names.iter().map(|path| relative(path, found)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "new in git, and set up by the jail: {}; look at their `config` before you run git there",
            listed(&names)
        )
    })
}

/// The working folder has become a bare repository, which git takes if `.git` is not a repository
/// any more.
fn planted(found: &FoundRepository) -> Option<String> {
    let git = found.folder.join(".git");
    let was = found.repositories.iter().any(|repository| repository.path() == git);
    let is_gone = was && !is_repository(&git);
    let is_bare = was && is_repository(&found.folder);
    let what = damaged(is_gone, is_bare)?;
    Some(format!(
        "{what}; look at {} before you run git there",
        one_line(&found.folder.to_string_lossy())
    ))
}

/// What git on the host does where `.git` is not a repository any more, or the folder around it has
/// become one.
pub(crate) fn damaged(is_gone: bool, is_bare: bool) -> Option<&'static str> {
    match (is_gone, is_bare) {
        (true, true) => Some(
            "`.git` is not a repository any more, and the folder itself looks like one: git would run what it configures",
        ),
        (true, false) => {
            Some("`.git` is not a repository any more: git takes the next one that it finds")
        }
        (false, true) => Some(
            "the folder itself looks like a bare repository: git takes it for one where `.git` is damaged",
        ),
        (false, false) => None,
    }
}

/// A path as it is shown: from the working folder on.
fn shown(path: &Path, found: &FoundRepository) -> String {
    format!("`{}`", one_line(&relative(path, found)))
}

fn relative(path: &Path, found: &FoundRepository) -> String {
    let short = path.strip_prefix(&found.folder).ok().filter(|_| found.folder.is_absolute());
    short.unwrap_or(path).to_string_lossy().into_owned()
}

/// `a`, `b` and 3 more.
pub(super) fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_MAX).map(|name| {
        let short: String = name.chars().take(NAME_MAX).collect();
        format!("`{}`", one_line(&short))
    });
    let shown: Vec<_> = shown.collect();
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
