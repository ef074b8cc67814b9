//! Which files of a folder a text names: settings of agents name programs by paths such as
//! `~/.claude/line.sh`, in commands for a shell.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::named::normal;

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
}
