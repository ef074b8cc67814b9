//! The hand-off ledger: what a session left in the project that a program of the host would execute
//! or believe.
//!
//! A process of its own, confined ([`walls`]) before it reads anything of the project: next to a
//! jail that runs, from its launch to its end, or for `jailgen handoff`. It compares contents with
//! those that were there when the jail was launched, runs nothing, and follows no link out of the
//! project.

pub(crate) mod aside;
mod company;
pub(crate) mod content;
pub(crate) mod git_config;
mod gone;
mod held;
mod judge;
pub(crate) mod names;
mod patterns;
pub(crate) mod place;
mod record;
pub(crate) mod report;
mod rights;
mod store;
mod tree;
pub(crate) mod unsaid;
mod walls;
pub(crate) mod watch;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jail_plan::handoff::{ENDED, QUARANTINE};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use self::company::Launcher;
use self::judge::{Left, Records};
use self::names::Names;
use self::patterns::Patterns;
use self::place::Place;
use self::record::Known;
use self::report::{Extent, Report};
use self::store::Store;
use self::tree::{Seen, walk};
use self::unsaid::Kept;
use crate::{say, sys};

/// The file with the globs of what is not looked at, as the last session that began has them.
const LIFTED: &str = "lifted";

/// What the process may do in the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Look,
    /// What is not approved is moved aside, or back.
    Move,
}

/// Next to a jail: `SOCKET FOLDER SINCE STATE [quarantine] [protect GLOB…]`.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    status("the hand-off ledger", next_to_a_jail(words))
}

/// For `jailgen handoff`: `show|json|approve|restore STATE PROJECT [PATH…]`.
pub(crate) fn command(words: &[OsString]) -> ExitCode {
    status("the hand-off ledger", for_the_user(words))
}

fn status(who: &str, result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{who}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What the stub gives a process that runs next to a jail.
struct NextToJail<'a> {
    socket: OwnedFd,
    folder: OwnedFd,
    /// When the jail was launched, in seconds and nanoseconds.
    since: (i64, u32),
    state: &'a Path,
    patterns: Patterns,
    /// All words behind these.
    rest: &'a [OsString],
}

impl<'a> NextToJail<'a> {
    fn from_words(words: &'a [OsString]) -> io::Result<Self> {
        let misspoken = || io::Error::other("the stub and the helper are not of one build");
        let [socket, folder, since, state, rest @ ..] = words else { return Err(misspoken()) };
        let socket = sys::descriptor(socket).ok_or_else(misspoken)?;
        let folder = sys::descriptor(folder).ok_or_else(misspoken)?;
        let since = time(since).ok_or_else(misspoken)?;
        let patterns = Patterns::of_words(rest).ok_or_else(misspoken)?;
        Ok(Self { socket, folder, since, state: Path::new(state), patterns, rest })
    }

    fn has(&self, word: &str) -> bool {
        self.rest.iter().any(|given| given == word)
    }
}

fn next_to_a_jail(words: &[OsString]) -> io::Result<()> {
    let given = NextToJail::from_words(words)?;
    let work = if given.has(QUARANTINE) { Work::Move } else { Work::Look };
    let launcher = Launcher::read();
    let mut ledger = Ledger::new(given.folder, given.state, work)?;
    ledger.patterns = given.patterns;
    ledger.session(&given.socket, given.since, launcher.as_ref())
}

fn for_the_user(words: &[OsString]) -> io::Result<()> {
    let [mode, state, project, paths @ ..] = words else {
        return Err(io::Error::other("`jailgen handoff` starts it"));
    };
    let mode = mode.to_str();
    let work = match mode {
        Some("approve" | "restore") => Work::Move,
        Some(_) | None => Work::Look,
    };
    let state = Path::new(state);
    // It is not about one project, and is read before this process gives up its rights.
    let unsaid = Kept::read(state)?;
    if mode == Some("approve") && paths.is_empty() {
        unsaid.approve()?;
    }
    let Some(mut ledger) = Ledger::nearest(Path::new(project), state, work)? else {
        return without_session(mode, project, &unsaid.lines);
    };
    ledger.unsaid = unsaid.lines;
    match mode {
        Some("show") => ledger.show(|report| report.text(Extent::All)),
        Some("json") => ledger.show(|report| report.json()),
        Some("approve") => ledger.approve(paths),
        Some("restore") => ledger.restore(paths),
        Some(_) | None => Err(io::Error::other("`jailgen handoff` starts it")),
    }
}

