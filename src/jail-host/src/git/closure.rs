//! Which paths of the Nix store the jail sees because its state leads to one of them: that path,
//! and what it needs to work. Nix is asked, once for each path, and the answers are kept next to
//! the ledger, where no jail can write. Nix only reads its records for that: nothing is built,
//! fetched or run, and no configuration of the user's own is read, which could name a library to
//! load.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, Dir, unlinkat};

use super::file;
use super::store::{STORE, is_store_name};
use crate::handoff::unsaid::folder_of_state;

/// The folder next to those of projects.
const FOLDER: &str = "closures";
/// More answers are not kept: a jail can make links to as many paths as there are.
const KEPT_MAX: usize = 512;
/// One path needs no more others; each of them is a mount.
const CLOSURE_MAX: usize = 2048;
/// No name of so many is longer.
const ANSWER_MAX: usize = CLOSURE_MAX * 256;
/// How long a launch waits for all of Nix's answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where Nix is. A path of the caller's PATH may be in a project. A jail that could write the
/// profile would not need this: each of the user's shells runs what is there.
const PLACES: [&str; 4] = [
    "/run/current-system/sw/bin/nix-store",
    "/nix/var/nix/profiles/default/bin/nix-store",
    "/usr/bin/nix-store",
    ".nix-profile/bin/nix-store",
];

/// What answers, and what it has answered before.
pub(super) struct Closures<'h> {
    home: &'h Path,
    kept: Option<OwnedFd>,
    until: Instant,
}

impl<'h> Closures<'h> {
    pub(super) fn open(state: &Path, home: &'h Path) -> Self {
        Self { home, kept: folder_of_state(state, FOLDER), until: Instant::now() + PATIENCE }
    }

    /// The names in the store that the path of this name needs, with its own. Nothing, where Nix
    /// cannot be asked, does not know the path, or needs more time or paths than there may be.
    pub(super) fn of(&self, name: &str) -> Option<Vec<String>> {
        let kept = self.kept.as_ref().and_then(|kept| file::read_in(kept, name).ok());
        if let Some(names) = kept.and_then(|text| names(&text)) {
            return Some(names);
        }
        let text = self.ask(name).ok()?;
        let names = names(&text).filter(|names| names.iter().any(|one| one == name))?;
        if let Some(kept) = &self.kept {
            // Without it, Nix is asked again.
            let _ = make_room(kept).and_then(|()| file::replace(kept, name, &text));
        }
        Some(names)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "Nix, at a place that this file names, with a name of the store and nothing of the caller's"
    )]
    fn ask(&self, name: &str) -> io::Result<Vec<u8>> {
        if Instant::now() >= self.until {
            return Err(late());
        }
        let mut places = PLACES.iter().map(|place| self.home.join(place));
        let program: PathBuf = places.find(|place| place.exists()).ok_or_else(nowhere)?;
        let mut nix = Command::new(program)
            .args(["--query", "--requisites", &format!("{STORE}/{name}")])
            .env_clear()
            .env("HOME", "/var/empty")
            .env("NIX_USER_CONF_FILES", "/dev/null")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let answer = nix.stdout.take().ok_or_else(nowhere).and_then(|out| self.read(out));
        if answer.is_err() {
            nix.kill()?;
        }
        match nix.wait()?.success() {
            true => answer,
            false => Err(io::Error::other("it was refused")),
        }
    }

    /// Reads to the end, as long as there is time.
    fn read(&self, mut out: impl Read + std::os::fd::AsFd) -> io::Result<Vec<u8>> {
        let (mut text, mut part) = (Vec::new(), [0; 4096]);
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let left = Timespec { tv_sec: 0, tv_nsec: 0 } + left.try_into().unwrap_or_default();
            let mut wait = [PollFd::new(&out, PollFlags::IN)];
            if poll(&mut wait, Some(&left))? == 0 || text.len() > ANSWER_MAX {
                return Err(late());
            }
            match out.read(&mut part)? {
                0 => return Ok(text),
                length => text.extend_from_slice(part.get(..length).unwrap_or_default()),
            }
        }
    }
}

/// The names in an answer, if there are not too many, and nothing else is in it.
fn names(text: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(text).ok()?;
    let name = |line: &str| {
        let name = line.strip_prefix(STORE)?.strip_prefix('/')?;
        is_store_name(name.as_bytes()).then(|| name.to_owned())
    };
    let names: Vec<String> = text.lines().map(name).collect::<Option<_>>()?;
    (!names.is_empty() && names.len() <= CLOSURE_MAX).then_some(names)
}

/// Takes all answers away before there are too many.
fn make_room(kept: &OwnedFd) -> io::Result<()> {
    let names: Vec<_> = Dir::read_from(kept)?.flatten().collect();
    if names.len() > KEPT_MAX {
        for name in names.iter().map(|entry| entry.file_name()) {
            let _ = unlinkat(kept, name, AtFlags::empty());
        }
    }
    Ok(())
}

fn late() -> io::Error {
    io::Error::from(io::ErrorKind::TimedOut)
}

fn nowhere() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-one\n";

    #[test]
    fn an_answer_holds_names_of_the_store_and_not_too_many() {
        assert_eq!(names(ONE.as_bytes()).map(|names| names.len()), Some(1));
        for other in ["", "/nix/store/one\n", "warning: x\n", "/etc/passwd\n"] {
            assert_eq!(names([other, ONE].concat().as_bytes()).is_some(), other.is_empty());
        }
        assert_eq!(names(b""), None);
        assert!(names(ONE.repeat(CLOSURE_MAX).as_bytes()).is_some());
        assert_eq!(names(ONE.repeat(CLOSURE_MAX + 1).as_bytes()), None);
    }

    #[test]
    fn nobody_is_asked_when_there_is_no_time_left() {
        let closures = Closures { home: Path::new("/nowhere"), kept: None, until: Instant::now() };
        let error = closures.ask("0123456789abcdfghijklmnpqrsvwxyz-one").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn answers_do_not_grow_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let kept = std::fs::File::open(folder.path()).unwrap().into();
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        for number in 0..KEPT_MAX + 10 {
            make_room(&kept).unwrap();
            std::fs::write(folder.path().join(number.to_string()), "x").unwrap();
        }
        assert!((1..=KEPT_MAX).contains(&count()), "{}", count());
    }
}
