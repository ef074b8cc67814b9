//! Stands in for the broker in tests of the launch: it writes down what it was given, and carries
//! each connection to a listener of the plan to the same port of the host's loopback. It resolves
//! nothing and judges nothing.
//!
//! The word that the plan has in the place of a resolver says how it ends: `deaf`, `dies` (at the
//! second connection), `late`; `refuses` tells the jail so; `gives` fills what the jail waits
//! for, and `ends` does not.

#![expect(clippy::disallowed_methods, reason = "it writes down the variables that it was given")]
#![expect(clippy::exit, clippy::expect_used, clippy::print_stderr, reason = "a program for tests")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, process, thread};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::{Value, json};

/// How it ends when the supervisor is gone.
const ORPHANED: i32 = 3;

fn main() {
    let seen = seen();
    let [channel, start, life] = [2, 3, 4].map(own);
    let mut text = String::new();
    fs::File::from(start).read_to_string(&mut text).expect("text");
    let start: Value = serde_json::from_str(&text).expect("JSON");
    let word = |place: &str| start.pointer(place).and_then(Value::as_str).map(str::to_owned);
    let folder = word("/state").expect("a folder");
    let mode = word("/plan_network/egress/resolvers/0").unwrap_or_default();
    write(&folder, "seen", &json!({ "process": seen, "start": start }));
    let is_deaf = mode == "deaf";
    thread::spawn(move || live(UnixStream::from(life), is_deaf));
    let Some(mut given) = receive(&channel) else {
        write(&folder, "given", &json!(null));
        wait()
    };
    write(&folder, "given", &json!(given.iter().map(place).collect::<Vec<_>>()));
    if mode == "ends" {
        eprintln!("stand-in: nothing to give");
        process::exit(1);
    }
    if mode == "gives" {
        give(given, &channel);
        wait()
    }
    if mode == "late" {
        thread::sleep(Duration::from_secs(2));
    }
    if mode == "refuses"
        && let Some(refused) = given.pop()
    {
        fs::File::from(refused).write_all(b"no\n").expect("a line");
    }
    let last = if mode == "dies" { 1 } else { usize::MAX };
    for socket in given.into_iter().skip(2).filter(|one| place(one).starts_with("tcp")) {
        thread::spawn(move || serve(&TcpListener::from(socket), last));
    }
    wait()
}

/// Fills files, answers on sockets, and gives two variables.
fn give(given: Vec<OwnedFd>, channel: &OwnedFd) {
    // The last is that of what was refused.
    let files = given.len() - 1;
    for one in given.into_iter().take(files).skip(2) {
        if rustix::net::sockopt::socket_type(&one).is_ok() {
            let listener = std::os::unix::net::UnixListener::from(one);
            thread::spawn(move || {
                for mut client in listener.incoming().map_while(Result::ok) {
                    let _ = client.write_all(b"served\n");
                }
            });
        } else {
            fs::File::from(one).write_all(b"filled\n").expect("a line");
        }
    }
    let answer = b"gGIVEN=one=1\0PLANNED=given";
    rustix::net::send(channel, answer, rustix::net::SendFlags::empty()).expect("it waits");
}

/// What it was started with, before it opens anything.
fn seen() -> Value {
    json!({
        "arguments": env::args().collect::<Vec<_>>(),
        "variables": env::vars().collect::<Vec<_>>(),
        "folder": env::current_dir().expect("a folder"),
        "descriptors": descriptors(),
        "group": rustix::process::getpgrp().as_raw_nonzero(),
        "process": process::id(),
    })
}

/// When its process ends, this ends.
fn wait() -> ! {
    loop {
        thread::park();
    }
}

/// The descriptor that this word of the command line names.
fn own(index: usize) -> OwnedFd {
    let number = env::args().nth(index).and_then(|word| word.parse().ok()).expect("a number");
    // SAFETY: the command line names descriptors that are this program's alone; each is taken once.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Where the descriptors of this process lead, but for the folder that is being read.
fn descriptors() -> Vec<String> {
    let entries = fs::read_dir("/proc/self/fd").expect("a list").filter_map(Result::ok);
    let link = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?.display().to_string();
        let number = entry.file_name().display().to_string();
        (!target.ends_with("/fd")).then(|| format!("{number} {target}"))
    };
    entries.filter_map(link).collect()
}

/// A test that has seen enough may have removed the folder.
fn write(folder: &str, name: &str, value: &Value) {
    let path = Path::new(folder).join(name);
    let new = path.with_extension("new");
    let _ = fs::write(&new, value.to_string()).and_then(|()| fs::rename(new, path));
}

/// Waits for the end.
fn live(mut life: UnixStream, is_deaf: bool) {
    let mut byte = [0];
    match life.read(&mut byte) {
        Ok(1) if is_deaf => wait(),
        Ok(1) if byte == *b"e" => {
            eprintln!("stand-in: that was all");
            process::exit(0);
        }
        Ok(_) | Err(_) => process::exit(ORPHANED),
    }
}

/// The descriptors of the one message.
fn receive(channel: &OwnedFd) -> Option<Vec<OwnedFd>> {
    let mut byte = [0];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [io::IoSliceMut::new(&mut byte)];
    let received = recvmsg(channel, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC);
    // A launch that fails leaves the supervisor's message unread.
    let is_whole = received.is_ok_and(|received| received.bytes == 1);
    let mut given = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            given.extend(rights);
        }
    }
    is_whole.then(|| {
        assert_eq!(byte, *b"1", "the version");
        given
    })
}

/// `tcp 10.1.2.3:80`, or what else it is.
fn place(fd: &OwnedFd) -> String {
    use rustix::net::{SocketType, sockopt::socket_type};
    let transport = match socket_type(fd) {
        Ok(SocketType::STREAM) => "tcp",
        Ok(_) => "udp",
        Err(_) => {
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            return fs::read_link(path).expect("a link").display().to_string();
        }
    };
    let address = rustix::net::getsockname(fd).expect("an address");
    match std::net::SocketAddr::try_from(address) {
        Ok(address) => format!("{transport} {address}"),
        Err(_) => "unix".into(),
    }
}

/// Carries connections; the one after the `last` ends this program.
fn serve(listener: &TcpListener, last: usize) {
    let port = listener.local_addr().expect("its address").port();
    for (number, inside) in listener.incoming().map_while(Result::ok).enumerate() {
        if number >= last {
            process::exit(7);
        }
        thread::spawn(move || {
            let Ok(outside) = TcpStream::connect(("127.0.0.1", port)) else { return };
            let (mut from, mut to) =
                (inside.try_clone().expect("it"), outside.try_clone().expect("it"));
            thread::spawn(move || copy(&mut from, &mut to));
            copy(&mut { outside }, &mut { inside });
        });
    }
}

fn copy(from: &mut TcpStream, to: &mut TcpStream) {
    let _ = io::copy(from, to);
    let _ = to.flush();
    let _ = to.shutdown(Shutdown::Write);
}