/// No session that was examined ran in this folder: what launchers that were killed have not said
/// is all that there is.
fn without_session(mode: Option<&str>, project: &OsStr, unsaid: &[String]) -> io::Result<()> {
    let nothing = BTreeSet::new();
    let (project, is_running) = (project.as_bytes(), false);
    let report = Report { project, left: &[], held: &nothing, unsaid, is_running };
    let text = match mode {
        Some("show") if !unsaid.is_empty() => report.text(Extent::All),
        Some("json") if !unsaid.is_empty() => report.json(),
        Some("approve") if !unsaid.is_empty() => "0 approved\n".into(),
        Some(_) | None => return Err(io::Error::other("no session that was examined ran here")),
    };
    io::stdout().write_all(text.as_bytes())
}

/// `SECONDS.NANOSECONDS`.
fn time(word: &OsStr) -> Option<(i64, u32)> {
    let (seconds, nanoseconds) = word.to_str()?.split_once('.')?;
    Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
}

/// A project, and what is known of it.
struct Ledger {
    place: Place,
    store: Store,
    names: Names,
    /// What is not looked at.
    patterns: Patterns,
    work: Work,
    /// What launchers that were killed have not said.
    unsaid: Vec<String>,
}

impl Ledger {
    fn new(folder: OwnedFd, state: &Path, work: Work) -> io::Result<Self> {
        let path = path_of(&folder)?;
        let store = Store::create(state, path.as_os_str().as_bytes())?;
        Self::confined(folder, path, store, work)
    }

