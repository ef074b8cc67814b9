//! How much of the machine a jail may use.

use jail_policy::{Grant, Limited};

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::diagnostic::Code;
use crate::lower::{Call, parse_percent, parse_seconds, parse_size};
use crate::signature::{Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Limits",
    intro: "How much of the machine a jail may use. [limits.md](limits.md) says what enforces each limit and what happens when it is
reached. Memory, processes and processors are counted for the whole jail, which needs a control group (cgroup v2) that the
caller may make. Without one the launch stops, unless the spec says `best-effort`. The other limits work everywhere. If a
limit is given twice, the last one counts.",
    combinators: &[
        Combinator {
            name: names::BEST_EFFORT,
            summary: "If a limit cannot be enforced as intended, the launch goes on and reports which limits are enforced",
            docs: "`limit-memory` then applies to each process by itself (RLIMIT_DATA), `limit-pids` applies unless root starts the jail, and
`limit-cpu` has no effect.",
            example: "[ best-effort (limit-memory \"4G\") ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::BestEffort);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_CPU,
            summary: "The processor time for the whole jail: a number of processors, or `\"150%\"` of one",
            docs: "Processes that want more wait.",
            signature: PROCESSORS,
            example: "limit-cpu 2",
            lower: Lower::Permission(|call| limit(call, &CPU)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_FILE_SIZE,
            summary: "The largest size of a file that the jail writes: bytes, or `K`, `M`, `G`, `T`",
            docs: "It does not limit the number of files. A program that writes more gets SIGXFSZ, which ends it.",
            signature: SIZE,
            example: "limit-file-size \"1G\"",
            lower: Lower::Permission(|call| limit(call, &FILE_SIZE)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_FILES,
            summary: "How many files each process may have open at once",
            docs: "It never raises the launcher's own limit.",
            signature: COUNT,
            example: "limit-files 4096",
            lower: Lower::Permission(|call| limit(call, &FILES)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_MEMORY,
            summary: "The memory of the whole jail, including files in memory: bytes, or `K`, `M`, `G`, `T`",
            docs: "Nothing of it is swapped out. A jail that needs more is ended as a whole.",
            signature: SIZE,
            example: "limit-memory \"4G\"",
            lower: Lower::Permission(|call| limit(call, &MEMORY)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_PIDS,
            summary: "How many processes and threads the whole jail may have",
            docs: "Beyond that, starting another one fails with EAGAIN.",
            signature: COUNT,
            example: "limit-pids 512",
            lower: Lower::Permission(|call| limit(call, &PIDS)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_TIME,
            summary: "The jail is ended after this time: seconds, or `s`, `m`, `h`, `d`",
            docs: "Its program gets SIGTERM and has five seconds to end. The exit status is 124, like that of timeout(1).",
            signature: DURATION,
            example: "limit-time \"2h\"",
            lower: Lower::Permission(|call| limit(call, &TIME)),
            ..OURS
        },
    ],
};

pub(crate) const AMOUNT: Type = Type::Either(&[Type::Literal, Type::Integer]);
const COUNT: Signature = Signature { params: &[param("count", AMOUNT)] };
const PROCESSORS: Signature = Signature { params: &[param("processors", AMOUNT)] };
const SIZE: Signature = Signature { params: &[param("size", AMOUNT)] };
const DURATION: Signature = Signature { params: &[param("time", AMOUNT)] };

/// How the amount of a limit is parsed.
struct LimitKind {
    resource: Limited,
    parse: fn(&str) -> Option<u64>,
    /// The least amount. Less lets nothing run, and is likely a forgotten unit.
    least: u64,
    /// What it limits, and the least amount, as specs write it.
    words: [&'static str; 2],
    /// What an amount looks like, with the least one.
    help: &'static str,
}

const CPU: LimitKind = LimitKind {
    resource: Limited::Cpu,
    parse: parse_percent,
    least: 1,
    words: ["a number of processors", "1%"],
    help: "write a number of processors, or hundredths of one: `2` or `\"150%\"`; 1 % at least",
};
const FILES: LimitKind = LimitKind {
    resource: Limited::Files,
    parse: parse_count,
    least: 16,
    words: ["a number of files", "16"],
    help: "write how many files, 16 at least",
};
const FILE_SIZE: LimitKind = LimitKind {
    resource: Limited::FileSize,
    parse: parse_size,
    least: 1 << 10,
    words: ["a size", "1K"],
    help: "write a number of bytes, or of `K`, `M`, `G` or `T`: `\"1G\"`; 1K at least",
};
const MEMORY: LimitKind = LimitKind {
    resource: Limited::Memory,
    parse: parse_size,
    least: 4 << 20,
    words: ["a size", "4M"],
    help: "write a number of bytes, or of `K`, `M`, `G` or `T`: `\"4G\"`; 4M at least",
};
const PIDS: LimitKind = LimitKind {
    resource: Limited::Pids,
    parse: parse_count,
    least: 1,
    words: ["a number of processes", "1"],
    help: "write how many processes, 1 at least",
};
const TIME: LimitKind = LimitKind {
    resource: Limited::Time,
    parse: parse_seconds,
    least: 1,
    words: ["a time", "1s"],
    help: "write a number of seconds, or of `s`, `m`, `h` or `d`: `\"1h30m\"`; 1s at least",
};

/// Larger amounts limit nothing, and would overflow in the units of the kernel.
const LARGEST: u64 = 1 << 50;

fn limit(call: &mut Call<'_, '_>, kind: &LimitKind) -> Option<()> {
    let text = call.amount(0)?;
    let [wanted, least] = kind.words;
    let wrong = match (kind.parse)(&text) {
        Some(value) if value < kind.least => format!("must be at least {least}"),
        Some(value) if value > LARGEST => "is too large to limit anything".to_owned(),
        Some(value) => {
            call.grant(Grant::Limit { resource: kind.resource, value });
            return Some(());
        }
        None => format!("takes {wanted}"),
    };
    let message = format!("`{}` {wrong}, got `{}`", call.combinator(), jail_plan::one_line(&text));
    call.error(Code::BadLimit, 0, message, kind.help);
    None
}

/// Digits and nothing else.
fn parse_count(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
