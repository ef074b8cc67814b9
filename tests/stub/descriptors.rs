//! E22: what another process does for a jail by sending it an open folder, over
//! a socket in the project.

use std::io::IoSlice;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;

use jail_plan::Handled;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::jail::{Jail, Ran, callers, skipped, wall};

const PYTHON: &str = "/usr/bin/python3";

/// Receives a folder and tries what is in it.
const TRY: &str = r#"
import os, socket
peer = socket.socket(socket.AF_UNIX)
peer.connect("socket")
_, (folder,), _, _ = socket.recv_fds(peer, 1, 1)
for word, flags in (("read", os.O_RDONLY), ("write", os.O_WRONLY)):
    try:
        os.open("secret", flags, dir_fd=folder)
        print(word)
    except PermissionError:
        print("no", word)
"#;

/// Runs the script while a process outside sends it `folder`.
fn try_in(jail: &Jail, folder: &Path, run: impl FnOnce(&Jail) -> Ran) -> String {
    let path = jail.project().join("socket");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("a socket");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).expect("for everybody");
    let folder = std::fs::File::open(folder).expect("a folder");
    let sender = std::thread::spawn(move || {
        let (peer, _) = listener.accept().expect("the jail connects");
        let descriptors = [folder.as_fd()];
        let mut space =
            [const { std::mem::MaybeUninit::uninit() }; rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(&peer, &[IoSlice::new(b"x")], &mut ancillary, SendFlags::empty())
            .expect("it reads");
    });
    let ran = run(jail);
    sender.join().expect("it was sent");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout.replace('\n', " ").trim().to_owned()
}

#[test]
fn a_folder_that_is_sent_to_a_jail_can_neither_be_read_nor_written() {
    if !Path::new(PYTHON).exists() {
        return skipped("python", "descriptors are received by Python");
    }
    for caller in callers() {
        let jail = Jail::new(caller);
        let secret = jail.file("outside/secret", "secret");
        let outside = secret.parent().expect("a folder");
        chown(outside, caller.uid, caller.uid).expect("for the caller");
        let inside = |jail: &Jail| jail.sh(&format!("{PYTHON} -c '{TRY}'"));
        let control = |jail: &Jail| jail.outside_sh(&format!("{PYTHON} -c '{TRY}'"));
        assert_eq!(try_in(&jail, outside, control), "read write", "{caller:?}");
        assert_eq!(try_in(&jail, outside, inside), "no read no write", "{caller:?}");
        // Without that part of the wall, it can.
        let open = jail.change(|plan| {
            wall(plan);
            plan.landlock.handles.retain(|one| *one != Handled::Reads);
        });
        assert_eq!(try_in(&open, outside, inside), "read no write", "{caller:?}");
    }
}