    /// That of a folder, or of the nearest above it that a session was started in.
    fn nearest(folder: &Path, state: &Path, work: Work) -> io::Result<Option<Self>> {
        for folder in folder.canonicalize()?.ancestors() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let opened = rustix::fs::open(folder, flags, Mode::empty())?;
            let path = path_of(&opened)?;
            if let Some(store) = Store::open(state, path.as_os_str().as_bytes())? {
                return Self::confined(opened, path, store, work).map(Some);
            }
        }
        Ok(None)
    }

    fn confined(folder: OwnedFd, path: PathBuf, store: Store, work: Work) -> io::Result<Self> {
        let names = Names::new();
        walls::close(&folder, store.folder(), work).map_err(|error| {
            io::Error::other(format!("its process cannot be confined: {}", io::Error::from(error)))
        })?;
        let place = Place::new(folder, path.into_os_string().into_vec());
        let lifted = store.read(LIFTED)?.unwrap_or_default();
        let lifted = String::from_utf8_lossy(&lifted);
        let patterns = Patterns::read(lifted.lines());
        let patterns = patterns.ok_or_else(|| io::Error::other("its record cannot be read"))?;
        Ok(Self { place, store, names, patterns, work, unsaid: Vec::new() })
    }

    /// From the launch to the jail's end.
    fn session(
        &self,
        socket: &OwnedFd,
        since: (i64, u32),
        launcher: Option<&Launcher>,
    ) -> io::Result<()> {
        let (running, is_alone) = self.store.join()?;
        let others = launcher.map(|launcher| launcher.join(&self.store)).transpose()?;
        if let Some(words) = company::words(&others.unwrap_or_default()) {
            say(&words);
        }
        if is_alone {
            self.begin(since)?;
        }
        let heard = hear(socket)?;
        // Where the disk is full, the comparison is made all the same.
        let left = launcher.map_or(Ok(()), |launcher| launcher.leave(&self.store));
        match heard {
            // The launcher was killed. The record stays, and `jailgen handoff` compares with it.
            None => return left,
            Some(ENDED) => self.end(since)?,
            // There was no payload.
            Some(_) => {}
        }
        if self.store.is_last(&running) {
            self.store.remove("open")?;
        }
        left
    }

    fn begin(&self, since: (i64, u32)) -> io::Result<()> {
        let _turn = self.store.turn()?;
        self.store.write(LIFTED, self.patterns.lifted().join("\n").as_bytes())?;
        let mut records = self.records()?;
        let seen = self.walk(&records, Some(since));
        let gone = gone::gone_at_once(&self.place, &self.names, &records, &seen, since);
        records.begin(&seen);
        records.before.get_or_insert_default().0.extend(gone.0);
        self.keep(&records)?;
        self.store.write("open", b"")
    }

    fn end(&self, since: (i64, u32)) -> io::Result<()> {
        let _turn = self.store.turn()?;
        let mut records = self.records()?;
        let seen = self.walk(&records, Some(since));
        let left = records.left(&seen);
        records.end(&left);
        self.store.keep("waiting", &records.waiting)?;
        let mut held = match self.work {
            Work::Look => BTreeSet::new(),
            Work::Move => held::hold(&self.place, &self.store, &left),
        };
        // By the watcher, while the session ran.
        held.extend(held::paths_since(&self.store, since)?);
        let gone = gone::gone(&self.place, &self.names, &records, &seen);
        let is_gone = |seen: &&Seen| !held.contains(&seen.path) && !self.patterns.lifts(&seen.path);
        let gone = gone.iter().filter(is_gone);
        let left: Vec<_> = gone.map(Left::gone).chain(left).collect();
        let text = self.report(&left, &held).text(Extent::Session);
        // The stub may be gone.
        let _ = io::stderr().write_all(text.as_bytes());
        Ok(())
    }

    fn show(&self, words: impl Fn(&Report<'_>) -> String) -> io::Result<()> {
        let records = self.records()?;
        let seen = self.walk(&records, None);
        let left = records.still_left(&seen);
        let held = held::paths(&self.store)?;
        let mut report = self.report(&left, &held);
        report.is_running = self.store.is_running();
        io::stdout().write_all(words(&report).as_bytes())
    }

    /// What is at these paths, or below them; all of it if no path is named.
    fn approve(&self, paths: &[OsString]) -> io::Result<()> {
        let _turn = self.store.turn()?;
        let (restored, _) = self.put_back(paths)?;
        let mut records = self.records()?;
        let seen = self.walk(&records, None);
        let mut left = records.left(&seen);
        left.retain(|left| {
            let path = &left.seen.path;
            restored.contains(path)
                || self.is_meant(paths, path)
                    && (records.is_open || records.waiting.0.contains_key(&left.seen.key()))
        });
        let meant: Vec<_> = left.iter().collect();
        if meant.is_empty() && !paths.is_empty() {
            return Err(io::Error::other("nothing that was left exists any more"));
        }
        let text = format!("{} approved\n", meant.len());
        records.approve(&meant);
        self.store.keep("approved", &records.approved)?;
        self.store.keep("waiting", &records.waiting)?;
        io::stdout().write_all(text.as_bytes())
    }

    /// Brings back what is held, without approving it.
    fn restore(&self, paths: &[OsString]) -> io::Result<()> {
        let _turn = self.store.turn()?;
        let (restored, taken) = self.put_back(paths)?;
        if let (true, Some(error)) = (restored.is_empty(), taken) {
            return Err(error);
        }
        io::stdout().write_all(format!("{} brought back\n", restored.len()).as_bytes())
    }

    fn put_back(&self, paths: &[OsString]) -> io::Result<(BTreeSet<Vec<u8>>, Option<io::Error>)> {
        held::restore(&self.place, &self.store, |path| self.is_meant(paths, path))
    }

    /// Whether something below the project is at one of these paths, or below; if no path is named,
    /// it is.
    fn is_meant(&self, paths: &[OsString], below: &[u8]) -> bool {
        let project = Path::new(OsStr::from_bytes(&self.place.path));
        let path = project.join(OsStr::from_bytes(below));
        paths.is_empty() || paths.iter().any(|wanted| path.starts_with(wanted))
    }

    fn report<'a>(
        &'a self,
        left: &'a [judge::Left<'a>],
        held: &'a BTreeSet<Vec<u8>>,
    ) -> Report<'a> {
        let (project, unsaid) = (&self.place.path, &self.unsaid);
        Report { project, left, held, unsaid, is_running: false }
    }

    fn walk(&self, records: &Records, since: Option<(i64, u32)>) -> Vec<Seen> {
        let nothing = Known::default();
        let before = records.before.as_ref().unwrap_or(&nothing);
        let mut seen = walk(&self.place, &self.names, before, since);
        seen.retain(|seen| !self.patterns.lifts(&seen.path));
        seen
    }

    fn records(&self) -> io::Result<Records> {
        Ok(Records {
            before: self.store.known("before")?,
            waiting: self.store.known("waiting")?.unwrap_or_default(),
            approved: self.store.known("approved")?.unwrap_or_default(),
            is_open: self.store.has("open"),
        })
    }

    fn keep(&self, records: &Records) -> io::Result<()> {
        let nothing = Known::default();
        self.store.keep("before", records.before.as_ref().unwrap_or(&nothing))?;
        self.store.keep("waiting", &records.waiting)
    }
}

/// Where a folder is.
fn path_of(folder: &OwnedFd) -> io::Result<PathBuf> {
    let path = std::fs::read_link(sys::name_of(folder))?;
    match path.is_absolute() {
        true => Ok(path),
        false => Err(io::Error::other("the project cannot be reached from `/`")),
    }
}

/// What the stub says; `None` once it has ended.
fn hear(socket: &OwnedFd) -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        match recv(socket, &mut byte, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            Err(Errno::CONNRESET) | Ok((0, _)) => return Ok(None),
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(byte.first().copied()),
        }
    }
}
