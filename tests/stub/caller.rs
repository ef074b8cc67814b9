//! Who starts a jail, and where jails cannot be made.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Who starts the wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Another user than the one who runs the tests.
    pub(crate) uid: Option<u32>,
}

/// No user of the host: nothing on it belongs to this number.
const ORDINARY: u32 = 54321;

/// The tests of one run have fewer jails at any time.
const KEYS_AT_ONCE: u32 = 48;

/// Root and an ordinary user if the tests run as root, else the user who runs them. Empty, with a
/// line that says so, if jails cannot be made; this fails if the machine is declared to have them.
pub(crate) fn callers() -> Vec<Caller> {
    let all = if rustix::process::geteuid().is_root() && has_more_users() {
        vec![Caller { uid: None }, Caller { uid: Some(ORDINARY) }]
    } else {
        vec![Caller { uid: None }]
    };
    all.into_iter().filter(Caller::has_namespaces).filter(Caller::has_room_for_keys).collect()
}

/// Whether there are other users than root. A user namespace of an ordinary user's own has one
/// user, who is root there.
pub(crate) fn has_more_users() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").expect("a map");
    let counts = map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
    counts.sum::<u64>() > u64::from(ORDINARY)
}

impl Caller {
    fn has_namespaces(&self) -> bool {
        let mut command = Command::new("unshare");
        command.args(["-Ur", "true"]).stderr(Stdio::null());
        if self.become_user(&mut command).status().is_ok_and(|status| status.success()) {
            return true;
        }
        skipped("userns", "user namespaces cannot be made here");
        false
    }

    /// Each jail has a keyring of its own, and the kernel counts a user's (keyrings(7)). Other
    /// jails of the same user may have all of them; a while is waited until they have ended.
    fn has_room_for_keys(&self) -> bool {
        let end = Instant::now() + Duration::from_secs(60);
        while self.free_keys().is_some_and(|free| free < KEYS_AT_ONCE) {
            if Instant::now() > end {
                skipped("keys", "the user has as many keyrings as one may have");
                return false;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        true
    }

    /// Of a user without keys the kernel tells nothing: it may have all.
    fn free_keys(&self) -> Option<u32> {
        let uid = self.uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        let users = std::fs::read_to_string("/proc/key-users").ok()?;
        let of = |line: &str| line.split(':').next()?.trim().parse::<u32>().ok();
        let line = users.lines().find(|line| of(line) == Some(uid))?;
        let (taken, most) = line.split_whitespace().nth(3)?.split_once('/')?;
        Some(most.parse::<u32>().ok()?.saturating_sub(taken.parse().ok()?))
    }

    pub(crate) fn become_user<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid);
        }
        command
    }

    pub(crate) fn is_root(self) -> bool {
        self.uid.is_none() && rustix::process::geteuid().is_root()
    }
}

/// A test that cannot run says so, and fails where the machine is declared to be able to.
pub(crate) fn skipped(what: &str, reason: &str) {
    println!("skipped: {reason}");
    let required = std::env::var("JAIL_TEST_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|one| one == what), "{what} is required here: {reason}");
}
