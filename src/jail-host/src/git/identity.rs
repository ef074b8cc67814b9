//! The name and the address that the user commits with, in a configuration of git for a cage, which
//! cannot have one of its own in `/etc`. The stub does the same for a jail.
//!
//! No git is run for it, and the project's configuration is not asked: an agent may have written
//! that. Of all that the user's files say only the two values leave here. What cannot be read says
//! nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "variables of the caller say where the user's configuration is"
)]

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gix_glob::wildmatch;
use jail_plan::HostText;
use jail_plan::git::{Setting, settings};
use jail_plan::helper::Refusal;
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::file;
use super::named::normal;
use crate::talk::refusal;

/// The machine's own configuration, which this one stands in for. A repository's settings override
/// both.
const MACHINE: &str = "[include]\n\tpath = /etc/gitconfig\n";
/// As many as git follows.
const DEPTH_MAX: usize = 10;
/// Files that include each other are read no more often.
const FILES_MAX: usize = 64;

/// Writes the configuration at `to` for a session in `project`.
pub(crate) fn write(to: &HostText, project: Option<&Path>) -> Result<(), Refusal> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let Some(home) = std::env::home_dir().filter(absolute) else { return Ok(()) };
    let path = match to {
        HostText::Literal(path) => PathBuf::from(path),
        HostText::Expand(path) | HostText::PerFolder(path) => {
            match path.source().strip_prefix("~/") {
                Some(below) => home.join(below),
                None => return Err(refusal(path.source(), "it is not below the home folder")),
            }
        }
    };
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let files = match variable("GIT_CONFIG_GLOBAL") {
        Some(only) => vec![only],
        None => {
            let given = variable("XDG_CONFIG_HOME").filter(absolute);
            let given = given.unwrap_or_else(|| home.join(".config"));
            vec![given.join("git/config"), home.join(".gitconfig")]
        }
    };
    let repository = project.and_then(|project| repository(project, &home));
    let mut reader = Reader { home: &home, repository, name: None, email: None, files: 0 };
    for file in files.iter().filter(|file| file.is_absolute()) {
        reader.file(file, 0);
    }
    let failed = |error: io::Error| refusal(&path.to_string_lossy(), &error.to_string());
    replace(&path, &reader.configuration()).map_err(failed)
}

/// The folder is one of the cage's, made before, in which it can write nothing.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str))
    else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(CWD, folder, flags, Mode::empty())?;
    file::replace(&folder, name, text.as_bytes())
}

struct Reader<'a> {
    home: &'a Path,
    repository: Option<PathBuf>,
    name: Option<String>,
    email: Option<String>,
    files: usize,
}

impl Reader<'_> {
    /// Takes in what a file says, and the files that it includes, where it includes them.
    fn file(&mut self, path: &Path, depth: usize) {
        self.files += 1;
        if depth > DEPTH_MAX || self.files > FILES_MAX {
            return;
        }
        let Ok(text) = file::read(path) else { return };
        for Setting { section, about, key, value } in settings(&text) {
            let text = || Some(String::from_utf8_lossy(&value).into_owned());
            match (section.as_slice(), about.as_deref(), key.as_slice()) {
                (b"user", None, b"name") => self.name = text(),
                (b"user", None, b"email") => self.email = text(),
                (b"include", None, b"path") => self.include(&value, path, depth),
                (b"includeif", Some(condition), b"path") if self.holds(condition, path) => {
                    self.include(&value, path, depth);
                }
                _ => {}
            }
        }
    }

    fn include(&mut self, named: &[u8], by: &Path, depth: usize) {
        let path = match named.strip_prefix(b"~/") {
            Some(below) => self.home.join(OsStr::from_bytes(below)),
            None => by.parent().unwrap_or(by).join(OsStr::from_bytes(named)),
        };
        self.file(&path, depth + 1);
    }

    /// Whether a condition about the folder of the repository holds. Others, such as those about
    /// branches, do not.
    fn holds(&self, condition: &[u8], file: &Path) -> bool {
        let exact = condition.strip_prefix(b"gitdir:");
        let pattern = exact.or_else(|| condition.strip_prefix(b"gitdir/i:"));
        let (Some(pattern), Some(repository)) = (pattern, &self.repository) else { return false };
        let mut mode = wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
        if exact.is_none() {
            mode |= wildmatch::Mode::IGNORE_CASE;
        }
        let Some(pattern) = self.whole(pattern, file) else { return false };
        let repository = repository.as_os_str().as_bytes();
        gix_glob::wildmatch((&*pattern).into(), repository.into(), mode)
    }

    /// A pattern as it is compared: from the root on, and with all that lies below a folder.
    fn whole(&self, pattern: &[u8], file: &Path) -> Option<Vec<u8>> {
        let below = |folder: &Path, rest: &[u8]| -> Option<Vec<u8>> {
            let real = folder.canonicalize().ok()?;
            Some([real.as_os_str().as_bytes(), b"/", rest].concat())
        };
        let mut whole = match pattern {
            [b'~', b'/', rest @ ..] => below(self.home, rest)?,
            [b'.', b'/', rest @ ..] => below(file.parent()?, rest)?,
            [b'/', ..] => pattern.to_vec(),
            _ => [b"**/", pattern].concat(),
        };
        if whole.ends_with(b"/") {
            whole.extend_from_slice(b"**");
        }
        Some(whole)
    }

    /// The machine's configuration, with the two values after it.
    fn configuration(&self) -> String {
        let mut text = String::from(MACHINE);
        for (key, value) in [("name", &self.name), ("email", &self.email)] {
            let Some(value) = value.as_ref().filter(|value| !value.is_empty()) else { continue };
            let quoted: String = value.chars().map(quoted).collect();
            text.push_str(&format!("[user]\n\t{key} = \"{quoted}\"\n"));
        }
        text
    }
}

/// A character of a value in quotes.
fn quoted(c: char) -> Cow<'static, str> {
    match c {
        '"' => "\\\"".into(),
        '\\' => "\\\\".into(),
        '\n' => "\\n".into(),
        '\0' => "\u{fffd}".into(),
        other => other.to_string().into(),
    }
}

/// The folder in which git keeps the repository that the project is in. Above the home folder
/// nothing is looked for.
fn repository(project: &Path, home: &Path) -> Option<PathBuf> {
    let below_home = |folder: &&Path| *folder != Path::new("/") && *folder != home;
    let above = project.ancestors().take_while(below_home);
    let git = above.map(|folder| folder.join(".git")).find(|git| git.symlink_metadata().is_ok())?;
    Some(answered(&git).unwrap_or(git))
}

/// What a `.git` file names, if git's folder there says so too: an agent may have written the file.
fn answered(git: &Path) -> Option<PathBuf> {
    let line = |path: &Path| Some(file::read(path).ok()?.trim_ascii_end().to_vec());
    let below = |folder: &Path, text: &[u8]| normal(&folder.join(OsStr::from_bytes(text)));
    let top = git.parent()?;
    let named = if git.is_symlink() { None } else { line(git) };
    let target = below(top, named?.strip_prefix(b"gitdir: ")?);
    let is_its = match line(&target.join("gitdir")) {
        Some(back) => below(&target, &back) == git,
        None => {
            let config = file::read(&target.join("config")).ok()?;
            let tree = settings(&config).into_iter().rfind(|setting| {
                (setting.section.as_slice(), setting.about.as_deref(), setting.key.as_slice())
                    == (b"core", None, b"worktree")
            });
            tree.is_some_and(|tree| below(&target, &tree.value) == top)
        }
    };
    is_its.then_some(target)
}
