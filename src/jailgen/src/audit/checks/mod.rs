//! The checks: each judges what was seen inside, and reports it.

mod caged;
mod files;
mod kernel;
mod network;
mod secrets;
mod surroundings;

use jail_registry::names as combinator;

use super::seen::Seen;
use super::{Check, Granted, Verdict};

pub(super) use network::attempts as attempts_of_network;
pub(super) use secrets::attempts as attempts_of_secrets;

pub(super) struct Rule {
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) fix: &'static str,
    judge: fn(&Seen<'_>) -> Judged,
}

/// How a check came out, and what was seen.
enum Judged {
    Passed(String),
    Granted(Granted, String),
    Failed(String),
}

impl Judged {
    /// Passed if it is so.
    fn when(holds: bool, evidence: impl Into<String>) -> Self {
        if holds { Self::Passed(evidence.into()) } else { Self::Failed(evidence.into()) }
    }

    /// What a cage cannot refuse is not a failure of its spec.
    fn granted_by(self, cage: Granted) -> Self {
        match self {
            Self::Failed(evidence) => Self::Granted(cage, evidence),
            judged => judged,
        }
    }

    /// A failure that the spec asked for does not count.
    fn unless(self, granted: Option<Granted>) -> Self {
        match (self, granted) {
            (Self::Failed(evidence), Some(granted)) => Self::Granted(granted, evidence),
            (judged, _) => judged,
        }
    }

    fn unless_applied(self, seen: &Seen<'_>, combinators: &[&str]) -> Self {
        let granted = seen.applied(combinators);
        self.unless(granted)
    }
}

impl Rule {
    pub(super) fn check(&self, seen: &Seen<'_>) -> Check {
        let caged = seen.cage().and_then(|cage| caged::judge(self.code, seen, cage));
        let (verdict, granted, evidence) = match caged.unwrap_or_else(|| (self.judge)(seen)) {
            Judged::Passed(evidence) => (Verdict::Passed, None, evidence),
            Judged::Granted(granted, evidence) => (Verdict::Granted, Some(granted), evidence),
            Judged::Failed(evidence) => (Verdict::Failed, None, evidence),
        };
        let fix = match (verdict, seen.cage(), &granted) {
            (Verdict::Passed, _, _) => None,
            (_, Some(_), _) => Some(caged::fix(self.code).unwrap_or(self.fix).to_owned()),
            (_, None, Some(granted)) => Some(self.fix_of(&granted.combinator)),
            (_, None, None) => Some(self.fix.to_owned()),
        };
        Check {
            code: self.code,
            title: self.title,
            verdict,
            evidence: bounded(&evidence),
            granted,
            fix,
        }
    }
}

impl Rule {
    /// What to do about what a combinator granted.
    fn fix_of(&self, combinator: &str) -> String {
        let own = match (self.code, combinator) {
            ("time-zone", combinator::NETWORK) => {
                Some("put `utc` after `network`, which also grants the host's time zone")
            }
            ("time-zone", combinator::TIME_ZONE) => Some("drop `time-zone`"),
            ("time-zone", _) => Some("drop `TZ` among the variables"),
            ("store", combinator::WHOLE_NIX_STORE) => Some(
                "drop `whole-nix-store`: the jail has what the spec's packages need without it",
            ),
            ("local-network" | "abstract-sockets" | "namespaces", combinator::SHARE_NS) => {
                Some("drop each `share-ns` that the program does not need")
            }
            // What to do is the same for every grant.
            ("store" | "commands" | "host-executes" | "processes" | "tracing", _) => Some(self.fix),
            _ => None,
        };
        own.map_or_else(
            || format!("drop `{combinator}` if the program does not need it"),
            str::to_owned,
        )
    }
}

/// Evidence is for people: what came out of the jail is cut to what they read.
fn bounded(evidence: &str) -> String {
    const MAX: usize = 400;
    let mut text: String = evidence.chars().take(MAX).collect();
    if evidence.chars().nth(MAX).is_some() {
        text.push('…');
    }
    text
}

/// Names in a row, or how many where there are many.
fn names<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// All of these attempts must be refused, with one of these numbers.
fn refused(seen: &Seen<'_>, attempts: &[(&str, &[i32], &str)]) -> Judged {
    let open: Vec<String> = attempts
        .iter()
        .filter(|(words, errnos, _)| !seen.is_refused_with(words, errnos))
        .map(|(words, _, name)| format!("{name}: {}", seen.answer_in_words(words)))
        .collect();
    if open.is_empty() {
        let tried: Vec<&str> = attempts.iter().map(|(_, _, name)| *name).collect();
        return Judged::Passed(format!("refused: {}", tried.join(", ")));
    }
    Judged::Failed(format!("not refused: {}", open.join("; ")))
}

