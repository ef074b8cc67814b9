//! The layers other than mounts and namespaces: the kernel checks them at each call.

use jail_policy::{CallBase, Grant, OnDeny, Wall};

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::diagnostic::{Code, Diagnostic};
use crate::lower::Call;
use crate::signature::{Field, Signature, Type};
use crate::suggest::nearest;
use crate::term::{Placed, Value};
use crate::words::Words;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Layers",
    intro: "What the kernel checks at each call, in addition to mounts and namespaces. Every jail has all of these layers; these
combinators change them. [The layers](layers.md) says what each of them stops.",
    combinators: &[
        Combinator {
            name: names::ADD_SECCOMP,
            in_jail_nix: true,
            summary: "A system call filter of your own, in addition to the jail's",
            docs: "A compiled filter (classic BPF, `struct sock_filter`), or a program that prints one; both are read when the jail is built. It
can only refuse more than the jail's own filter. The program runs in `/`, and has no variables of yours.",
            signature: Signature { params: &[param("filter", Type::Text)] },
            example: "add-seccomp (pkgs.writeShellScript \"filter\" \"printf '\\\\006\\\\000\\\\000\\\\000\\\\000\\\\000\\\\377\\\\177'\")",
            lower: Lower::Permission(add_seccomp),
            ..OURS
        },
        Combinator {
            name: names::ALLOW_NESTED_SANDBOX,
            summary: "Namespaces and mounts inside, for programs that make a sandbox of their own",
            docs: "For browsers, and for agents that sandbox their commands. It exposes a large part of the kernel: in a namespace of its own, a
program has capabilities. Landlock then checks no files, because under Landlock rules nothing can be mounted. A sandbox inside
can mount a /proc, unless root starts the jail ([layers](layers.md#sandboxes-inside-a-jail)).",
            example: "allow-nested-sandbox",
            lower: Lower::Permission(|call| {
                call.grant(Grant::NestedSandbox);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::LANDLOCK,
            summary: "The Landlock layer: `\"default\"`, `\"full\"`, or a minimum ABI of the kernel",
            docs: "Landlock checks by other means what the mounts grant. By default it checks writes grant by grant; that what is read is mounted
in the jail (a folder that another process passes in as a descriptor is not); ioctl on devices; and signals and abstract
sockets, which are not files. `\"full\"` also checks reads and executions grant by grant, so the folders that only lead to what
is granted (`/` and `/etc` themselves) cannot be listed.

By default the layer checks as much as the running kernel supports. If a spec names something that the kernel does not
support, the launch stops: `\"default\"` needs Landlock ABI 2 (Linux 5.19), `\"full\"` ABI 3 (6.2), and `{ abi = 6; }` that ABI.
You can give both `\"full\"` and a minimum ABI.",
            signature: Signature { params: &[param("wall", WALL)] },
            example: "[ (landlock \"full\") (landlock { abi = 6; }) ]",
            lower: Lower::Permission(landlock),
            ..OURS
        },
        Combinator {
            name: names::SECCOMP,
            summary: "Which system calls are allowed: `\"default\"`, `\"strict\"`, or changes to one of them",
            docs: "`\"default\"` refuses the families of calls that were used in known sandbox escapes. `\"strict\"` allows a list, and any other
call that the default would allow kills the program. Common commands and runtimes are on the list; in the jail of an agent's builder
also what that agent was seen to use, and elsewhere what all agents use. `jailgen trace` prints what is missing, and
`jailgen explain --syscalls` shows what a spec allows.

`{ allow = [ … ]; deny = [ … ]; onDeny = …; }` changes either of them, and can be given in addition. A call is a name, or a
name with conditions: `\"ioctl(1=0x5401|0x5402)\"` matches if argument 1, counted from 0, has one of these values; `!=` means
none of these values, `&` any of these bits, and a comma joins conditions. The low 32 bits of an argument are compared. A name
alone does not lift the default's checks of arguments (in `ioctl`, `clone`, `socket`, `openat`, `chmod` and similar calls); a
name with conditions does: `\"fchmodat(2&0xc00)\"` allows the set-user-id and set-group-id bits there. `onDeny` is `\"errno\"`
(EPERM), `\"kill\"`, or `\"log\"`, which carries out the call and writes a line to the kernel's log. With `\"strict\"` it also
applies to every call outside the list.",
            signature: Signature { params: &[param("calls", CALLS)] },
            example: "[ (seccomp \"strict\") (seccomp { allow = [ \"ptrace\" ]; deny = [ \"socket(0=16)\" ]; onDeny = \"errno\"; }) ]",
            lower: Lower::Permission(seccomp),
            ..OURS
        },
    ],
};

const CALLS: Type = Type::Either(&[Type::Word(Words::CallLists), Type::Fields(RULES)]);
const RULES: &[Field] = &[
    Field {
        name: "allow",
        ty: Type::List(&Type::Word(Words::Calls)),
        required: false,
        doc: "the system calls that are also allowed",
    },
    Field {
        name: "deny",
        ty: Type::List(&Type::Word(Words::Calls)),
        required: false,
        doc: "the system calls that are also refused",
    },
    Field {
        name: "onDeny",
        ty: Type::Word(Words::Answers),
        required: false,
        doc: "what happens at a refused call: `\"errno\"`, `\"kill\"` or `\"log\"`",
    },
];

pub(crate) const BASES: &[(&str, bool)] = &[("default", false), ("strict", true)];
pub(crate) const ANSWERS: &[(&str, OnDeny)] =
    &[("errno", OnDeny::Errno), ("kill", OnDeny::Kill), ("log", OnDeny::Log)];

/// The process that starts the payload, waits for it and reports its end is
/// under the payload's filter.
const NEEDED: &[&str] = &[
    "brk",
    "clone",
    "close_range",
    "execve",
    "exit_group",
    "kill",
    "mmap",
    "munmap",
    "prctl",
    "rt_sigprocmask",
    "sendto",
    "setpgid",
    "umask",
    "wait4",
];

fn add_seccomp(call: &mut Call<'_, '_>) -> Option<()> {
    let path = call.text(0)?;
    if path.expand {
        let message =
            "`add-seccomp` is read when the jail is built, before there is a launch".to_owned();
        call.error(Code::ParamType, 0, message, "name a file or a package without `noescape`");
        return None;
    }
    call.grant(Grant::Filter { path });
    Some(())
}

fn seccomp(call: &mut Call<'_, '_>) -> Option<()> {
    let Value::Attributes(fields) = call.value(0)? else {
        let base = match one_of(call, "list of system calls", BASES)? {
            false => CallBase::Default,
            true => CallBase::Strict { agent: call.agent().map(str::to_owned) },
        };
        call.grant(Grant::SystemCalls { base });
        return Some(());
    };
    let allow = names(call, fields.get("allow"))?;
    let deny = names(call, fields.get("deny"))?;
    if let Some(needed) = deny.iter().find(|name| NEEDED.contains(&name.as_str())) {
        let message = format!("without `{needed}` no jail can start a program or end");
        call.error(Code::UnknownSetting, 0, message, "leave it out, or give conditions");
        return None;
    }
    let on_deny = match fields.get("onDeny").map(|placed| &placed.value) {
        Some(Value::Text(text)) => Some(word(call, "answer", text.as_str()?, ANSWERS)?),
        _ => None,
    };
    call.grant(Grant::CallRules { allow, deny, on_deny });
    Some(())
}

/// The calls of a list; what is wrong with them is recorded.
fn names(call: &mut Call<'_, '_>, list: Option<&Placed>) -> Option<Vec<String>> {
    let Some(list) = list else { return Some(Vec::new()) };
    let Value::List(elements) = &list.value else { return None };
    let mut names = Vec::new();
    let mut whole = true;
    for element in elements {
        let Value::Text(text) = &element.value else { return None };
        let text = text.as_str()?;
        match known(text) {
            Ok(()) => names.push(text.to_owned()),
            Err((message, help)) => {
                let place = element.place.or(call.place_of(0));
                let fault = Diagnostic::error(Code::UnknownSetting, place, message);
                call.report(fault.help(help));
                whole = false;
            }
        }
    }
    whole.then_some(names)
}

fn known(text: &str) -> Result<(), (String, String)> {
    let shown = jail_plan::one_line(text);
    let parsed = jail_seccomp::Match::parse(text).map_err(|error| {
        (
            format!("`{shown}` names no system call: {error}"),
            "as `ptrace`, or `ioctl(1=0x5401)`".to_owned(),
        )
    })?;
    let name = parsed.call.as_str();
    if jail_seccomp::exists(name) {
        return Ok(());
    }
    let help = match nearest(name, jail_seccomp::names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "the names are those of syscalls(2)".to_owned(),
    };
    Err((format!("unknown system call `{name}`"), help))
}

const WALL: Type = Type::Either(&[Type::Word(Words::Walls), Type::Fields(ABI)]);
const ABI: &[Field] = &[Field {
    name: "abi",
    ty: Type::Integer,
    required: true,
    doc: "the Landlock ABI below which the launch stops: `{ abi = 6; }`",
}];

pub(crate) const WALLS: &[(&str, Wall)] = &[("default", Wall::Writes), ("full", Wall::Full)];

fn landlock(call: &mut Call<'_, '_>) -> Option<()> {
    match call.value(0)? {
        Value::Attributes(fields) => {
            let Value::Integer(abi) = fields.get("abi")?.value else { return None };
            match u32::try_from(abi) {
                Ok(least) if jail_plan_knows(least) => call.grant(Grant::LandlockAbi { least }),
                Ok(_) | Err(_) => return no_such_abi(call, abi),
            }
        }
        _ => {
            let wall = one_of(call, "wall", WALLS)?;
            call.grant(Grant::Wall { wall });
        }
    }
    Some(())
}

/// The first ABI is of no use: it forbids every rename between folders.
fn jail_plan_knows(abi: u32) -> bool {
    (2..=jail_policy::LANDLOCK_ABI_NEWEST).contains(&abi)
}

fn no_such_abi(call: &mut Call<'_, '_>, abi: i64) -> Option<()> {
    let newest = jail_policy::LANDLOCK_ABI_NEWEST;
    let message = format!("`landlock` knows no ABI {abi}");
    call.error(Code::UnknownSetting, 0, message, &format!("2 to {newest} are known"));
    None
}

/// The word in argument 0, one of a known list.
fn one_of<T: Copy>(call: &mut Call<'_, '_>, what: &str, known: &[(&str, T)]) -> Option<T> {
    let given = call.literal(0)?;
    word(call, what, given, known)
}

fn word<T: Copy>(
    call: &mut Call<'_, '_>,
    what: &str,
    word: &str,
    known: &[(&str, T)],
) -> Option<T> {
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == word) {
        return Some(*found);
    }
    let names = || known.iter().map(|(name, _)| *name);
    let help = match nearest(word, names()) {
        Some(near) => format!("did you mean `\"{near}\"`?"),
        None => {
            let names: Vec<String> = names().map(|name| format!("`\"{name}\"`")).collect();
            format!("the known ones are {}", names.join(", "))
        }
    };
    call.error(
        Code::UnknownSetting,
        0,
        format!("unknown {what} `{}`", jail_plan::one_line(word)),
        &help,
    );
    None
}
