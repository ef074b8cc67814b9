//! Attempts on files, and on what a process is given.

#![expect(
    clippy::disallowed_methods,
    reason = "a probe starts programs and reads variables, because that is what it tries"
)]

use std::collections::VecDeque;
use std::fs::{self, File, FileType, OpenOptions};
use std::hint::black_box;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::ANSWER_MAX;
use crate::answer::Answer;
use crate::net;
use crate::sys;

/// How many entries a listing or a search looks at.
const ENTRIES_MAX: usize = 20_000;

pub(crate) fn read(path: &str) -> Answer {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(ANSWER_MAX as u64).read_to_end(&mut bytes).map(drop));
    Answer::from_result(read, |()| Answer::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writes into a file through a mapping into memory, whose page was written before and so has no
/// new time: a watcher of times sees nothing of it.
pub(crate) fn write_mapped(path: &str, text: &str) -> Answer {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) => return Answer::failed(&error),
    };
    let bytes = match sys::map(file.as_fd(), text.len()) {
        Ok(bytes) => black_box(bytes),
        Err(error) => return Answer::of_register(error),
    };
    for _ in 0..2 {
        bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
        black_box(&mut *bytes);
    }
    sleep(Duration::from_secs(2));
    bytes.copy_from_slice(text.as_bytes());
    black_box(bytes);
    Answer::Done(0)
}

pub(crate) fn list(path: &str) -> Answer {
    Answer::from_result(names(Path::new(path)), Answer::List)
}

fn names(path: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut size = 0;
    for entry in fs::read_dir(path)?.take(ENTRIES_MAX) {
        let name = text(entry?.file_name().as_bytes());
        size += name.len();
        if size > ANSWER_MAX {
            break;
        }
        names.push(name);
    }
    names.sort();
    Ok(names)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn link(path: &str) -> Answer {
    Answer::from_result(fs::read_link(path), |target| {
        Answer::Text(text(target.as_os_str().as_bytes()))
    })
}

/// `folder 0755 0 0`: kind, permission bits, user, group.
pub(crate) fn stat(path: &str) -> Answer {
    Answer::from_result(fs::symlink_metadata(path), |meta| {
        let kind = kind(&meta);
        let (mode, uid, gid) = (meta.mode() & 0o7777, meta.uid(), meta.gid());
        Answer::Text(format!("{kind} {mode:04o} {uid} {gid}"))
    })
}

fn kind(meta: &fs::Metadata) -> &'static str {
    let kind = meta.file_type();
    match () {
        () if kind.is_dir() => "folder",
        () if kind.is_symlink() => "link",
        () if kind.is_socket() => "socket",
        () if kind.is_fifo() => "pipe",
        () if kind.is_char_device() || kind.is_block_device() => "device",
        () => "file",
    }
}

pub(crate) fn open_write(path: &str) -> Answer {
    Answer::from_result(OpenOptions::new().append(true).open(path), |_| Answer::Done(0))
}

pub(crate) fn create(path: &str) -> Answer {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    Answer::from_result(made.and_then(|_| fs::remove_file(path)), |()| Answer::Done(0))
}

pub(crate) fn hard_link(from: &str, to: &str) -> Answer {
    Answer::from_result(fs::hard_link(from, to).and_then(|()| fs::remove_file(to)), |()| {
        Answer::Done(0)
    })
}

pub(crate) fn rename(from: &str, to: &str) -> Answer {
    Answer::from_result(fs::rename(from, to).and_then(|()| fs::rename(to, from)), |()| {
        Answer::Done(0)
    })
}

pub(crate) fn run(path: &str, arguments: &[&str]) -> Answer {
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Answer::from_result(command.status(), |status| match status.code() {
        Some(code) => Answer::Done(i64::from(code)),
        None => Answer::Killed(std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0)),
    })
}

/// Names only: a value may be a secret, and no check needs it.
pub(crate) fn environment() -> Answer {
    let mut names: Vec<String> =
        std::env::vars_os().map(|(name, _)| text(name.as_bytes())).collect();
    names.sort();
    Answer::List(names)
}

pub(crate) fn variable(name: &str) -> Answer {
    std::env::var_os(name).map_or(Answer::Refused(2), |value| Answer::Text(text(value.as_bytes())))
}

/// `7 /etc/shadow`. The descriptor by which the list is read is left out, as is the pipe of
/// the answer, which is last.
pub(crate) fn descriptors() -> Answer {
    let folder = Path::new("/proc/self/fd");
    let entries = match names(folder) {
        Ok(names) => names,
        Err(error) => return Answer::failed(&error),
    };
    let mut numbers: Vec<u32> = entries.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    let shown = numbers.into_iter().filter_map(|number| {
        let target = fs::read_link(folder.join(number.to_string())).ok()?;
        Some(format!("{number} {}", text(target.as_os_str().as_bytes())))
    });
    let mut shown: Vec<String> = shown.collect();
    if shown.last().is_some_and(|last| last.contains(" pipe:")) {
        shown.pop();
    }
    Answer::List(shown)
}

/// Sockets below folders on which a program listens and accepts connections. What cannot be read is
/// passed over: it cannot be used either.
pub(crate) fn sockets(paths: &[&str]) -> Answer {
    let mut found = Vec::new();
    below(paths, |path, kind| {
        if kind.is_socket() && net::somebody_listens(path) {
            found.push(text(path.as_os_str().as_bytes()));
        }
    });
    found.sort();
    Answer::List(found)
}

/// Shows everything below folders, within bounds, without the kernel's own trees and the store.
pub(crate) fn below(paths: &[&str], mut show: impl FnMut(&Path, FileType)) {
    let mut folders: VecDeque<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let mut seen = 0;
    // Nearest first, or a large tree would hide what is next to it.
    while let Some(folder) = folders.pop_front() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            seen += 1;
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
            show(&path, kind);
            let is_searched =
                !["/proc", "/sys", "/nix/store"].iter().any(|own| path == Path::new(own));
            if kind.is_dir() && is_searched && seen < ENTRIES_MAX {
                folders.push_back(path);
            }
        }
    }
}
