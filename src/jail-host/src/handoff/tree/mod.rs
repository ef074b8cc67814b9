//! Walks through the project and collects what counts. It follows no link out of it, opens no
//! special file, and believes nothing.

mod git;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use jail_plan::handoff::Counted;
use rustix::fs::FileType;
use rustix::io::Errno;

use super::content::{Form, Part, hash, parts};
use super::names::{Names, Reach, fold};
use super::place::{Data, Entry, Links, Place, Stamp, data, entries, target};
use super::record::{Key, Known};

/// At most this many names are looked at. A project that has more is one that an agent filled, or
/// no project.
const NAMES_MAX: usize = 300_000;
/// So much that counts is kept.
const FOUND_MAX: usize = 200_000;
/// And at most this many bytes of names: what is written down of a project can be read again
/// (`RECORD_MAX` of the store).
const FOUND_BYTES_MAX: usize = 32 << 20;
/// Folders below folders.
const DEPTH_MAX: usize = 256;
/// What is larger is known by its stamp.
const FILE_MAX: u64 = 1 << 20;
/// The same of a program that counts for nothing but that it can be executed.
const PROGRAM_MAX: u64 = 64 << 10;

/// Something that counts.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Below the project.
    pub(super) path: Vec<u8>,
    pub(super) counted: Counted,
    pub(super) stamp: Stamp,
    pub(super) part: Part,
    /// It lies in a folder that a build fills.
    pub(super) is_built: bool,
    /// The session could have changed or moved it already when it was looked at.
    pub(super) is_late: bool,
}

/// Looks through the project. What has the stamp that is known is not read again. `since` is the
/// time from which on the session could change something.
pub(super) fn walk(
    place: &Place,
    names: &Names,
    known: &Known,
    since: Option<(i64, u32)>,
) -> Vec<Seen> {
    let mut walk = Walk {
        place,
        names,
        known,
        since,
        found: Vec::new(),
        found_bytes: 0,
        queue: vec![Job::default()],
        count: 0,
        jumps: 0,
    };
    while let Some(job) = walk.queue.pop() {
        walk.folder(job);
    }
    walk.finish()
}

struct Walk<'a> {
    place: &'a Place,
    names: &'a Names,
    known: &'a Known,
    since: Option<(i64, u32)>,
    found: Vec<Seen>,
    found_bytes: usize,
    queue: Vec<Job>,
    count: usize,
    /// How often the walk has gone where a link or a configuration led it.
    jumps: usize,
}

/// A folder that is to be looked at.
#[derive(Clone, Default)]
struct Job {
    path: Vec<u8>,
    /// The names of the folders that it lies in, and its own, folded.
    names: Vec<String>,
    /// What everything in it falls under.
    under: Option<(Counted, Reach)>,
    in_repository: bool,
    in_modules: bool,
    is_built: bool,
    is_late: bool,
    links: Option<()>,
}

impl Job {
    fn links(&self) -> Links {
        self.links.map_or(Links::Refused, |()| Links::Within)
    }

    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        if self.path.is_empty() {
            name.to_vec()
        } else {
            [&self.path, b"/".as_slice(), name].concat()
        }
    }
}

