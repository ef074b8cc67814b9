//! The walk itself: some threads that share the folders to be read. A small
//! project takes one thread.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use rustix::fs::{AtFlags, FileType, RawDir, statat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::globs::Globs;
use super::{Limits, Match, NAMES_MAX, Unseen, Walked, Way, Why};
use crate::handoff::place::{Links, Place};

/// More threads would wait for the same locks of the kernel.
const THREADS_MAX: usize = 8;
/// How many folders must wait before another thread is worth its start.
const WORTH: usize = 24;
/// A buffer in which a folder of some hundred names is listed in one call.
const BUFFER: usize = 32 * 1024;

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) enum Sought<'a> {
    Globs(&'a Globs),
    /// Files by their inodes, with what is known of each.
    Inodes(&'a BTreeMap<u64, Match>),
}

/// A folder to be read, and the glob by which everything in it matches.
struct Job {
    path: Vec<u8>,
    under: Option<usize>,
}

/// Walks through the folder at `from` and everything below it.
pub(super) fn walk(
    place: &Place,
    sought: Sought<'_>,
    from: Vec<u8>,
    under: Option<usize>,
    limits: Limits,
    walked: &mut Walked,
) {
    let shared = Shared {
        place,
        sought,
        limits,
        jobs: Mutex::new(Jobs { waiting: Vec::new(), idle: 0, threads: 1 }),
        wake: Condvar::new(),
        idle: AtomicUsize::new(0),
        names: AtomicUsize::new(walked.names),
        is_late: AtomicBool::new(false),
        matches: AtomicUsize::new(walked.matches.len()),
    };
    thread::scope(|scope| {
        let mut worker = Worker::new(&shared);
        worker.own.push(Job { path: from, under });
        while worker.own.len() < WORTH && worker.step() {}
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let mut others = Vec::new();
        if !worker.own.is_empty() {
            for _ in 1..threads {
                shared.jobs().threads += 1;
                let other = thread::Builder::new().spawn_scoped(scope, || {
                    let mut worker = Worker::new(&shared);
                    worker.run();
                    worker.found
                });
                match other {
                    Ok(other) => others.push(other),
                    Err(_) => shared.jobs().threads -= 1,
                }
            }
        }
        worker.run();
        merge(walked, worker.found);
        for other in others {
            match other.join() {
                Ok(found) => merge(walked, found),
                Err(_) => walked.unseen.push(unseen(Vec::new(), Why::Failed(Errno::FAULT))),
            }
        }
    });
    walked.names = shared.names.into_inner();
    if shared.is_late.into_inner() {
        walked.unseen.push(unseen(Vec::new(), Why::TooLong));
    }
    if walked.names > NAMES_MAX {
        walked.unseen.push(unseen(Vec::new(), Why::TooMany));
    }
    if shared.matches.into_inner() > limits.matches {
        walked.unseen.push(unseen(Vec::new(), Why::TooManyMatches));
    }
}

fn merge(walked: &mut Walked, found: Walked) {
    walked.repositories.extend(found.repositories);
    walked.unseen.extend(found.unseen);
    found.matches.into_iter().for_each(|(path, found)| walked.add(path, found));
}

fn unseen(path: Vec<u8>, why: Why) -> Unseen {
    Unseen { path, why }
}

struct Shared<'a> {
    place: &'a Place,
    sought: Sought<'a>,
    limits: Limits,
    jobs: Mutex<Jobs>,
    wake: Condvar,
    /// The same number as in [`Jobs`], which can be read without the lock.
    idle: AtomicUsize,
    /// The limit for all together: an earlier jail may have made links that lead through the same
    /// folders again and again.
    names: AtomicUsize,
    is_late: AtomicBool,
    matches: AtomicUsize,
}

struct Jobs {
    waiting: Vec<Job>,
    idle: usize,
    threads: usize,
}

impl Shared<'_> {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for folders. `None` if all threads do.
    fn take(&self) -> Option<Vec<Job>> {
        let mut jobs = self.jobs();
        jobs.idle += 1;
        self.idle.store(jobs.idle, Ordering::Relaxed);
        loop {
            if !jobs.waiting.is_empty() {
                jobs.idle -= 1;
                self.idle.store(jobs.idle, Ordering::Relaxed);
                return Some(std::mem::take(&mut jobs.waiting));
            }
            if jobs.idle >= jobs.threads {
                self.wake.notify_all();
                return None;
            }
            jobs = self.wake.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give(&self, more: impl Iterator<Item = Job>) {
        self.jobs().waiting.extend(more);
        self.wake.notify_one();
    }

    fn is_over(&self) -> bool {
        if Instant::now() > self.limits.until {
            self.is_late.store(true, Ordering::Relaxed);
        }
        self.is_late.load(Ordering::Relaxed)
            || self.names.load(Ordering::Relaxed) > NAMES_MAX
            || self.matches.load(Ordering::Relaxed) > self.limits.matches
    }
}

struct Worker<'s> {
    shared: &'s Shared<'s>,
    own: Vec<Job>,
    found: Walked,
    /// A path that is put together.
    path: Vec<u8>,
    buffer: Box<[MaybeUninit<u8>]>,
}

