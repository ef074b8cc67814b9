//! How much of the machine a jail may use.

use jail_policy::{Grant, Limited};

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::diagnostic::Code;
use crate::lower::{Call, parse_percent, parse_seconds, parse_size};
use crate::signature::{Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Limits",
    intro: "How much of the machine a jail may use; [limits.md](limits.md) says who holds it to that, and what happens at each limit.
Memory, processes and processors are counted for the jail as a whole, which needs a control group (cgroup v2) that the caller may make.
Where there is none the launch stops, unless the spec says `best-effort`. The other limits hold everywhere.
The same limit twice: the last one counts.",
    combinators: &[
        Combinator {
            name: names::BEST_EFFORT,
            summary: "Where a limit cannot be held as it is meant, the launch goes on and says which limits hold",
            docs: "`limit-memory` is then one of each process by itself (RLIMIT_DATA), `limit-pids` holds unless root starts the jail,
and `limit-cpu` does not hold at all.",
            example: "[ best-effort (limit-memory \"4G\") ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::BestEffort);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_CPU,
            summary: "So many processors' time for the whole jail: a number, or `\"150%\"` of one",
            docs: "What wants more waits.",
            signature: PROCESSORS,
            example: "limit-cpu 2",
            lower: Lower::Permission(|call| limit(call, &CPU)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_FILE_SIZE,
            summary: "No file that is written may be larger: bytes, or `K`, `M`, `G`, `T`",
            docs: "Many files may be; a program that goes on writing is ended by SIGXFSZ.",
            signature: SIZE,
            example: "limit-file-size \"1G\"",
            lower: Lower::Permission(|call| limit(call, &FILE_SIZE)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_FILES,
            summary: "So many files may each process have open at once",
            docs: "It never raises what the launcher itself may.",
            signature: COUNT,
            example: "limit-files 4096",
            lower: Lower::Permission(|call| limit(call, &FILES)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_MEMORY,
            summary: "So much memory for the whole jail, files in memory included: bytes, or `K`, `M`, `G`, `T`",
            docs: "Nothing of it is swapped out. A jail that needs more is ended as a whole.",
            signature: SIZE,
            example: "limit-memory \"4G\"",
            lower: Lower::Permission(|call| limit(call, &MEMORY)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_PIDS,
            summary: "So many processes and threads in the whole jail",
            docs: "More are not started: what tries gets an error (EAGAIN).",
            signature: COUNT,
            example: "limit-pids 512",
            lower: Lower::Permission(|call| limit(call, &PIDS)),
            ..OURS
        },
        Combinator {
            name: names::LIMIT_TIME,
            summary: "The jail is ended after so much time: seconds, or `s`, `m`, `h`, `d`",
            docs: "Its program is asked to end (SIGTERM) and has five seconds for it. The exit status is 124, as that of timeout(1).",
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

/// How the amount of a limit is read.
struct Kind {
    resource: Limited,
    parse: fn(&str) -> Option<u64>,
    /// Less lets nothing run, and is likely a unit that was forgotten.
    least: u64,
    /// What an amount looks like, with the least.
    help: &'static str,
}

const CPU: Kind = Kind {
    resource: Limited::Cpu,
    parse: parse_percent,
    least: 1,
    help: "write a number of processors, or hundredths of one: `2` or `\"150%\"`; 1 % at least",
};
const FILES: Kind = Kind {
    resource: Limited::Files,
    parse: parse_count,
    least: 16,
    help: "write how many files, 16 at least",
};
const FILE_SIZE: Kind = Kind {
    resource: Limited::FileSize,
    parse: parse_size,
    least: 1 << 10,
    help: "write a number of bytes, or of `K`, `M`, `G` or `T`: `\"1G\"`; 1K at least",
};
const MEMORY: Kind = Kind {
    resource: Limited::Memory,
    parse: parse_size,
    least: 4 << 20,
    help: "write a number of bytes, or of `K`, `M`, `G` or `T`: `\"4G\"`; 4M at least",
};
const PIDS: Kind = Kind {
    resource: Limited::Pids,
    parse: parse_count,
    least: 1,
    help: "write how many processes, 1 at least",
};
const TIME: Kind = Kind {
    resource: Limited::Time,
    parse: parse_seconds,
    least: 1,
    help: "write a number of seconds, or of `s`, `m`, `h` or `d`: `\"1h30m\"`; 1s at least",
};

/// Larger amounts limit nothing, and would overflow in the units of the kernel.
const LARGEST: u64 = 1 << 50;

fn limit(call: &mut Call<'_, '_>, kind: &Kind) -> Option<()> {
    let text = call.amount(0)?;
    let value = (kind.parse)(&text).filter(|value| (kind.least..=LARGEST).contains(value));
    let Some(value) = value else {
        let message = format!("`{}` is no amount for this limit", jail_plan::one_line(&text));
        call.error(Code::BadLimit, 0, message, kind.help);
        return None;
    };
    call.grant(Grant::Limit { resource: kind.resource, value });
    Some(())
}

/// Digits and nothing else.
fn parse_count(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
