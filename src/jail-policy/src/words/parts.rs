//! The details of grants, in words.

use crate::grant::{Phase, Wall, Zone};
use crate::text::Text;
use crate::{Lifetime, Namespace, Terminal};

pub(super) fn zone_words(zone: Zone) -> &'static str {
    match zone {
        Zone::Utc => "UTC",
        Zone::Host => "the host's",
    }
}

pub(super) fn namespace_words(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Cgroup => "the host's view of cgroups",
        Namespace::Ipc => "System V and POSIX message queues and shared memory with the host",
        Namespace::Mount => "the host's mounts",
        Namespace::Net => "the host's network, abstract sockets included",
        Namespace::Pid => "the host's processes: it sees them, and may signal yours",
        Namespace::User => "the host's user ids",
        Namespace::Uts => "the host's name",
    }
}

pub(super) fn wall_words(wall: Wall) -> &'static str {
    match wall {
        Wall::Writes => "checks reads, writes, devices, signals, abstract sockets",
        Wall::Full => {
            "checks reads and executions grant by grant, writes, devices, signals, abstract sockets"
        }
    }
}

pub(super) fn terminal_words(terminal: Terminal) -> &'static str {
    match terminal {
        Terminal::Keep => "its own, with keys in the foreground",
        Terminal::NewSession => "its own, without job control (a new session)",
        Terminal::Shared => "shared with your shell, also in the background",
    }
}

pub(super) fn lifetime_words(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::Launcher => "its launcher",
        Lifetime::Payload => "its program, not with its launcher",
    }
}

pub(super) fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "before the launch",
        Phase::After => "after it",
    }
}

/// The first line of a script that is not empty, and how many more there are.
pub(super) fn excerpt(script: &Text) -> String {
    let text = script.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.count() {
        0 => format!("`{first}`"),
        1 => format!("`{first}` and another line"),
        more => format!("`{first}` and {more} more lines"),
    }
}
