//! passwd, group and nsswitch.conf that name the calling user and no other user of the host.

use alloc::format;
use alloc::string::String;

use crate::dedicated::Dedicated;
use crate::failure::Problem;
use crate::host;
use crate::inside::{Launch, Root, file};
use crate::namespaces;

/// The ids that the kernel shows for ids that are not mapped.
const OVERFLOW: u32 = 65534;

const NSSWITCH: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n";

/// Writes the three files.
pub(crate) fn accounts(shell: &str, launch: &Launch<'_>, root: &Root) -> Result<(), Problem> {
    let caller = launch.caller;
    if shell.contains([':', '\n']) {
        return Err(Problem::new(shell, "a shell's path cannot hold a colon or a line break"));
    }
    let host::Accounts { user, group, .. } = host::accounts(caller);
    let home = caller.home_folder()?.as_str();
    if home.contains([':', '\n']) {
        return Err(Problem::new(home, "a home folder's path cannot hold a colon or a line break"));
    }
    let (uid, gid) = namespaces::inside(launch.plan, caller);
    let mut passwd = format!("{user}:x:{uid}:{gid}::{home}:{shell}\n");
    let mut groups = format!("{group}:x:{gid}:\n");
    if let Some(Dedicated { name, uid, gid, .. }) = &launch.dedicated {
        // The payload's own line comes first: its home is where the caller's would be.
        passwd.insert_str(0, &format!("{name}:x:{uid}:{gid}::{home}:{shell}\n"));
        groups.insert_str(0, &format!("{name}:x:{gid}:\n"));
    }
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
