//! Which files of a folder a text names: settings of agents name programs by paths such as
//! `~/.claude/line.sh`, in commands for a shell.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::named::normal;
use super::store::STORE;

/// No settings name more.
const NAMES_MAX: usize = 64;

/// The files of the folder that the text names, by the home folder or from `/` on. `named` is how
/// the folder is called, and `real` where it is.
pub(super) fn named_in(text: &[u8], home: &Path, named: &Path, real: &Path) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    for word in text.split(|byte| is_end(*byte)).filter(|word| !word.is_empty()) {
        let path = match word {
            [b'~', b'/', rest @ ..] => home.join(OsStr::from_bytes(rest)),
            _ => match word.strip_prefix(b"$HOME/").or_else(|| word.strip_prefix(b"${HOME}/")) {
                Some(rest) => home.join(OsStr::from_bytes(rest)),
                None if word.starts_with(b"/") => PathBuf::from(OsStr::from_bytes(word)),
                None => continue,
            },
        };
        let path = normal(&path);
        let below = path.strip_prefix(named).or_else(|_| path.strip_prefix(real));
        if let Ok(below) = below
            && !below.as_os_str().is_empty()
            && found.len() < NAMES_MAX
        {
            found.insert(real.join(below));
        }
    }
    found.into_iter().collect()
}

/// The paths in the Nix store that the text names, as far as their characters reach.
pub(super) fn in_store(text: &[u8]) -> Vec<PathBuf> {
    let begin = [STORE.as_bytes(), b"/"].concat();
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.windows(begin.len()).position(|part| part == begin) {
        rest = rest.get(at..).unwrap_or_default();
        let end = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
        let (path, after) = rest.split_at(end);
        // In Markdown, a sentence may end here.
        let path = path.strip_suffix(b".").unwrap_or(path);
        if found.len() < NAMES_MAX {
            found.insert(PathBuf::from(OsStr::from_bytes(path)));
        }
        rest = after;
    }
    found.into_iter().collect()
}

/// What ends a path in JSON, TOML or YAML, and in a command that stands there.
fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'\\`;|&<>()[],=:".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_commands_are_found() {
        let text = br#"{"statusLine": {"command": "bash ~/.a/line.sh -x"}, "env": {"P": "/usr/bin:/home/u/.a/bin/x"},
            "hooks": "\"$HOME/.a/h.py\" && ${HOME}/.a/../.a/k; ~/.b/no /home/u/.a ~/.a/../x"}"#;
        let found =
            named_in(text, Path::new("/home/u"), Path::new("/home/u/.a"), Path::new("/real/a"));
        let names: Vec<_> = found.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(names, ["/real/a/bin/x", "/real/a/h.py", "/real/a/k", "/real/a/line.sh"]);
    }

    #[test]
    fn paths_in_the_store_are_found_wherever_they_stand() {
        let text = b"@/nix/store/a-x.md and /nix/store/b-y/z.md. `/nix/store/c-w/bin/w -v`";
        let found = in_store(text);
        let names: Vec<_> = found.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(names, ["/nix/store/a-x.md", "/nix/store/b-y/z.md", "/nix/store/c-w/bin/w"]);
        assert!(in_store(b"/nix/stores/a /nix/store").is_empty());
    }
}
