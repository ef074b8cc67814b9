//! Attempts from within new namespaces.

use std::fs;

use crate::answer::Answer;
use crate::attempt::here;
use crate::child;
use crate::sys;

/// Makes another attempt in new namespaces. Of a new user namespace the caller is root.
pub(crate) fn within(names: &str, words: &[&str]) -> Answer {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let flags: Option<Vec<usize>> = names.split(',').map(flag).collect();
    let Some(flags) = flags else { return Answer::Unknown(names.into()) };
    let flags = flags.into_iter().fold(0, |all, one| all | one);
    let caller = fs::metadata("/proc/self").map(|meta| {
        use std::os::unix::fs::MetadataExt;
        (meta.uid(), meta.gid())
    });
    let Ok(unshare) = usize::try_from(syscalls::Sysno::unshare.id()) else {
        return Answer::Unknown("unshare".into());
    };
    let answer = Answer::of_register(sys::try_call(unshare, [flags, 0, 0, 0, 0, 0]));
    if answer != Answer::Done(0) {
        return answer;
    }
    if flags & USER != 0 {
        let mapped = caller.and_then(|(uid, gid)| {
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
            fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
        });
        if let Err(error) = mapped {
            return Answer::failed(&error);
        }
    }
    // Only a child is in a new PID namespace.
    child::answer(|| here(&words))
}

const USER: usize = 0x1000_0000;

fn flag(name: &str) -> Option<usize> {
    Some(match name {
        "cgroup" => 0x0200_0000,
        "uts" => 0x0400_0000,
        "ipc" => 0x0800_0000,
        "user" => USER,
        "pid" => 0x2000_0000,
        "net" => 0x4000_0000,
        "mount" => 0x0002_0000,
        _ => return None,
    })
}
