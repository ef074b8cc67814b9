//! What jailgen keeps for itself: its state (`~/.local/state/jailgen`), with its folders, which are next to those that cages keep
//! their state in, and its settings (`~/.config/jailgen`).

/// Where it is: the first of these variables that is an absolute path, and what is below that.
pub const OWN_STATE: [(&str, &str); 2] =
    [("XDG_STATE_HOME", "jailgen"), ("HOME", ".local/state/jailgen")];

/// Where its settings are: the first of these variables that is an absolute path, and what is below that.
pub const OWN_SETTINGS: [(&str, &str); 2] =
    [("XDG_CONFIG_HOME", "jailgen"), ("HOME", ".config/jailgen")];

/// What the host runs or believes: nothing of it is ever granted.
pub const TRUSTED_STATE: &[&str] = &[
    "audits", "bin", "builds", "doctor", "flakes", "handoff", "kept", "log", "paths", "roots",
    "sessions", "shells", "told", "traces", "trust",
];

/// The folder in which a file named after a jail says what that may not write, though it lies in its working folder: the files
/// of its spec, as absolute paths without links, each with a NUL behind it.
pub const KEPT: &str = "kept";

/// Whether a folder of this name is jailgen's own, so that no cage may be called so.
#[must_use]
pub fn is_own_state(name: &str) -> bool {
    // The sockets of message buses are there to be granted.
    name == "buses" || TRUSTED_STATE.contains(&name)
}