/// All checks, in the order of the table.
pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "home",
        title: "the home folder is the jail's own",
        fix: "grant folders of the home folder one by one, not all of it",
        judge: files::home,
    },
    Rule {
        code: "environment",
        title: "the environment is what the spec says",
        fix: "this is a bug in jailgen: please report it",
        judge: surroundings::environment,
    },
    Rule {
        code: "local-network",
        title: "local network, router and loopback of the host cannot be reached",
        fix: "drop `network` and `share-ns \"net\"` if the program does not need it",
        judge: surroundings::network,
    },
    Rule {
        code: "processes",
        title: "only the jail's own processes exist",
        fix: "drop `share-ns \"pid\"`",
        judge: surroundings::processes,
    },
    Rule {
        code: "devices",
        title: "/dev has the harmless devices only",
        fix: "drop device grants that the program does not need",
        judge: files::devices,
    },
    Rule {
        code: "store",
        title: "the store holds exactly the closure, read-only",
        fix: "drop `whole-nix-store` and grants of the store",
        judge: files::store,
    },
    Rule {
        code: "capabilities",
        title: "no capabilities, and no way to get any",
        fix: "this is a bug in jailgen: please report it",
        judge: kernel::capabilities,
    },
    Rule {
        code: "time-zone",
        title: "the time zone is UTC",
        fix: "drop `time-zone`, or `TZ` among the variables",
        judge: surroundings::time_zone,
    },
    Rule {
        code: "local-names",
        title: "names of the local network do not resolve",
        fix: "drop `network` if the program does not need it",
        judge: surroundings::local_names,
    },
    Rule {
        code: "hosts-by-name",
        title: "hosts that no rule names cannot be reached",
        fix: "name the hosts that the program needs with `network-allow`",
        judge: network::judge,
    },
    Rule {
        code: "secrets",
        title: "no value of a secret is inside",
        fix: "drop the grant that brings it in: `secret` needs no other one",
        judge: secrets::judge,
    },
    Rule {
        code: "commands",
        title: "commands outside the list are not found",
        fix: "name packages in `add-pkg-deps`; do not bind folders of programs",
        judge: files::commands,
    },
    Rule {
        code: "terminal",
        title: "nothing can be typed into the launcher's terminal",
        fix: "use the default filter, or `new-session`",
        judge: kernel::terminal,
    },
    Rule {
        code: "abstract-sockets",
        title: "abstract sockets of the host cannot be reached",
        fix: "drop `network` and `share-ns \"net\"` if the program does not need it",
        judge: surroundings::abstract_sockets,
    },
    Rule {
        code: "sockets",
        title: "no service of the host can be reached through a socket",
        fix: "do not bind folders that have sockets: a read-only bind does not prevent connections",
        judge: surroundings::sockets,
    },
    Rule {
        code: "keyrings",
        title: "the kernel's keyrings cannot be used",
        fix: "use the default filter",
        judge: kernel::keyrings,
    },
    Rule {
        code: "descriptors",
        title: "no open file of the launcher is inherited",
        fix: "this is a bug in jailgen: please report it",
        judge: surroundings::descriptors,
    },
    Rule {
        code: "kernel-switches",
        title: "the kernel's settings cannot be changed",
        fix: "do not bind /proc or /sys of the host",
        judge: kernel::switches,
    },
    Rule {
        code: "nested-namespaces",
        title: "no namespaces and no mounts can be made",
        fix: "drop `allow-nested-sandbox` if the program needs no sandbox of its own",
        judge: kernel::nested,
    },
    Rule {
        code: "tracing",
        title: "other processes cannot be traced or read",
        fix: "use the default filter",
        judge: kernel::tracing,
    },
    Rule {
        code: "io-uring",
        title: "there is no io_uring",
        fix: "use the default filter",
        judge: kernel::io_uring,
    },
    Rule {
        code: "filter",
        title: "dangerous system calls are refused",
        fix: "use the default filter",
        judge: kernel::filter,
    },
    Rule {
        code: "set-user-id",
        title: "set-user-id programs gain nothing",
        fix: "this is a bug in jailgen: please report it",
        judge: kernel::set_user_id,
    },
    Rule {
        code: "propagation",
        title: "mounts propagate neither in nor out",
        fix: "this is a bug in jailgen: please report it",
        judge: kernel::propagation,
    },
    Rule {
        code: "core-dumps",
        title: "no core dumps are made",
        fix: "this is a bug in jailgen: please report it",
        judge: kernel::core_dumps,
    },
    Rule {
        code: "namespaces",
        title: "all namespaces are the jail's own",
        fix: "drop each `share-ns` that the program does not need",
        judge: surroundings::namespaces,
    },
    Rule {
        code: "root",
        title: "the root is read-only",
        fix: "do not bind over `/`",
        judge: files::root,
    },
    Rule {
        code: "host-executes",
        title: "files that the host executes cannot be written",
        fix: "read what the agent changed before you run it; `readonly` over a file protects it",
        judge: files::host_executes,
    },
    Rule {
        code: "spec-writable",
        title: "files that decide the next launch cannot be written",
        fix: "keep the spec, and what it reads and copies, outside the folders that its jail can write",
        judge: files::deciding,
    },
];
