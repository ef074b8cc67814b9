//! Next to a jail: writes down what the working folder is while the jail begins to write over it.
//! The jail does not wait for that: what was changed after its launch shows it by its change time,
//! which no program can set, and counts as not known.
//!
//! What the stage has something to say about already keeps what was written down when the jail
//! first saw it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, StatxFlags, fstat, statx};
use rustix::net::{RecvFlags, recv};

use super::base::{Base, Hash, Was, begin};
use super::decide::{hash, is_git};
use super::git::{self, Known, Trust};
use super::layer::{DEPTH_MAX, Layer, NAMES_MAX, Written};
use super::place::{Entry, Found, Kind, Tree, entries, found, join};
use super::walls::{self, Work};
use crate::{say, sys};

/// The content of larger files is known by their stamp alone.
const SMALL: u64 = 128 << 10;

/// `SOCKET FOLDER SINCE STATE UPPER BASE`.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    match next_to_a_jail(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("the record of a stage: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn next_to_a_jail(words: &[OsString]) -> io::Result<()> {
    let misspoken = || io::Error::other("the stub and the helper are not of one build");
    let [socket, folder, since, _, upper, base] = words else { return Err(misspoken()) };
    let socket = sys::descriptor(socket).ok_or_else(misspoken)?;
    let project = sys::descriptor(folder).ok_or_else(misspoken)?;
    let since = time(since.to_str().unwrap_or_default()).ok_or_else(misspoken)?;
    let (upper, record) = (super::open(Path::new(upper))?, super::open(Path::new(base))?);
    walls::close(&project, &upper, &record, Work::Record)?;
    let (layer, project) = (Layer::new(upper), Tree::new(project));
    let before = Base::read(&record)?;
    // Should this process end before it has written its record, the next one must not take for
    // granted that it is the first.
    let is_first = begin(&record)? && !is_older(&record, since) && !before.is_there;
    let mut recorder = Recorder::new(&layer, &project, before, &socket, since, is_first);
    recorder.record();
    let is_whole = recorder.is_whole;
    let mut known = Known::read(&record)?;
    let trust = Trust { since: Some(since), is_first };
    git::learn(&layer, &project, &mut known, &recorder.repositories, trust);
    known.write(&record)?;
    Base { known: recorder.now, is_there: true }.write(&record)?;
    if !is_whole {
        say(
            "the folder has more files than a stage records: what is not recorded is kept aside when the stage is applied",
        );
    }
    ended(&socket)?;
    let (files, bytes) = layer.size();
    if files > 0 {
        let size = bytes.div_ceil(1 << 20);
        let words = format!(
            "jailgen: the stage has {files} changed files ({size} MiB); `jailgen changes` shows them\n"
        );
        // The stub may be gone.
        let _ = io::stderr().write_all(words.as_bytes());
    }
    Ok(())
}

/// Waits until the jail has ended, or its launcher.
fn ended(socket: &OwnedFd) -> io::Result<()> {
    loop {
        match recv(socket, &mut [0], RecvFlags::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CONNRESET) | Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What the layer says about the folders that something lies in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    /// It has the folder, which shows what is below.
    Shown,
    /// It has nothing of the folder.
    Untouched,
    /// It hides the folder.
    Hidden,
}

struct Recorder<'a> {
    layer: &'a Layer,
    project: &'a Tree,
    before: Base,
    /// No jail has written to the stage before this one.
    is_first: bool,
    /// When the jail was launched.
    since: (i64, u64),
    socket: &'a OwnedFd,
    is_ended: bool,
    count: usize,
    is_whole: bool,
    now: BTreeMap<Vec<u8>, Was>,
    /// The folders of git.
    repositories: Vec<Vec<u8>>,
}

impl<'a> Recorder<'a> {
    /// Nothing is recorded yet.
    fn new(
        layer: &'a Layer,
        project: &'a Tree,
        before: Base,
        socket: &'a OwnedFd,
        since: (i64, u64),
        is_first: bool,
    ) -> Self {
        let (is_ended, count, is_whole, now) = (false, 0, true, BTreeMap::new());
        let repositories = Vec::new();
        Self {
            layer,
            project,
            before,
            is_first,
            since,
            socket,
            is_ended,
            count,
            is_whole,
            now,
            repositories,
        }
    }

