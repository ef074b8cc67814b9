//! Folders that are never projects: keys, programs, the kernel's switches. A jail may not have
//! them as its working folder.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use rustix::fs::statfs;
use rustix::io::Errno;

use crate::caller::Caller;
use crate::host::OwnState;
use crate::host::walk::Identity;

/// How much of a place is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Itself,
    /// And everything below it.
    Below,
}

type Place = (&'static str, Reach, &'static str);

const KEYS: &str = "keys are kept there";
const PROGRAMS: &str = "programs and their state are kept there";
const SERVICES: &str = "the sockets of services are there";
const SYSTEM: &str = "it belongs to the system, and you are root";
const OWN: &str = "jailgen's own state is kept there";
const KERNEL: &str = "its files are the kernel's";
const DEVICES: &str = "devices are there";

/// In the home folder.
const AT_HOME: &[Place] = &[
    ("/.local", Reach::Itself, PROGRAMS),
    ("/.local/state", Reach::Itself, PROGRAMS),
    ("/.ssh", Reach::Below, KEYS),
    ("/.gnupg", Reach::Below, KEYS),
];

/// A folder below /dev may be in memory: /dev/shm.
const EVERYWHERE: &[Place] = &[
    ("/run", Reach::Itself, SERVICES),
    ("/run/user", Reach::Below, SERVICES),
    ("/dev", Reach::Itself, DEVICES),
];

/// No other user can write there.
const FOR_ROOT: &[Place] = &[("/etc", Reach::Below, SYSTEM), ("/usr", Reach::Below, SYSTEM)];

/// File systems of the kernel's own, wherever they are mounted (linux/magic.h): proc, sysfs, cgroup
/// and cgroup2, debugfs, tracefs, securityfs, configfs, bpf, efivarfs, selinuxfs, smackfs, devpts,
/// mqueue, binfmt_misc, pstore, fusectl, resctrl.
const KERNELS: &[u64] = &[
    0x9fa0,
    0x6265_6572,
    0x0027_e0eb,
    0x6367_7270,
    0x6462_6720,
    0x7472_6163,
    0x7363_6673,
    0x6265_6570,
    0xcafe_4a11,
    0xde5e_81e4,
    0xf97c_ff8c,
    0x4341_5d53,
    0x1cd1,
    0x1980_0202,
    0x4249_4e4d,
    0x6165_676c,
    0x6573_5543,
    0x0765_5821,
];

/// The reason why it cannot be a project if its file system is the kernel's.
pub(super) fn of_the_kernel() -> Result<Option<&'static str>, Errno> {
    let kind = u64::try_from(statfs(c".")?.f_type).unwrap_or_default();
    Ok(KERNELS.contains(&kind).then_some(KERNEL))
}

/// The reason why the working folder, whose path is `folder`, cannot be a project.
/// `None` if it may be one.
pub(super) fn reason(
    folder: &[u8],
    caller: &Caller<'_>,
    homes: &[String],
    own_state: Option<&OwnState>,
) -> Result<Option<&'static str>, Errno> {
    let above = from_here_up()?;
    let for_root = if caller.uid == 0 { FOR_ROOT } else { &[] };
    let everywhere = EVERYWHERE.iter().chain(for_root).map(|place| (Vec::new(), *place));
    let at_home =
        homes.iter().flat_map(|home| AT_HOME.iter().map(|place| (home.clone().into(), *place)));
    for (base, (name, reach, why)) in everywhere.chain(at_home).chain(own(caller)) {
        if is_there(folder, &above, &[&base, name.as_bytes()].concat(), reach, own_state) {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// The folder of jailgen's state, and the folder that contains it.
fn own(caller: &Caller<'_>) -> Vec<(Vec<u8>, Place)> {
    let Ok(state) = caller.state_folder() else { return Vec::new() };
    let state = state.path();
    let parent = state.strip_suffix(b"/jailgen").unwrap_or(&state).into();
    vec![(state, ("", Reach::Below, OWN)), (parent, ("", Reach::Itself, OWN))]
}

/// By name, and by identity.
fn is_there(
    folder: &[u8],
    above: &[Identity],
    place: &[u8],
    reach: Reach,
    own_state: Option<&OwnState>,
) -> bool {
    let rest = folder.strip_prefix(place);
    let itself = match own_state.and_then(|own| own.known(place)?.first()) {
        Some((known, _)) => Ok(*known),
        None => Identity::at(place),
    };
    match reach {
        Reach::Itself => {
            rest.is_some_and(<[u8]>::is_empty) || itself.ok() == above.first().copied()
        }
        Reach::Below => {
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
                || itself.is_ok_and(|itself| above.contains(&itself))
        }
    }
}

/// The working folder and all folders that contain it.
fn from_here_up() -> Result<Vec<Identity>, Errno> {
    let mut up = String::from(".");
    let mut above = vec![Identity::at(&*up)?];
    loop {
        up.push_str("/..");
        let next = Identity::at(&*up)?;
        if above.last() == Some(&next) {
            return Ok(above);
        }
        above.push(next);
    }
}
