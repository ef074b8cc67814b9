//! The name and the address that the user commits with, from the user's own
//! configuration of git (git-config(1)).
//!
//! git is not run for this, and the project's configuration is not read: an agent may have written
//! that, or where the repository is, which counts only if git's folder there says so too. Only the
//! two values leave this module. What cannot be read is ignored.

mod pattern;

use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::git::{Setting, settings};

use self::pattern::matches;
use super::paths::{HostPaths, path_of};
use super::{project, subfolder};
use crate::caller::Caller;

/// The largest configuration.
const BYTES_MAX: usize = 256 * 1024;
/// How deep includes are followed, as in git.
const DEPTH_MAX: usize = 10;
/// The most files that are read, if files include each other.
const FILES_MAX: usize = 64;

/// A configuration with only the two values. `None` if the user's has no name.
pub(crate) fn configuration(caller: &Caller<'_>, paths: &HostPaths<'_>) -> Option<String> {
    let mut reader = Reader { caller, paths, name: None, email: None, files: 0 };
    for file in files(caller) {
        reader.file(&file, 0);
    }
    let mut text = String::new();
    for (key, value) in [("name", reader.name), ("email", reader.email)] {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        text.push_str(if text.is_empty() { "[user]\n" } else { "" });
        text.extend([key, " = \""]);
        text.extend(
            value.chars().map(quoted).flat_map(|(before, c)| before.into_iter().chain([c])),
        );
        text.push_str("\"\n");
    }
    (!text.is_empty()).then_some(text)
}

/// A character of a value in quotes, escaped if necessary.
fn quoted(c: char) -> (Option<char>, char) {
    match c {
        '"' | '\\' => (Some('\\'), c),
        '\n' => (Some('\\'), 'n'),
        '\0' => (None, char::REPLACEMENT_CHARACTER),
        _ => (None, c),
    }
}

/// The user's own files, in the order in which git reads them.
fn files(caller: &Caller<'_>) -> Vec<Vec<u8>> {
    let absolute = |name| caller.value(name).filter(|path| path.starts_with(b"/"));
    if caller.value("GIT_CONFIG_GLOBAL").is_some() {
        return absolute("GIT_CONFIG_GLOBAL").map(Vec::from).into_iter().collect();
    }
    let home = caller.home_folder().ok().map(|home| home.as_str().as_bytes());
    let below = |folder: &[u8], name: &str| [folder, name.as_bytes()].concat();
    let given = absolute("XDG_CONFIG_HOME").map(|folder| below(folder, "/git/config"));
    let given = given.or_else(|| home.map(|home| below(home, "/.config/git/config")));
    given.into_iter().chain(home.map(|home| below(home, "/.gitconfig"))).collect()
}

struct Reader<'a> {
    caller: &'a Caller<'a>,
    paths: &'a HostPaths<'a>,
    name: Option<String>,
    email: Option<String>,
    files: usize,
}

impl Reader<'_> {
    /// Reads a file, and the files that it includes, at their places.
    fn file(&mut self, path: &[u8], depth: usize) {
        self.files += 1;
        if depth > DEPTH_MAX || self.files > FILES_MAX {
            return;
        }
        let Ok(text) = self.paths.read(path, BYTES_MAX) else { return };
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

    fn include(&mut self, named: &[u8], by: &[u8], depth: usize) {
        let path = match named {
            [b'/', ..] => named.to_vec(),
            [b'~', b'/', ..] => match self.caller.home_folder() {
                Ok(home) => [home.as_str().as_bytes(), named.get(1..).unwrap_or_default()].concat(),
                Err(_) => return,
            },
            _ => [folder_of(by), b"/", named].concat(),
        };
        self.file(&path, depth + 1);
    }

    /// Whether a condition about the folder of the repository is met. Others, such as those
    /// about branches, never are.
    fn holds(&self, condition: &[u8], file: &[u8]) -> bool {
        let exact = condition.strip_prefix(b"gitdir:");
        let pattern = exact.or_else(|| condition.strip_prefix(b"gitdir/i:"));
        let pattern = pattern.and_then(|pattern| self.whole(pattern, file));
        let Some((pattern, repository)) = pattern.zip(self.repository()) else { return false };
        matches(&pattern, &repository, exact.is_none())
    }

    /// A pattern in the form in which it is compared: from the root, and with
    /// everything below a folder.
    fn whole(&self, pattern: &[u8], file: &[u8]) -> Option<Vec<u8>> {
        let real = |path: &[u8]| path_of(&*self.paths.open(path).ok()?).ok();
        let mut whole = match pattern {
            [b'~', rest @ ..] if rest.starts_with(b"/") => {
                [&*real(self.caller.home_folder().ok()?.as_str().as_bytes())?, rest].concat()
            }
            [b'.', rest @ ..] if rest.starts_with(b"/") => {
                [&*real(folder_of(file))?, rest].concat()
            }
            [b'/', ..] => pattern.to_vec(),
            _ => [b"**/", pattern].concat(),
        };
        if whole.ends_with(b"/") {
            whole.extend_from_slice(b"**");
        }
        Some(whole)
    }

    /// The folder in which git keeps the repository of the working folder.
    fn repository(&self) -> Option<Vec<u8>> {
        let top = subfolder::top(self.caller)?;
        let top = top.strip_suffix(b"/").unwrap_or(&top);
        let path = [top, b"/.git"].concat();
        Some(project::answered(top).unwrap_or(path))
    }
}

fn folder_of(file: &[u8]) -> &[u8] {
    let slash = file.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
    file.get(..slash).unwrap_or_default()
}
