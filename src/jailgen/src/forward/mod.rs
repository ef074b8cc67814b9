//! What a desktop and a shell know of a package, for the command that starts it in its jail:
//! manuals, icons, completions and desktop entries.
//!
//! Nothing that is forwarded starts a program outside the jail: an entry that would is left out,
//! and reported.

mod completions;
mod desktop;

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Folders that hold nothing that is started.
const LINKED: &[&str] = &["share/icons", "share/man", "share/pixmaps"];

/// Where desktop entries are.
const APPLICATIONS: &str = "share/applications";

/// A wrapper, and the packages that it replaces.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a> {
    /// The store path that the wrapper is written to.
    pub out: &'a Path,
    /// The wrapper's command.
    pub command: &'a str,
    /// The program in the jail, by its file name.
    pub program: &'a str,
    /// Where its files are; those of the first count.
    pub packages: &'a [PathBuf],
}

impl Forward<'_> {
    /// Writes everything. Returns what was left out, in words.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn write(self) -> io::Result<Vec<String>> {
        let mut left_out = Vec::new();
        for package in self.packages {
            for folder in LINKED {
                self.link(&package.join(folder), folder)?;
            }
            self.applications(&package.join(APPLICATIONS), &mut left_out)?;
            completions::write(self, package)?;
        }
        Ok(left_out)
    }

    fn applications(self, folder: &Path, left_out: &mut Vec<String>) -> io::Result<()> {
        for file in files(folder)? {
            if file.extension().is_none_or(|extension| extension != "desktop") {
                continue;
            }
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let entry = String::from_utf8_lossy(&fs::read(&file)?).into_owned();
            match desktop::rewritten(&entry, self) {
                Ok(entry) => self.file(&format!("{APPLICATIONS}/{name}"), &entry)?,
                Err(starts) => left_out.push(format!(
                    "the desktop entry `{name}` is left out: it starts `{starts}`, which would run outside the jail"
                )),
            }
        }
        Ok(())
    }

    /// A link to what is there, unless something is at its place already.
    fn link(self, target: &Path, place: &str) -> io::Result<()> {
        if target.exists() && !self.out.join(place).exists() {
            symlink(target, self.place(place)?)?;
        }
        Ok(())
    }

    fn file(self, place: &str, content: &str) -> io::Result<()> {
        if self.out.join(place).exists() {
            return Ok(());
        }
        fs::write(self.place(place)?, content)
    }

    /// A path in the output, whose folder is there.
    fn place(self, place: &str) -> io::Result<PathBuf> {
        let path = self.out.join(place);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(path)
    }
}

/// The files of a folder, sorted; none if there is no such folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
