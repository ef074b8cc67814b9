//! What the kernel gives.

use jail_probe::Answer;

use super::attempts as tried;
use super::{Item, Machine, State, ids};

pub(super) fn items(machine: &Machine) -> Vec<Item> {
    vec![
        jail(machine),
        kernel(machine),
        user_namespaces(machine),
        proc(machine),
        seccomp(machine),
        landlock(machine),
        overlay(machine),
        cgroup(machine),
        ids::item(machine),
    ]
}

fn jail(machine: &Machine) -> Item {
    match &machine.jail {
        Some(Ok(())) => Item::good("jail", "the smallest jail was made, and a program ran in it"),
        Some(Err(why)) => Item::bad(
            "jail",
            State::NoRun,
            format!("the smallest jail does not start: {}", why.trim()),
            "the lines below say what is missing",
        ),
        None => Item::bad(
            "jail",
            State::Less,
            "not tried: without a kit there is no stub",
            "run `make kit`, or install jailgen with Nix",
        ),
    }
}

fn kernel(machine: &Machine) -> Item {
    let release = machine.text(tried::RELEASE).unwrap_or("unknown");
    // The version of a kernel says little: what is needed is tried.
    match machine.answer(tried::MOUNT_SETATTR) {
        Some(Answer::Refused(38)) | None => {
            let fix = "jails need Linux 5.12 or newer (mount_setattr)";
            Item::bad("kernel", State::NoRun, format!("Linux {release}"), fix)
        }
        Some(_) => Item::good("kernel", format!("Linux {release}")),
    }
}

fn user_namespaces(machine: &Machine) -> Item {
    const CODE: &str = "user-namespaces";
    let made = machine.went_well(tried::ALL);
    if made && machine.went_well(tried::MOUNT) {
        return Item::good(CODE, "all seven namespaces can be made, and mounts in them");
    }
    let evidence = format!(
        "making them: {}; mounting in them: {}",
        machine.answer_in_words(tried::ALL),
        machine.answer_in_words(tried::MOUNT)
    );
    // With a profile for the stub alone the probe is refused, and jails run.
    let state = if machine.jail == Some(Ok(())) { State::Less } else { State::NoRun };
    let is = |words: &str, value: &str| machine.text(words) == Some(value);
    let item = |fix| Item::bad(CODE, state, evidence, fix);
    if is(tried::MAX_USER, "0") {
        item("the limit is 0: raise it").by(["sudo sysctl user.max_user_namespaces=15000"])
    } else if is(tried::USERNS_CLONE, "0") {
        let command = "sudo sysctl kernel.unprivileged_userns_clone=1";
        item("ordinary users may not make any: allow it").by([command])
    } else if is(tried::APPARMOR, "1") {
        item("AppArmor needs a profile for the stub: install one").by([
            "jailgen doctor --apparmor | sudo tee /etc/apparmor.d/jail-stub",
            "sudo apparmor_parser -r /etc/apparmor.d/jail-stub",
        ])
    } else {
        item(
            "in a container allow `unshare`, `clone3` and `mount` (docker run --security-opt seccomp=unconfined); in a chroot there are no user namespaces",
        )
    }
}

fn proc(machine: &Machine) -> Item {
    if machine.went_well(tried::PROC) {
        return Item::good("proc", "a new /proc can be mounted");
    }
    let fix = "the container covers parts of /proc: run it with them uncovered (docker run --security-opt systempaths=unconfined)";
    Item::bad("proc", State::NoRun, machine.answer_in_words(tried::PROC), fix)
}

fn seccomp(machine: &Machine) -> Item {
    if machine.went_well(tried::SECCOMP) {
        return Item::good("seccomp", "system call filters can kill");
    }
    let fix = "a kernel with CONFIG_SECCOMP_FILTER (4.14 or newer)";
    Item::bad("seccomp", State::NoRun, machine.answer_in_words(tried::SECCOMP), fix)
}

/// What each version of the interface added, as far as it matters here (landlock(7)).
const LANDLOCK: &[(i64, &str)] = &[
    (2, "renames between folders"),
    (3, "truncation"),
    (4, "TCP ports"),
    (5, "device ioctls"),
    (6, "abstract sockets and signals"),
    (9, "Unix sockets by path"),
];

/// From here on only what is in no kernel for long is missing.
const LANDLOCK_GOOD: i64 = 6;

fn landlock(machine: &Machine) -> Item {
    let Some(Answer::Done(abi @ 1..)) = machine.answer(tried::LANDLOCK) else {
        let fix = "a kernel with Landlock (5.13), named in the boot option `lsm=` (cat /sys/kernel/security/lsm)";
        return Item::bad("landlock", State::Less, machine.answer_in_words(tried::LANDLOCK), fix);
    };
    let missing: Vec<&str> =
        LANDLOCK.iter().filter(|(since, _)| since > abi).map(|(_, what)| *what).collect();
    if missing.is_empty() {
        return Item::good("landlock", format!("version {abi}"));
    }
    let evidence = format!("version {abi}, without {}", missing.join(", "));
    if *abi >= LANDLOCK_GOOD {
        return Item::good("landlock", evidence);
    }
    let fix = "a newer kernel: 6.12 has all but Unix sockets by path, which 7.1 has";
    Item::bad("landlock", State::Less, evidence, fix)
}

fn overlay(machine: &Machine) -> Item {
    if machine.went_well(tried::OVERLAY) {
        return Item::good("overlayfs", "can be mounted in a user namespace");
    }
    let fix = "a kernel of Linux 5.11 or newer with overlayfs; it may be a module";
    let item = Item::bad("overlayfs", State::Less, machine.answer_in_words(tried::OVERLAY), fix);
    item.by(["sudo modprobe overlay"])
}

fn cgroup(machine: &Machine) -> Item {
    const CODE: &str = "cgroup";
    const NEEDED: &[&str] = &["cpu", "memory", "pids"];
    let missing = |controllers: &str| -> Vec<&str> {
        let has =
            |one: &&&str| controllers.split_whitespace().any(|controller| controller == **one);
        NEEDED.iter().filter(|one| !has(one)).copied().collect()
    };
    let Some(controllers) = machine.text(tried::CONTROLLERS) else {
        let fix = "boot with systemd.unified_cgroup_hierarchy=1; until then `best-effort` limits what rlimits can";
        return Item::bad(CODE, State::Less, "no cgroup v2 at /sys/fs/cgroup", fix);
    };
    let all = missing(controllers);
    if !all.is_empty() {
        let fix = "boot with cgroup v1 switched off (cgroup_no_v1=all)";
        return Item::bad(CODE, State::Less, format!("v2 lacks {}", all.join(", ")), fix);
    }
    if machine.went_well(&tried::manager(machine.user.1)) {
        return Item::good(CODE, "v2; systemd can be asked for a scope");
    }
    let delegated = machine.cgroup.as_deref().map(tried::delegated);
    let own = delegated.as_ref().and_then(|[controllers, _]| machine.text(controllers));
    let writable = delegated.as_ref().is_some_and(|[_, control]| machine.went_well(control));
    match own.map(missing) {
        Some(missing) if writable && missing.is_empty() => {
            Item::good(CODE, "v2; your cgroup is delegated")
        }
        _ => {
            let fix = "have systemd run for your user, and log in through it";
            let item =
                Item::bad(CODE, State::Less, "v2, but no part of it is delegated to you", fix);
            item.by([format!("sudo loginctl enable-linger {}", machine.user.0)])
        }
    }
}
