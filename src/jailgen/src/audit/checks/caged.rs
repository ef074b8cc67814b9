//! The checks of a cage, where they are not those of a jail: nothing is mounted, so what a jail
//! does not have is there, and must be closed. What Landlock cannot close is granted by a spec that
//! asks for a cage.

use super::{Judged, names, surroundings};
use crate::audit::Granted;
use crate::audit::seen::Seen;

const ACCESS: i32 = 13;

/// How a check of a cage comes out; none where it is judged as a jail's.
pub(super) fn judge(code: &str, seen: &Seen<'_>, cage: Granted) -> Option<Judged> {
    Some(match code {
        "home" => closed(seen, &format!("list {}", seen.host.home), "your home folder"),
        // It knows ports and no names.
        "local-network" | "hosts-by-name" => network(seen, cage),
        "processes" => processes(seen, cage),
        "devices" => closed(seen, "list /dev", "/dev, except for the devices that every cage has,"),
        "store" => store(seen, cage),
        "capabilities" => capabilities(seen),
        "time-zone" => Judged::Granted(cage, "it is the host's".into()),
        "local-names" => surroundings::local_names(seen).granted_by(cage),
        "sockets" => sockets(seen, cage),
        "kernel-switches" => switches(seen),
        "set-user-id" => set_user_id(seen),
        "propagation" => propagation(seen),
        "namespaces" => Judged::Granted(cage, "the host's, all of them".into()),
        "host-executes" => host_executes(seen),
        // Every check that is not named here is as strict in a cage.
        _ => return None,
    })
}

/// What to do about what does not hold in a cage.
pub(super) fn fix(code: &str) -> Option<&'static str> {
    Some(match code {
        "local-network" | "hosts-by-name" => {
            "drop the ports that are not needed; `offline` allows no ports and no datagrams"
        }
        "store" => "say `nixStore.read = false`: the closure can still be read",
        "processes" | "time-zone" | "local-names" | "sockets" | "namespaces" => {
            "use a jail if this matters"
        }
        _ => return None,
    })
}

fn closed(seen: &Seen<'_>, words: &str, what: &str) -> Judged {
    let holds = seen.is_refused_with(words, &[ACCESS]);
    Judged::when(
        holds,
        format!(
            "{what} {} ({})",
            if holds { "is closed" } else { "is open" },
            seen.answer_in_words(words)
        ),
    )
}

/// Other ports than those of the cage must be closed. Datagrams are not part of this.
fn network(seen: &Seen<'_>, cage: Granted) -> Judged {
    let loopback = format!("connect tcp 127.0.0.1:{}", seen.host.port);
    if !seen.is_refused_with(&loopback, &[ACCESS]) {
        return Judged::Failed(format!(
            "the host's loopback ({})",
            seen.answer_in_words(&loopback)
        ));
    }
    let ports: Vec<String> = seen.plan.landlock.connect.iter().map(u16::to_string).collect();
    let datagrams = !seen.is_refused("connect udp 192.0.2.1:53");
    match (ports.as_slice(), datagrams) {
        ([], false) => Judged::Passed("TCP and UDP are refused".into()),
        (ports, true) => Judged::Granted(cage, format!("UDP, and the TCP ports {}", names(ports))),
        (ports, false) => Judged::Granted(cage, format!("the TCP ports {}", names(ports))),
    }
}

/// All are seen; none may be looked into.
fn processes(seen: &Seen<'_>, cage: Granted) -> Judged {
    let words = "link /proc/1/root";
    if !seen.is_refused_with(words, &[ACCESS]) {
        return Judged::Failed(format!("others can be read ({})", seen.answer_in_words(words)));
    }
    Judged::Granted(cage, "all can be seen, none can be signalled or read".into())
}

fn store(seen: &Seen<'_>, cage: Granted) -> Judged {
    let words = "create /nix/store/jailgen-audit";
    if !seen.is_refused(words) {
        return Judged::Failed(format!(
            "a store path can be made ({})",
            seen.answer_in_words(words)
        ));
    }
    if seen.is_refused("list /nix/store") {
        return Judged::Passed("nothing but the closure can be read or executed".into());
    }
    Judged::Granted(cage, "all of it can be read".into())
}

/// Without a user namespace only root may empty the bounding set (capabilities(7)), which limits
/// what programs could gain by being executed: with no new privileges that is nothing.
fn capabilities(seen: &Seen<'_>) -> Judged {
    match super::kernel::capabilities(seen) {
        // It alone.
        Judged::Failed(evidence)
            if evidence.starts_with("CapBnd is ") && !evidence.contains(", ") =>
        {
            Judged::when(
                super::kernel::status(seen, "NoNewPrivs") == Some("1"),
                "all sets are empty except the bounding set, which gives nothing",
            )
        }
        judged => judged,
    }
}

fn sockets(seen: &Seen<'_>, cage: Granted) -> Judged {
    let reached: Vec<&String> = seen
        .host
        .sockets
        .iter()
        .filter(|path| !seen.is_refused(&format!("connect unix {path}")))
        .collect();
    match (reached.as_slice(), seen.host.sockets.len()) {
        ([], 0) => Judged::Passed("none of the known ones exists on this machine".into()),
        ([], tried) => Judged::Passed(format!("none of the {tried} known ones answers")),
        (reached, _) => {
            let why = "Landlock checks sockets since Linux 7.1";
            Judged::Granted(cage, format!("can be reached, {why}: {}", names(reached)))
        }
    }
}

fn switches(seen: &Seen<'_>) -> Judged {
    let open: Vec<&str> =
        ["open-write /proc/sys/kernel/hostname", "open-write /proc/sysrq-trigger", "list /sys"]
            .into_iter()
            .filter(|words| !seen.is_refused(words))
            .collect();
    Judged::when(
        open.is_empty(),
        match open.as_slice() {
            [] => "/proc/sys and /sys are closed".into(),
            open => format!("not refused: {}", names(open)),
        },
    )
}

fn set_user_id(seen: &Seen<'_>) -> Judged {
    let promised = super::kernel::status(seen, "NoNewPrivs").unwrap_or("no answer");
    Judged::when(promised == "1", format!("no new privileges: {promised}"))
}

/// It has no mounts, and makes none.
fn propagation(seen: &Seen<'_>) -> Judged {
    let words = "call mount s:none s:/tmp s:tmpfs 0 0";
    Judged::when(seen.is_refused(words), format!("mounts: {}", seen.answer_in_words(words)))
}

fn host_executes(seen: &Seen<'_>) -> Judged {
    super::files::writable_in_folder(seen, super::files::ruled_folder_by(seen))
}
