//! Keeps settings apart: what git on the host executes or believes of a repository that a jail may
//! write, and what programs do of their own state ([`private`]).
//!
//! Before the launch it says which places these are ([`find()`]) and makes the placeholders that
//! are needed to hold them; then it makes the jail's copies ([`copies`]), and gives up every right
//! but over the repositories and the copies. When the jail has ended, whatever ended it, it
//! compares the copies with what they were ([`changes`]), takes harmless settings over where the
//! plan says so ([`merge`]), and takes the placeholders away. No git is run, and nothing that the
//! jail wrote is believed.

mod changes;
mod closure;
mod copies;
mod familiar;
mod file;
mod filesystem;
mod find;
mod followed;
mod guide;
mod harmless;
mod held;
pub(crate) mod identity;
mod jsonc;
mod links;
mod mentions;
mod merge;
mod named;
mod news;
mod placeholder;
mod private;
mod private_report;
mod programs;
mod report;
mod reported;
mod repository;
mod room;
mod store;
mod stored;
mod way;

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use jail_plan::git::{About, Answer, Line, Message, RECEIVED_MAX};
use rustix::io::Errno;

use self::copies::Copies;
use self::familiar::Familiar;
use self::find::{FoundRepository, find};
use self::private::Folder;
pub(crate) use self::report::damaged;
use self::report::fitting;
use crate::follow::walls;
use crate::handoff::unsaid::Unsaid;
use crate::sys::landlock::{MAKE_REG, READ_DIR, READ_FILE, REMOVE_DIR, REMOVE_FILE, WRITE_FILE};
use crate::{packet, sys};

/// Why a launch is refused: what it is about, why, and what to do.
type Refusal = [String; 3];

/// From the first word to the last answer.
pub(crate) fn run(socket: &OsStr) -> ExitCode {
    let Some(socket) = sys::descriptor(socket) else { return ExitCode::FAILURE };
    match serve(&socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(socket: &OwnedFd) -> io::Result<()> {
    let first = walls::raise();
    let Some((Message::Outside(outside), None)) = hear(socket)? else {
        return Err(io::Error::other("nothing was said of the working folder"));
    };
    let mut found = match find(&outside) {
        Ok(found) => found,
        Err(refusal) => return tell(socket, &Answer::Refused(refusal)),
    };
    for answer in Answer::of_places(&found.places) {
        tell(socket, &answer)?;
    }
    found.private.iter_mut().for_each(|folder| folder.look(&found.home));
    let state = Path::new(OsStr::from_bytes(&outside.state));
    let (unsaid, familiar) = (Unsaid::open(state), Familiar::open(state, &found));
    let done = accompany(socket, &found, &unsaid, &familiar, first);
    found.clear();
    done
}

/// From the places to the last answer.
fn accompany(
    socket: &OwnedFd,
    found: &FoundRepository,
    unsaid: &Unsaid,
    familiar: &Familiar,
    first: Result<(), Errno>,
) -> io::Result<()> {
    // Else the launch has stopped before.
    let Some((Message::Inside { other_user, masked }, Some(folder))) = hear(socket)? else {
        return Ok(());
    };
    let masked = masked.into_iter().collect();
    let copies = match Copies::make(found, folder, other_user, &masked) {
        Ok(copies) => copies,
        Err(refusal) => return tell(socket, &Answer::Refused(refusal)),
    };
    let mut notes = filesystem::lines(found);
    notes.extend(private_report::unfollowed(found, &copies));
    let confined = first.and_then(|()| confine(found, &copies, unsaid, familiar));
    let line = |words| Line { about: About::Git, words };
    match notes.is_empty() {
        true => tell(socket, &Answer::Done)?,
        false => tell(socket, &Answer::Lines(fitting(notes.into_iter().map(line).collect())))?,
    }
    let last = hear(socket)?;
    let lines = match confined {
        Ok(()) => report::lines(found, &copies, familiar),
        Err(_) => report::unconfined(found),
    };
    familiar.keep();
    // The placeholders are gone before the launcher goes on.
    found.clear();
    let said = match last {
        Some(_) if lines.is_empty() => return tell(socket, &Answer::Done),
        Some(_) => tell(socket, &Answer::Lines(lines.clone())).is_ok(),
        None => false,
    };
    // The launcher was killed.
    if said { Ok(()) } else { unsaid.keep(lines.iter().map(|line| line.words.as_str())) }
}

/// Gives up all that reading what the jail has written does not need.
fn confine(
    found: &FoundRepository,
    copies: &Copies,
    unsaid: &Unsaid,
    familiar: &Familiar,
) -> Result<(), Errno> {
    let whole = READ_FILE | READ_DIR | WRITE_FILE | MAKE_REG | REMOVE_FILE | REMOVE_DIR;
    let mut folders: Vec<_> = found.folders().map(|folder| (folder, whole)).collect();
    folders.push((&copies.folder, READ_FILE | READ_DIR));
    // A placeholder is renamed before it is removed.
    let look = READ_FILE | READ_DIR | MAKE_REG | REMOVE_FILE | REMOVE_DIR;
    folders.extend(found.private.iter().map(|folder| (&folder.held.folder, look)));
    folders.extend(unsaid.folder().map(|folder| (folder, WRITE_FILE | MAKE_REG)));
    let kept = WRITE_FILE | MAKE_REG | REMOVE_FILE;
    folders.extend(familiar.folder().map(|folder| (folder, kept)));
    // What lies next to such a folder is read by its name, as it is then.
    let beside: Vec<_> = found.private.iter().flat_map(Folder::beside).collect();
    folders.extend(beside.iter().map(|folder| (folder, READ_FILE)));
    walls::close(&folders, CALLS)
}

/// What reading folders, and taking a setting over, needs in addition to copying a file.
const CALLS: &[libc::c_long] = &[
    libc::SYS_getdents64,
    libc::SYS_flock,
    libc::SYS_lseek,
    libc::SYS_readlinkat,
    libc::SYS_renameat2,
    libc::SYS_getrandom,
];

fn hear(socket: &OwnedFd) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
    packet::hear(socket, &mut [0; RECEIVED_MAX], Message::decode)
}

fn tell(socket: &OwnedFd, answer: &Answer) -> io::Result<()> {
    packet::tell(socket, &answer.encode(), &[])
}