impl Walk<'_> {
    fn folder(&mut self, mut job: Job) {
        let folder = match self.place.open_folder(&job.path, job.links()) {
            Ok(folder) => folder,
            // It is gone, or became something else.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return,
            Err(Errno::XDEV) => {
                return self.unseen("another file system is mounted there", &job);
            }
            Err(_) => return self.unopened(&job),
        };
        let Ok((entries, is_all)) = entries(&folder, NAMES_MAX.saturating_sub(self.count)) else {
            return self.unseen("it cannot be listed", &job);
        };
        self.count += entries.len();
        // Its names are there, and not what they are.
        if matches!(data(&folder, b"."), Err(Errno::ACCESS)) {
            return self.unopened(&job);
        }
        if !is_all {
            self.unseen("there are too many files", &Job::default());
            self.queue.clear();
        }
        let data = data(&folder, b"");
        // What is renamed into place keeps the times of what is in it. The root cannot be, and
        // `.git` has its own protection.
        let is_fixed = job.path.is_empty() || job.path == b".git";
        job.is_late |= !is_fixed && data.is_ok_and(|data| self.is_late(data.stamp));
        let is_repository = git::is_repository(&entries);
        if is_repository {
            self.repository(&job, data.ok());
        }
        for entry in &entries {
            if !is_repository || !self.in_repository(&job, &folder, entry) {
                self.entry(&job, &folder, entry);
            }
        }
    }

    fn is_late(&self, stamp: Stamp) -> bool {
        self.since.is_some_and(|since| stamp.changed >= since)
    }

    /// Something is not looked at. That is reported like what counts: once, unless it was so
    /// before.
    fn unseen(&mut self, why: &str, job: &Job) {
        self.add(job, job.path.clone(), self.names.found("unseen"), Stamp::default(), unseen(why));
    }

    /// A folder cannot be looked into. Programs that know names in it may use them all the same, so
    /// a change of it counts.
    fn unopened(&mut self, job: &Job) {
        let found = self.place.open_path(&job.path).and_then(|found| data(&found, b""));
        let stamp = found.map(|found| found.stamp).unwrap_or_default();
        let mut part = unseen("it cannot be opened");
        part.hash = by_stamp(stamp).hash;
        self.add(job, job.path.clone(), self.names.found("unseen"), stamp, part);
    }

    fn entry(&mut self, job: &Job, folder: &OwnedFd, entry: &Entry) {
        match entry.kind {
            FileType::Directory => self.enter(job, &entry.name),
            FileType::RegularFile => self.file(job, folder, &entry.name),
            FileType::Symlink => self.link(job, folder, &entry.name),
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => self.special(job, folder, &entry.name),
        }
    }

    /// A folder in a folder.
    fn enter(&mut self, job: &Job, name: &[u8]) {
        let folded = fold(name);
        let mut inner = Job { path: job.path_of(name), under: None, ..job.clone() };
        if job.names.len() >= DEPTH_MAX {
            return self.unseen("it is too deep", &inner);
        }
        inner.in_modules |= folded == "node_modules";
        let row = self.names.folder(&job.names, &folded);
        match (job.under, row) {
            (Some((counted, Reach::Below)), _) => inner.under = Some((counted, Reach::Below)),
            (_, Some((counted, _))) if counted.kind == "build-output" => inner.is_built = true,
            // Programs look for these in the folder that they are started in, which is not one that
            // was installed.
            (_, row) if !inner.in_modules => inner.under = row,
            (_, _) => {}
        }
        inner.names.push(folded);
        self.queue.push(inner);
    }

    fn file(&mut self, job: &Job, folder: &OwnedFd, name: &[u8]) {
        let Ok(data) = data(folder, name) else { return };
        let folded = fold(name);
        let named = match job.under {
            Some((counted, _)) => Some(counted),
            None if job.in_modules => None,
            None if folded == ".git" => Some(self.names.found("git-pointer")),
            None => self.names.file(&job.names, &folded),
        };
        // Git's own examples, which nothing runs.
        if named.is_some_and(|named| named.kind == "git-hook") && folded.ends_with(".sample") {
            return;
        }
        let form = if folded == "package.json" { Form::Scripts } else { Form::Whole };
        if data.mode & 0o6000 != 0 {
            let path = job.path_of(name);
            let mut part = by_stamp(data.stamp);
            // The content may be known: that it has the bits is what is new, and every change of
            // the file is reported.
            part.says = format!("{:04o}", data.mode & 0o7777);
            self.add(job, path, self.names.found("set-id"), data.stamp, part);
        } else if let Some(counted) = named {
            self.content(job, name, data, counted, form);
        } else if data.mode & 0o111 != 0 {
            self.content(job, name, data, self.names.found("executable"), Form::Whole);
        }
    }

    /// Adds what counts of a regular file.
    fn content(&mut self, job: &Job, name: &[u8], data: Data, counted: Counted, form: Form) {
        let path = job.path_of(name);
        if form == Form::Whole
            && let Some(hash) = self.known.unchanged(&path, data.stamp)
        {
            let part = Part { name: String::new(), says: String::new(), hash: hash.to_owned() };
            return self.add(job, path, counted, data.stamp, part);
        }
        let most = if counted.kind == "executable" { PROGRAM_MAX } else { FILE_MAX };
        let read = match data.stamp.size > most {
            true => Ok((data, None)),
            false => self.place.read(&path, most, job.links()),
        };
        match read {
            Ok((data, Some(bytes))) => {
                for part in parts(form, &bytes) {
                    self.add(job, path.clone(), counted, data.stamp, part);
                }
            }
            // Too large, or not to be read: every change of it is one.
            Ok((Data { stamp, .. }, None)) => {
                self.add(job, path, counted, stamp, by_stamp(stamp));
            }
            Err(Errno::NOENT | Errno::LOOP) => {}
            Err(_) => self.add(job, path, counted, data.stamp, by_stamp(data.stamp)),
        }
    }

    fn add(&mut self, job: &Job, path: Vec<u8>, counted: Counted, stamp: Stamp, part: Part) {
        if self.is_full() {
            return;
        }
        self.found_bytes += path.len() + part.name.len();
        let is_late = job.is_late || self.is_late(stamp);
        let is_built = job.is_built;
        self.found.push(Seen { path, counted, stamp, part, is_built, is_late });
    }

    fn is_full(&self) -> bool {
        self.found.len() >= FOUND_MAX || self.found_bytes >= FOUND_BYTES_MAX
    }

    fn link(&mut self, job: &Job, folder: &OwnedFd, name: &[u8]) {
        let (Ok(data), Ok(to)) = (data(folder, name), target(folder, name)) else { return };
        let (path, folded) = (job.path_of(name), fold(name));
        let says = String::from_utf8_lossy(&to).into_owned();
        let part = Part { name: String::new(), says, hash: hash(&to) };
        if self.place.leads_out(&path, &to) {
            let part = Part { hash: format!("out {}", part.hash), ..part };
            return self.add(job, path, self.names.found("link"), data.stamp, part);
        }
        if job.in_modules && job.under.is_none() {
            return;
        }
        let row = self.names.folder(&job.names, &folded);
        let row = row.filter(|(counted, _)| counted.kind != "build-output");
        let way = match folded.as_str() {
            ".git" => Some(self.names.found("git-pointer")),
            name => row.map(|(counted, _)| counted).or_else(|| self.names.way(name)),
        };
        // It may lead to a folder, in which the same is looked for.
        if let Some(counted) = way {
            self.add(job, path.clone(), counted, data.stamp, part);
            let mut names = job.names.clone();
            names.push(folded);
            return self.jump(Job { path, names, under: row, links: Some(()), ..job.clone() });
        }
        let counted = job.under.map(|(counted, _)| counted);
        let Some(counted) = counted.or_else(|| self.names.file(&job.names, &folded)) else {
            return;
        };
        let mut part = part;
        if let Ok((_, Some(bytes))) = self.place.read(&path, FILE_MAX, Links::Within) {
            part.hash = hash(&[part.hash.as_bytes(), &bytes].concat());
        }
        self.add(job, path, counted, data.stamp, part);
    }

    /// Looks at a folder that was led to. A circle of links ends by their number.
    fn jump(&mut self, job: Job) {
        const JUMPS_MAX: usize = 100;
        self.jumps += 1;
        if self.jumps > JUMPS_MAX {
            return self.unseen("too many links lead to folders that count", &job);
        }
        self.queue.push(job);
    }

    fn special(&mut self, job: &Job, folder: &OwnedFd, name: &[u8]) {
        let Ok(data) = data(folder, name) else { return };
        let kind = match data.kind {
            FileType::Fifo => "a pipe",
            FileType::Socket => "a socket",
            FileType::CharacterDevice | FileType::BlockDevice => "a device",
            FileType::RegularFile | FileType::Directory | FileType::Symlink | FileType::Unknown => {
                return;
            }
        };
        let part = Part { name: String::new(), says: kind.into(), hash: kind.into() };
        self.add(job, job.path_of(name), self.names.found("special"), data.stamp, part);
    }

    /// Of what was seen in two ways the one that says more stays.
    fn finish(mut self) -> Vec<Seen> {
        if self.is_full() {
            let (counted, part) = (self.names.found("unseen"), unseen("too much counts"));
            let (path, stamp) = (Vec::new(), Stamp::default());
            let (is_built, is_late) = (false, false);
            self.found.push(Seen { path, counted, stamp, part, is_built, is_late });
        }
        let mut all: BTreeMap<Key, Seen> = BTreeMap::new();
        for seen in self.found {
            let key = seen.key();
            let says_more = all.get(&key).is_none_or(|before| {
                before.counted.kind == "executable" || seen.counted.kind == "link"
            });
            if says_more {
                all.insert(key, seen);
            }
        }
        all.into_values().collect()
    }
}

/// Why something is not looked at. It has a name of its own, so that nothing else that is seen
/// there stands for it.
fn unseen(why: &str) -> Part {
    Part { name: why.into(), says: String::new(), hash: why.into() }
}

fn by_stamp(stamp: Stamp) -> Part {
    let Stamp { changed: (seconds, nanoseconds), inode, size } = stamp;
    let hash = format!("~{inode}.{seconds}.{nanoseconds}.{size}");
    Part { name: String::new(), says: String::new(), hash }
}
