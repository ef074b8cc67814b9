//! The id maps of a jail with a user of its own: the caller's ids and the user's, each
//! mapped to itself (user_namespaces(7)).
//!
//! Only root may write such maps. newuidmap(1) does it for others, as far as subuid(5) allows.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use rustix::fs::{Access, CWD, Mode, OFlags, access, openat};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::caller::Caller;
use crate::dedicated::Dedicated;
use crate::failure::{About, Problem};
use crate::sys::{self, StringList};

/// The folders of the programs, on NixOS and on other systems. Not PATH,
/// which the launcher can set.
const FOLDERS: [&str; 3] = ["/run/wrappers/bin", "/usr/bin", "/bin"];

/// Writes the maps of `process`, the jail's first one.
pub(crate) fn map(user: &Dedicated<'_>, caller: &Caller<'_>, process: i32) -> Result<(), Problem> {
    for (tool, file, own, other) in [
        ("newgidmap", "gid_map", caller.gid, user.gid),
        ("newuidmap", "uid_map", caller.uid, user.uid),
    ] {
        if caller.uid == 0 {
            let path = format!("/proc/{process}/{file}");
            let content = format!("{own} {own} 1\n{other} {other} 1\n");
            openat(CWD, path.as_str(), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
                .and_then(|file| rustix::io::write(&file, content.as_bytes()))
                .about(&path)?;
        } else {
            let numbers = [process.cast_unsigned(), own, own, 1, other, other, 1];
            run(tool, &numbers)?;
        }
    }
    Ok(())
}

struct Program<'a> {
    path: &'a CString,
    arguments: StringList<'a>,
    environment: StringList<'a>,
}

/// Runs one of the two programs. Its message about a refusal goes to standard error.
fn run(tool: &str, numbers: &[u32]) -> Result<(), Problem> {
    let path = FOLDERS
        .iter()
        .map(|folder| format!("{folder}/{tool}"))
        .find(|path| access(path.as_str(), Access::EXEC_OK).is_ok());
    let Some(path) = path else {
        return Err(Problem::new(tool, "it is not installed").help(
            "install it: the package is `uidmap` on Debian and Ubuntu, `shadow-utils` on Fedora, `shadow` elsewhere",
        ));
    };
    let string = |text: &str| CString::new(text).map_err(|_| Problem::errno(tool, Errno::INVAL));
    let path = string(&path)?;
    let mut words = Vec::from([path.clone()]);
    for number in numbers {
        words.push(string(&number.to_string())?);
    }
    let program = Program {
        path: &path,
        arguments: StringList::new(words.iter().map(CString::as_c_str)),
        environment: StringList::new(core::iter::empty()),
    };
    let mut stack = Vec::with_capacity(1024);
    let pid = sys::spawn(stack.spare_capacity_mut(), become_program, &program).about(tool)?;
    let status = loop {
        match waitpid(Pid::from_raw(pid), WaitOptions::empty()) {
            Err(Errno::INTR) => {}
            other => break other.about(tool)?,
        }
    };
    if status.and_then(|(_, status)| status.exit_status()) == Some(0) {
        return Ok(());
    }
    Err(Problem::new(tool, "it refuses the ids").help(
        "it must have its set-user-id bit or capabilities, which no_new_privs and `nosuid` take away; \
         and /etc/subuid and /etc/subgid must give the caller these ids",
    ))
}

fn become_program(program: &Program<'_>) -> ! {
    // It does not need the project folder. If this fails, what follows does not depend on it.
    let _ = rustix::process::chdir(c"/");
    let _ = sys::replace(program.path, &program.arguments, &program.environment);
    sys::exit(127)
}
