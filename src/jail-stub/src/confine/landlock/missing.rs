//! What the running kernel lacks of the Landlock layer that every jail has: reported once for each
//! kernel, not at each launch.
//!
//! What a spec asks for is not reported: it stops the launch.

use alloc::format;
use alloc::string::String;

use jail_plan::{Handled, Landlock};

use crate::caller::{Caller, StateFolder};
use crate::failure;
use crate::host::{self, WritableTrees};
use crate::sys::landlock;

/// Reports what is missing, unless a launch of this user has done so before on such a kernel.
pub(crate) fn report_missing(wanted: &Landlock, caller: &Caller<'_>, trees: &WritableTrees<'_>) {
    let abi = landlock::abi().unwrap_or(0);
    let Some(words) = words(wanted, abi) else { return };
    // In jailgen's state folder, which no jail can write. Without a home folder, it is
    // reported at each launch.
    let is_first = |state: StateFolder| {
        host::is_first(&state.base, &state.file(&format!("told/landlock-{abi}")), trees)
    };
    if caller.state_folder().map_or(true, is_first) {
        failure::say(&words, None);
    }
}

fn words(wanted: &Landlock, abi: u32) -> Option<String> {
    let beyond = Handled::beyond(&wanted.handles, abi);
    if wanted.least > 0 || beyond.is_empty() {
        return None;
    }
    let list = beyond.join(", ");
    Some(match abi {
        0 => format!(
            "this kernel has no Landlock, so only the mounts stop {list} (reported once; `jailgen doctor` says more)"
        ),
        _ => format!(
            "the Landlock of this kernel (ABI {abi}) does not check {list}; the other layers do (reported once; `jailgen doctor` says more)"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(least: u32) -> Landlock {
        Landlock {
            handles: Handled::BY_DEFAULT.to_vec(),
            rules: alloc::vec::Vec::new(),
            bind: alloc::vec::Vec::new(),
            connect: alloc::vec::Vec::new(),
            least,
            by: String::new(),
        }
    }

    #[track_caller]
    fn lacks(abi: u32, all: &[&str]) {
        let words = words(&wall(0), abi).unwrap_or_default();
        for what in Handled::ALL.map(Handled::words).iter().chain(&["truncating files"]) {
            assert_eq!(words.contains(what), all.contains(what), "{abi}: {what}: {words}");
        }
        assert!(!words.contains('\n'));
    }

    #[test]
    fn what_each_kernel_lacks_is_reported_and_nothing_else() {
        let late = [
            "signals to processes outside",
            "connecting to abstract Unix sockets",
            "connecting to Unix sockets by path",
        ];
        let with = |more: &[&'static str]| [&late[..], more].concat();
        lacks(0, &with(&["reading files", "writing files", "ioctl on devices"]));
        lacks(1, &with(&["reading files", "writing files", "ioctl on devices"]));
        lacks(2, &with(&["truncating files", "ioctl on devices"]));
        lacks(3, &with(&["ioctl on devices"]));
        lacks(4, &with(&["ioctl on devices"]));
        lacks(5, &late);
        lacks(6, &["connecting to Unix sockets by path"]);
        lacks(8, &["connecting to Unix sockets by path"]);
        assert_eq!(words(&wall(0), 9), None);
        assert_eq!(words(&wall(0), 99), None, "a newer kernel has what is known");
        assert!(words(&wall(0), 0).is_some_and(|words| words.contains("has no Landlock")));
    }

    #[test]
    fn what_the_spec_demands_is_not_reported_because_it_stops_the_launch() {
        assert_eq!(words(&wall(2), 0), None);
    }
}
