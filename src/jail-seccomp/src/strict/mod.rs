//! The lists of the strict filter: what agents and the commands that they start were seen to call. Each is a file, which says
//! how it was made.
//!
//! A call on a list is under the checks of the default filter all the same: what that refuses with an error is refused with it
//! here, too.

const EVERYBODY: &str = include_str!("everybody.list");
const COMMANDS: &str = include_str!("commands.list");

/// The agents' own lists, by their packages.
const AGENTS: &[(&str, &str)] = &[
    ("claude-code", include_str!("claude-code.list")),
    ("codex", include_str!("codex.list")),
    ("copilot-cli", include_str!("copilot-cli.list")),
    ("gemini-cli", include_str!("gemini-cli.list")),
    ("opencode", include_str!("opencode.list")),
    ("pi", include_str!("pi.list")),
    ("qwen-code", include_str!("qwen-code.list")),
];

/// Calls for one thing, of which a processor or a C library has one and another the other: who may make one may make all.
const TWINS: &[&[&str]] = &[
    &["accept", "accept4"],
    &["chmod", "fchmodat", "fchmodat2"],
    &["chown", "fchownat", "lchown"],
    &["epoll_create", "epoll_create1"],
    &["epoll_pwait", "epoll_pwait2", "epoll_wait"],
    &["eventfd", "eventfd2"],
    &["inotify_init", "inotify_init1"],
    &["link", "linkat"],
    // Of these the default filter answers openat2 with ENOSYS, and then programs make one of the others.
    &["creat", "open", "openat", "openat2"],
    &["mknod", "mknodat"],
    &["pause", "ppoll"],
    &["pipe", "pipe2"],
    &["preadv", "preadv2"],
    &["pselect6", "select"],
    &["pwritev", "pwritev2"],
    &["signalfd", "signalfd4"],
    &["symlink", "symlinkat"],
    &["fork", "vfork"],
    &["futimesat", "utime", "utimensat", "utimes"],
];

/// The calls that a strict filter leaves: those of an agent, or without one (or with one that was never recorded) those of all
/// agents and of the commands that they start.
pub(super) fn list(agent: Option<&str>) -> impl Iterator<Item = &'static str> {
    let own = agent.and_then(|agent| AGENTS.iter().find(|(name, _)| *name == agent));
    let lists: Vec<&str> = match own {
        Some((_, calls)) => vec![EVERYBODY, calls],
        None => AGENTS.iter().map(|(_, calls)| *calls).chain([EVERYBODY, COMMANDS]).collect(),
    };
    let listed: Vec<&str> = lists.into_iter().flat_map(words).collect();
    let with_twin = |twins: &&&[&str]| twins.iter().any(|twin| listed.contains(twin));
    let twins: Vec<&str> =
        TWINS.iter().filter(with_twin).flat_map(|twins| *twins).copied().collect();
    listed.into_iter().chain(twins)
}

/// The words of a list, without its comments.
pub(super) fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_ascii_whitespace)
}