impl<'s> Worker<'s> {
    fn new(shared: &'s Shared<'s>) -> Self {
        let buffer = Box::new_uninit_slice(BUFFER);
        Self { shared, own: Vec::new(), found: Walked::default(), path: Vec::new(), buffer }
    }

    /// Runs until no thread has anything left.
    fn run(&mut self) {
        loop {
            while self.step() {
                let has_some = self.own.len() > 1;
                if has_some && self.shared.idle.load(Ordering::Relaxed) > 0 {
                    self.shared.give(self.own.drain(..self.own.len() / 2));
                }
            }
            match self.shared.take() {
                Some(jobs) => self.own = jobs,
                None => return,
            }
        }
    }

    /// Reads a folder. Returns whether there was one.
    fn step(&mut self) -> bool {
        let Some(job) = self.own.pop() else { return false };
        if self.shared.is_over() {
            self.own.clear();
            return false;
        }
        if let Err(error) = self.folder(&job) {
            let why = match error {
                // It is gone, or became something else.
                Errno::NOENT | Errno::NOTDIR | Errno::LOOP => return true,
                Errno::XDEV => Why::Mount,
                Errno::NAMETOOLONG => Why::TooDeep,
                Errno::ACCESS => Why::Closed { is_own: is_own(self.shared.place, &job.path) },
                error => Why::Failed(error),
            };
            self.found.unseen.push(unseen(job.path, why));
        }
        true
    }

    fn folder(&mut self, job: &Job) -> Result<(), Errno> {
        let folder = self.shared.place.open_folder(&job.path, Links::Refused)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut listing = RawDir::new(&folder, &mut buffer);
        let mut count = 0;
        let mut done = Ok(());
        while let Some(entry) = listing.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    done = Err(error);
                    break;
                }
            };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            count += 1;
            let kind = match entry.file_type() {
                FileType::Unknown => statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
                kind => kind,
            };
            self.entry(job, &folder, name, kind, entry.ino());
        }
        self.buffer = buffer;
        self.shared.names.fetch_add(count, Ordering::Relaxed);
        done
    }

    fn entry(&mut self, job: &Job, folder: &OwnedFd, name: &[u8], kind: FileType, inode: u64) {
        if name == b".git" {
            self.found.repositories.insert(job.path.clone());
        }
        let found = match self.shared.sought {
            Sought::Globs(globs) => self.matching(globs, job, name, kind),
            Sought::Inodes(inodes) => inodes.get(&inode).map(|known| (known.glob, Way::Name)),
        };
        if kind == FileType::Directory {
            self.set_path(&job.path, name);
            let under = found.filter(|(_, way)| *way != Way::Name).map(|(glob, _)| glob);
            self.own.push(Job { path: self.path.clone(), under });
        }
        if let Some((glob, way)) = found {
            self.add(job, folder, name, glob, way);
        }
    }

    fn matching(
        &mut self,
        globs: &Globs,
        job: &Job,
        name: &[u8],
        kind: FileType,
    ) -> Option<(usize, Way)> {
        if let Some(glob) = job.under {
            return Some((glob, Way::Folder));
        }
        if !globs.may_match(name) {
            return None;
        }
        let name_at = self.set_path(&job.path, name);
        globs.find(&self.path, name_at, kind).map(|glob| (glob, Way::Itself))
    }

    fn add(&mut self, job: &Job, folder: &OwnedFd, name: &[u8], glob: usize, way: Way) {
        self.set_path(&job.path, name);
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // It is gone.
            Err(Errno::NOENT) => return,
            Err(error) => {
                return self.found.unseen.push(unseen(self.path.clone(), Why::Failed(error)));
            }
        };
        let identity = (stat.st_dev, stat.st_ino);
        if let Sought::Inodes(inodes) = self.shared.sought
            && inodes.get(&stat.st_ino).is_none_or(|known| known.identity != identity)
        {
            return;
        }
        let kind = FileType::from_raw_mode(stat.st_mode);
        #[expect(clippy::useless_conversion, reason = "it is a smaller number on some processors")]
        let names = u64::from(stat.st_nlink);
        self.found.add(self.path.clone(), Match { glob, kind, identity, names, way });
        if way != Way::Name {
            self.shared.matches.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Builds the path of a name, and returns where the name starts in it.
    fn set_path(&mut self, folder: &[u8], name: &[u8]) -> usize {
        self.path.clear();
        self.path.extend_from_slice(folder);
        if !folder.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        self.path.len() - name.len()
    }
}

/// Whether the folder is the caller's, who could make it readable again. If that is not known,
/// it counts as the caller's.
fn is_own(place: &Place, path: &[u8]) -> bool {
    place.owner(path).is_none_or(|owner| owner == geteuid().as_raw())
}
