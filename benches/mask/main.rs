//! What it takes to find the files of a project that presets mask, of 10,000 and of 100,000 files:
//! the time from the start of the process until its last reply, next to what it takes one thread to
//! list the same folders and do nothing else.
//!
//! `cargo bench -p jail-host --bench mask`. The times go to docs/performance.md by hand.
#![expect(clippy::disallowed_methods, reason = "a bench starts what it measures")]
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

use std::fs;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jail_plan::errand::{PACKET_MAX, Reply};
use jail_plan::mask::{CREDENTIALS, MASK, Message, Part, parts};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
    SocketType, recv, sendmsg, socketpair,
};

const ROUNDS: usize = 31;
/// Files of a folder.
const FILES: usize = 10;
/// One folder of so many has a file that is masked.
const MASKED: usize = 500;

fn main() {
    for folders in [100, 1000, 10_000] {
        let folder = tempfile::tempdir().expect("a folder");
        make(folder.path(), folders);
        let mut rounds: Vec<_> = (0..ROUNDS).map(|_| measure(folder.path())).collect();
        let found = rounds.iter().map(|round| round.1).max().unwrap_or_default();
        let first = rounds.first().map(|round| round.0).unwrap_or_default();
        rounds.sort_unstable();
        let median = rounds.get(ROUNDS / 2).map(|round| round.0).unwrap_or_default();
        let mut listed: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let begin = Instant::now();
                list(folder.path());
                begin.elapsed()
            })
            .collect();
        listed.sort_unstable();
        let floor = listed.get(ROUNDS / 2).copied().unwrap_or_default();
        println!(
            "{} files: median {median:?}, first {first:?}, masked {found}; listing alone {floor:?}",
            folders * FILES
        );
    }
}

fn make(project: &Path, folders: usize) {
    for folder in 0..folders {
        let path = project.join(format!("d{}/e{folder}", folder % 50));
        fs::create_dir_all(&path).expect("a folder");
        for file in 0..FILES {
            fs::write(path.join(format!("f{file}.rs")), b"x").expect("a file");
        }
        if folder % MASKED == 0 {
            fs::write(path.join(".env"), b"x").expect("a file");
        }
    }
}

/// Lists a folder and those below it, and looks at no name.
fn list(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        if entry.file_type().expect("a type").is_dir() {
            list(&entry.path());
        }
    }
}

/// The time, and how many files are masked.
fn measure(project: &Path) -> (Duration, usize) {
    let flags = SocketFlags::empty();
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).expect("sockets");
    fcntl_setfd(&ours, FdFlags::CLOEXEC).expect("a flag");
    let folder = OwnedFd::from(fs::File::open(project).expect("it is there"));
    let begin = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_jail-host"))
        .arg(MASK)
        .arg(theirs.as_raw_fd().to_string())
        .stdin(Stdio::null())
        .spawn()
        .expect("the helper");
    drop(theirs);
    let path = project.as_os_str().as_bytes().to_vec();
    let message =
        Message::Folder { path, other_user: false, globs: vec![CREDENTIALS.into()] }.encode();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let folders = [folder.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&folders));
    sendmsg(&ours, &[IoSlice::new(&message)], &mut control, SendFlags::empty()).expect("it hears");
    let mut masked = 0;
    loop {
        let mut packet = [0; PACKET_MAX];
        let (length, _) = recv(&ours, &mut packet[..], RecvFlags::empty()).expect("a reply");
        let body = match Reply::decode(packet.get(..length).unwrap_or_default()) {
            Some(Reply::Done(body)) => body,
            other => unreachable!("{other:?}"),
        };
        let (found, is_last) = parts(&body).expect("parts");
        masked += found.iter().filter(|part| matches!(part, Part::Place(_))).count();
        if is_last {
            break;
        }
    }
    let took = begin.elapsed();
    process.wait().expect("it ends");
    (took, masked)
}
