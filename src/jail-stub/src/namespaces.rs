//! The jail's own namespaces, the ids in them, and why a machine may refuse them.

use alloc::format;
use alloc::string::String;

use jail_plan::{Ids, Namespace, Plan};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::reading::read_to_end;
use crate::sys::{self, NewNamespaces};

/// The flags of clone(2) for the namespaces of `plan`, except the network's, which is made
/// in parallel (see [`crate::aside`]), and that of control groups if the jail has a group of
/// its own (see [`own_cgroup`]).
pub(crate) fn flags(plan: &Plan, own_cgroup: bool) -> NewNamespaces {
    let all = plan.namespaces.iter().map(|namespace| flag(*namespace));
    let all = all.fold(NewNamespaces::default(), NewNamespaces::and).without(NewNamespaces::NET);
    if own_cgroup { all.without(NewNamespaces::CGROUP) } else { all }
}

/// The namespace of control groups, for a jail that has a group of its own. It starts at the group
/// of the process that makes it, which during the clone would still be the supervisor's.
pub(crate) fn own_cgroup(plan: &Plan) -> Result<(), Problem> {
    if !has(plan, Namespace::Cgroup) {
        return Ok(());
    }
    sys::unshare(NewNamespaces::CGROUP).about("the namespace of control groups")
}

/// Whether the jail has this namespace of its own.
pub(crate) fn has(plan: &Plan, namespace: Namespace) -> bool {
    plan.namespaces.contains(&namespace)
}

const fn flag(namespace: Namespace) -> NewNamespaces {
    match namespace {
        Namespace::Mount => NewNamespaces::MOUNT,
        Namespace::Cgroup => NewNamespaces::CGROUP,
        Namespace::Uts => NewNamespaces::UTS,
        Namespace::Ipc => NewNamespaces::IPC,
        Namespace::User => NewNamespaces::USER,
        Namespace::Pid => NewNamespaces::PID,
        Namespace::Net => NewNamespaces::NET,
    }
}

/// The numbers of the caller's user and group inside.
pub(crate) fn inside(plan: &Plan, caller: &Caller<'_>) -> (u32, u32) {
    match &plan.ids {
        Ids::Shown(ids) => (ids.uid.unwrap_or(caller.uid), ids.gid.unwrap_or(caller.gid)),
        Ids::Caller | Ids::Dedicated(_) => (caller.uid, caller.gid),
    }
}

/// Maps the caller's ids to themselves, or to the numbers that the plan shows for them, from within
/// the new user namespace (user_namespaces(7)).
///
/// The process does it to itself, so no process has to wait for another. It must still be dumpable:
/// the files of a process that is not belong to root.
pub(crate) fn map_ids(plan: &Plan, caller: &Caller<'_>) -> Result<(), Problem> {
    let (uid, gid) = (caller.uid, caller.gid);
    let (uid_inside, gid_inside) = inside(plan, caller);
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("{uid_inside} {uid} 1")).map_err(|problem| {
        // user_namespaces(7): since Linux 5.12 a process that maps root must have
        // had this capability outside.
        if uid != 0 || problem.help.is_some() {
            return problem;
        }
        problem.help(
            "this root may not be root in a namespace either, as in a container without CAP_SETFCAP: grant that \
             capability, or start it as an ordinary user",
        )
    })?;
    write("/proc/self/gid_map", &format!("{gid_inside} {gid} 1"))
}

fn write(path: &str, content: &str) -> Result<(), Problem> {
    let result = openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|file| rustix::io::write(&file, content.as_bytes()));
    result.map(drop).about(path).map_err(explain).map_err(|problem| match problem.help {
        None if problem.is(&[Errno::ACCESS]) => problem.help(
            "a security module lets user namespaces be made here and forbids what they are for, or this is inside of a \
             jail: `jailgen doctor` says what there is",
        ),
        _ => problem,
    })
}

const TOO_MANY_PROCESSES: &str = "a limit on processes is reached: that of your user (`ulimit -u`), or that of a control group (`pids.max`)";

/// Why another process of the jail could not be started.
pub(crate) fn not_started(error: Errno) -> Problem {
    let problem = Problem::errno("clone", error);
    if error == Errno::AGAIN { problem.help(TOO_MANY_PROCESSES) } else { problem }
}

/// Why the namespaces could not be made.
pub(crate) fn refused(plan: &Plan, caller: &Caller<'_>, error: Errno) -> Problem {
    let problem = Problem::errno("clone3", error);
    if error == Errno::AGAIN {
        return problem.help(TOO_MANY_PROCESSES);
    }
    // What follows is about namespaces, and a cage has none.
    if plan.namespaces.is_empty() && error != Errno::NOSYS {
        return problem;
    }
    if !has(plan, Namespace::User) && caller.uid != 0 && error != Errno::NOSYS {
        return problem.help(
            "without a user namespace of its own only root can make a jail; drop `share-ns \"user\"`",
        );
    }
    let problem = explain(problem);
    match (error, &problem.help) {
        (_, Some(_)) => problem,
        (Errno::NOSPC | Errno::USERS, None) => {
            problem.help("a limit on namespaces is reached (/proc/sys/user/max_*_namespaces), or they are nested too deeply")
        }
        (Errno::INVAL, None) => problem.help("the kernel lacks one of the namespaces that the plan asks for"),
        (Errno::PERM, None) => problem.help(
            "user namespaces are forbidden here; in a container allow them (`--security-opt seccomp=unconfined`, or a \
             profile that lets `clone3` and `unshare` through), in a chroot they cannot be made",
        ),
        (Errno::NOSYS, None) => problem.help("the kernel has no clone3 (5.3), or a container's filter hides it"),
        (_, None) => problem,
    }
}

/// Adds which switch of this machine forbids user namespaces, and how to change it.
pub(crate) fn explain(problem: Problem) -> Problem {
    const SWITCHES: &[(&str, &str, &str)] = &[
        (
            "/proc/sys/user/max_user_namespaces",
            "0",
            "user namespaces are turned off: `sudo sysctl user.max_user_namespaces=15000` turns them on",
        ),
        (
            "/proc/sys/kernel/unprivileged_userns_clone",
            "0",
            "user namespaces are for root only here (Debian 10 and older): `sudo sysctl kernel.unprivileged_userns_clone=1`",
        ),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "AppArmor restricts user namespaces (Ubuntu 23.10 and newer): install an AppArmor profile for jail-stub \
             with the rule `userns,`, or `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
        ),
    ];
    if problem.help.is_some() {
        return problem;
    }
    for (file, forbidding, help) in SWITCHES {
        if value(file).is_some_and(|value| value == *forbidding) {
            return problem.help(*help);
        }
    }
    problem
}

fn value(file: &str) -> Option<String> {
    let file = openat(CWD, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let bytes = read_to_end(&file, 64).ok()?;
    Some(String::from_utf8(bytes).ok()?.trim().into())
}
