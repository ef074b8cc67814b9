//! What jailgen keeps for itself: its state (`~/.local/state/jailgen`), whose folders are next to
//! those in which cages keep their state, and its settings (`~/.config/jailgen`).

/// Its place: the first of these variables that is an absolute path, and the path below that.
pub const OWN_STATE: [(&str, &str); 2] =
    [("XDG_STATE_HOME", "jailgen"), ("HOME", ".local/state/jailgen")];

/// The place of its settings: the first of these variables that is an absolute path,
/// and the path below that.
pub const OWN_SETTINGS: [(&str, &str); 2] =
    [("XDG_CONFIG_HOME", "jailgen"), ("HOME", ".config/jailgen")];

/// Folders that the host executes or trusts: nothing in them is ever granted.
pub const TRUSTED_STATE: &[&str] = &[
    "audits", "bin", "builds", "doctor", "flakes", "handoff", "kept", "log", "many", "paths",
    "roots", "sessions", "shells", "stages", "told", "traces", "trust",
];

/// The folder in which a file named after a jail lists what that jail may not write,
/// though it is in its working folder: the files of its spec, as absolute paths without
/// links, each followed by a NUL.
pub const KEPT: &str = "kept";

/// Whether a folder of this name is jailgen's own. No cage may have that name.
#[must_use]
pub fn is_own_state(name: &str) -> bool {
    // The sockets of message buses are there to be granted.
    name == "buses" || TRUSTED_STATE.contains(&name)
}