    /// Records all of the project.
    fn record(&mut self) {
        self.folder(b"", Above::Shown, 0);
        self.keep_what_is_gone();
    }

    fn folder(&mut self, path: &[u8], above: Above, depth: usize) {
        let opened = self.project.folder(path);
        let listed = opened.and_then(|folder| {
            let (names, is_all) = entries(&folder, NAMES_MAX.saturating_sub(self.count))?;
            Ok((folder, names, is_all))
        });
        let Ok((folder, names, is_all)) = listed else { return };
        self.count += names.len();
        self.is_whole &= is_all && depth < DEPTH_MAX;
        let (written, above) = match above {
            Above::Shown => {
                self.written(path).map_or((Vec::new(), Above::Hidden), |it| (it, above))
            }
            Above::Untouched | Above::Hidden => (Vec::new(), above),
        };
        for Entry { name, .. } in names {
            if is_git(&name) {
                self.repositories.push(join(path, &name));
                continue;
            }
            let Ok(Some(theirs)) = found(&folder, &name) else { continue };
            let below = join(path, &name);
            let place = written.binary_search_by(|(entry, ..)| entry.name.cmp(&name));
            let ours = place.ok().and_then(|at| written.get(at)).map(|(_, _, written)| *written);
            let of_it = match (above, ours) {
                (Above::Hidden, _) => Above::Hidden,
                (_, None) => Above::Untouched,
                (_, Some(Written::Folder { is_opaque: false })) if theirs.kind == Kind::Folder => {
                    Above::Shown
                }
                (_, Some(_)) => Above::Hidden,
            };
            self.one(&below, &theirs, of_it);
            if theirs.kind == Kind::Folder && depth < DEPTH_MAX {
                self.folder(&below, of_it, depth + 1);
            }
        }
    }

    /// What the layer has in a folder; nothing where that is not known. The jail runs meanwhile:
    /// it can take away the right to look, or have the folder emptied by the kernel, which happens
    /// after another one has taken its place.
    fn written(&self, path: &[u8]) -> Option<Vec<(Entry, Found, Written)>> {
        let inode = || Some(fstat(self.layer.tree().folder(path).ok()?).ok()?.st_ino);
        let before = inode()?;
        let written = self.layer.list(path, NAMES_MAX).ok()?;
        (inode() == Some(before)).then_some(written)
    }

    fn one(&mut self, path: &[u8], theirs: &Found, above: Above) {
        let before = self.before.known.get(path);
        let was = match (above, before) {
            // What the jail saw first is what its own is compared with.
            (Above::Hidden, Some(before)) => before.clone(),
            (Above::Hidden, None) if self.before.is_there => return,
            // An earlier jail has written it, whose record was lost.
            (Above::Hidden, None) if !self.is_first => Was::new(theirs, Hash::Unsure),
            (_, Some(before)) if before.has_stamp_of(theirs) && before.hash != Hash::Unsure => {
                before.clone()
            }
            (_, _) => Was::new(theirs, self.hash(path, theirs)),
        };
        self.now.insert(path.to_vec(), was);
    }

    fn hash(&mut self, path: &[u8], theirs: &Found) -> Hash {
        // The kernel writes times by a clock that ticks.
        if theirs.changed >= self.since {
            return Hash::Unsure;
        }
        self.is_ended = self.is_ended || has_word(self.socket);
        let content = match theirs.kind {
            Kind::Link => self.project.target(path).ok(),
            Kind::File if theirs.size <= SMALL && !self.is_ended => {
                self.project.text(path).ok().flatten()
            }
            Kind::File | Kind::Folder | Kind::Whiteout | Kind::Special(_) => return Hash::Unread,
        };
        let now = self.project.found(path).ok().flatten();
        match content {
            // It is the content of that stamp only if nothing has changed meanwhile.
            Some(content) if now.as_ref() == Some(theirs) => Hash::Is(hash(&content)),
            Some(_) | None => Hash::Unread,
        }
    }

