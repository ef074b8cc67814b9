//! What `doctor --fix` can do for its caller, without root: lines at the end of files of the
//! caller's own.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::{append_plain, create_private, read_regular};

/// Lines for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The id of the file.
    pub file: PathBuf,
    /// What goes at its end: whole lines.
    pub lines: String,
    /// What that does.
    pub why: String,
}

impl Repair {
    /// Adds the lines. Those that are there already are not added again.
    ///
    /// # Errors
    /// The file cannot be read or written, or is a link.
    pub fn apply(&self) -> io::Result<()> {
        if self.is_done() {
            return Ok(());
        }
        let before = match read_regular(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            before => before?,
        };
        self.file.parent().map_or(Ok(()), create_private)?;
        let gap = if before.is_empty() || before.ends_with(b"\n") { "" } else { "\n" };
        append_plain(&self.file, format!("{gap}{}", self.lines).as_bytes())
    }

    /// Whether the lines are there.
    #[must_use]
    pub fn is_done(&self) -> bool {
        read_regular(&self.file)
            .is_ok_and(|text| String::from_utf8_lossy(&text).contains(&self.lines))
    }

    /// A line that puts a folder into PATH, for a shell whose startup file is known.
    pub(super) fn path(shell: &str, home: &Path, folder: &str) -> Option<Self> {
        let quoted = format!("'{}'", folder.replace('\'', "'\\''"));
        let shell = shell.rsplit('/').next().unwrap_or_default();
        let (file, line) = match shell {
            "bash" => (".bashrc", format!("export PATH={quoted}:\"$PATH\"")),
            "zsh" => (".zshrc", format!("export PATH={quoted}:\"$PATH\"")),
            "fish" => {
                let quoted = folder.replace('\\', "\\\\").replace('\'', "\\'");
                (".config/fish/conf.d/jailgen.fish", format!("fish_add_path '{quoted}'"))
            }
            _ => return None,
        };
        Some(Self {
            file: home.join(file),
            lines: format!("{line}\n"),
            why: format!("puts the folder of commands into PATH of every new {shell}"),
        })
    }

    /// Has Nix build as the caller, who owns the store.
    pub(super) fn build_users(nix_conf: &Path) -> Self {
        Self {
            file: nix_conf.into(),
            lines: "build-users-group =\n".into(),
            why: "has Nix build as you, because there are no build users".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_are_added_once_and_nothing_else_changes() {
        let folder = tempfile::tempdir().unwrap();
        let repair = Repair::build_users(&folder.path().join("nix/nix.conf"));
        for _ in 0..2 {
            repair.apply().unwrap();
            assert_eq!(fs::read_to_string(&repair.file).unwrap(), repair.lines);
        }
        fs::write(&repair.file, "cores = 1").unwrap();
        repair.apply().unwrap();
        assert_eq!(fs::read_to_string(&repair.file).unwrap(), "cores = 1\nbuild-users-group =\n");
    }

    #[test]
    fn no_link_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join(".bashrc"));
        fs::write(&real, "mine\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let repair = Repair::path("/bin/bash", folder.path(), "/s/bin").unwrap();
        assert_eq!(repair.apply().unwrap_err().to_string(), "it is a symbolic link");
        assert_eq!(fs::read_to_string(&real).unwrap(), "mine\n");
    }

    #[test]
    fn the_line_is_that_of_the_shell_and_quoted() {
        let of = |shell| Repair::path(shell, Path::new("/h"), "/a b/it's").map(|it| it.lines);
        assert_eq!(of("/bin/bash").unwrap(), "export PATH='/a b/it'\\''s':\"$PATH\"\n");
        assert_eq!(of("fish").unwrap(), "fish_add_path '/a b/it\\'s'\n");
        assert_eq!(of("/bin/tcsh"), None);
    }
}
