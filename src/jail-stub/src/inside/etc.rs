//! passwd, group and nsswitch.conf that name the calling user and nobody else of the host.

use alloc::format;
use alloc::string::String;

use crate::caller::Caller;
use crate::failure::Problem;
use crate::host;
use crate::inside::{Root, file};

/// What the kernel shows for ids that are not mapped.
const OVERFLOW: u32 = 65534;

const NSSWITCH: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n";

/// Writes the three files.
pub(crate) fn accounts(shell: &str, caller: &Caller<'_>, root: &Root) -> Result<(), Problem> {
    if shell.contains([':', '\n']) {
        return Err(Problem::new(shell, "a shell's path cannot hold a colon or a line break"));
    }
    let host::Accounts { user, group, .. } = host::accounts(caller);
    let home = caller.home_folder()?.as_str();
    if home.contains([':', '\n']) {
        return Err(Problem::new(home, "a home folder's path cannot hold a colon or a line break"));
    }
    let (uid, gid) = (caller.uid, caller.gid);
    let mut passwd = format!("{user}:x:{uid}:{gid}::{home}:{shell}\n");
    let mut groups = format!("{group}:x:{gid}:\n");
    if uid != OVERFLOW {
        passwd.push_str("nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n");
    }
    if gid != OVERFLOW {
        groups.push_str("nogroup:x:65534:\n");
    }
    for (path, content) in [
        ("/etc/passwd", passwd),
        ("/etc/group", groups),
        ("/etc/nsswitch.conf", String::from(NSSWITCH)),
    ] {
        file::write(root, path, content.as_bytes(), 0o644)?;
    }
    Ok(())
}