    /// What the project has no more, and the stage has something to say about.
    fn keep_what_is_gone(&mut self) {
        for (path, was) in &self.before.known {
            if !self.now.contains_key(path) && is_written(self.layer, path) {
                self.now.insert(path.clone(), was.clone());
            }
        }
    }
}

/// Whether a layer has something at a path, or hides it.
fn is_written(layer: &Layer, path: &[u8]) -> bool {
    let mut end = 0;
    loop {
        let slash = path.iter().skip(end).position(|byte| *byte == b'/').map(|at| end + at);
        let above = path.get(..slash.unwrap_or(path.len())).unwrap_or_default();
        match layer.tree().found(above) {
            Ok(None) => return false,
            Ok(Some(found)) if found.kind == Kind::Folder => {}
            Ok(Some(_)) | Err(_) => return true,
        }
        match slash {
            Some(slash) => end = slash + 1,
            None => return true,
        }
    }
}

/// Whether the folder of the record is from before this launch, which makes it a little earlier
/// than it says.
fn is_older(record: &OwnedFd, since: (i64, u64)) -> bool {
    const A_LAUNCH: i64 = 60;
    let data = statx(record, c"", AtFlags::EMPTY_PATH, StatxFlags::BTIME);
    let born = data.ok().filter(|data| data.stx_mask & StatxFlags::BTIME.bits() != 0);
    // What is not known is not taken for granted.
    born.is_none_or(|data| data.stx_btime.tv_sec < since.0 - A_LAUNCH)
}

/// Whether the stub has said something: the jail has ended.
fn has_word(socket: &OwnedFd) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

fn time(text: &str) -> Option<(i64, u64)> {
    let (seconds, nanoseconds) = text.split_once('.')?;
    Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::open;
    use super::*;

    /// What is recorded of `d/f`, of which the layer has another one in a folder of this mode.
    fn recorded(before: Base, is_first: bool, mode: u32) -> Option<Was> {
        let folder = tempfile::tempdir().unwrap();
        let [project, upper] = ["project", "upper"].map(|name| folder.path().join(name));
        for side in [&project, &upper] {
            fs::create_dir_all(side.join("d")).unwrap();
            fs::write(side.join("d/f"), "text").unwrap();
        }
        fs::set_permissions(upper.join("d"), Permissions::from_mode(mode)).unwrap();
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let (layer, project) =
            (Layer::new(open(&upper).unwrap()), Tree::new(open(&project).unwrap()));
        let (socket, since) = (socket.into(), (i64::MAX, 0));
        let mut recorder = Recorder::new(&layer, &project, before, &socket, since, is_first);
        recorder.record();
        let was = recorder.now.remove(b"d/f".as_slice());
        fs::set_permissions(upper.join("d"), Permissions::from_mode(0o755)).unwrap();
        was
    }

    fn earlier() -> Base {
        let was = Was {
            kind: Kind::File,
            mode: 0o644,
            inode: 7,
            size: 9,
            modified: (1, 2),
            changed: (3, 4),
            hash: Hash::Unread,
        };
        Base { known: [(b"d/f".to_vec(), was)].into(), is_there: true }
    }

    #[test]
    fn what_the_layer_hides_keeps_its_first_record_also_where_the_jail_forbids_to_look() {
        // The last two can be distinguished by an ordinary user only: root may look.
        for mode in [0o755, 0o000, 0o600, 0o400] {
            let kept = recorded(earlier(), false, mode).unwrap();
            assert_eq!((kept.inode, kept.changed), (7, (3, 4)), "{mode:o}");
        }
    }

    #[test]
    fn what_an_earlier_jail_has_hidden_is_not_known_where_its_record_was_lost() {
        let hash = |is_first| recorded(Base::default(), is_first, 0o755).unwrap().hash;
        assert!(matches!(hash(true), Hash::Is(_)));
        assert_eq!(hash(false), Hash::Unsure);
    }
}
