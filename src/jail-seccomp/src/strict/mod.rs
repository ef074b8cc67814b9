//! The lists of the strict filter: what agents, language runtimes and ordinary commands were seen
//! to call. Each is a file, which says how it was made.
//!
//! An agent starts any command, so each agent's list contains the general one. The default filter
//! applies first: what it refuses with an error, the strict filter refuses with the same error,
//! whether or not the call is on a list.

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

/// Calls for one purpose, of which processors and C libraries use one or the other: if
/// one is allowed, all are.
const TWINS: &[&[&str]] = &[
    &["accept", "accept4"],
    &["chmod", "fchmodat", "fchmodat2"],
    &["chown", "fchownat", "lchown"],
    &["epoll_create", "epoll_create1"],
    &["epoll_pwait", "epoll_pwait2", "epoll_wait"],
    &["eventfd", "eventfd2"],
    &["inotify_init", "inotify_init1"],
    &["link", "linkat"],
    // The default filter answers openat2 with ENOSYS, and then programs make one of the others.
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

/// The calls that a strict filter allows: the general list, and that of the agent. Without an
/// agent, or with one that was never recorded, the lists of all agents.
pub(super) fn list(agent: Option<&str>) -> impl Iterator<Item = &'static str> {
    let own = agent.filter(|agent| AGENTS.iter().any(|(name, _)| name == agent));
    let agents = AGENTS.iter().filter(|(name, _)| own.is_none_or(|own| own == *name));
    let lists = [EVERYBODY, COMMANDS].into_iter().chain(agents.map(|(_, calls)| *calls));
    let listed: Vec<&str> = lists.flat_map(words).collect();
    let with_twin = |twins: &&&[&str]| twins.iter().any(|twin| listed.contains(twin));
    let twins: Vec<&str> =
        TWINS.iter().filter(with_twin).flat_map(|twins| *twins).copied().collect();
    listed.into_iter().chain(twins)
}

/// The agents that have a list.
#[cfg(test)]
pub(super) fn agents() -> impl Iterator<Item = &'static str> {
    AGENTS.iter().map(|(name, _)| *name)
}

/// What every list contains.
#[cfg(test)]
pub(super) fn general() -> impl Iterator<Item = &'static str> {
    [EVERYBODY, COMMANDS].into_iter().flat_map(words)
}

/// The words of a list, without its comments.
pub(super) fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_ascii_whitespace)
}
