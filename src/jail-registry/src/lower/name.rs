//! Names of jails. Each is a command, so each must be a file name.

use crate::diagnostic::{Code, Diagnostic};
use crate::term::Place;

/// The longest file name of Linux's file systems.
const NAME_BYTES_MAX: usize = 255;

/// Records what is wrong with a jail's name.
pub(super) fn check(name: &str, place: Option<Place>, diagnostics: &mut Vec<Diagnostic>) {
    if let Err(why) = valid(name) {
        let message = format!("the jail's name `{}` {why}", jail_plan::one_line(name));
        let fault = Diagnostic::error(Code::JailName, place, message).help(
            "the name becomes a command: letters, digits, `-`, `_`, `.`, such as `jailed-opencode`",
        );
        diagnostics.push(fault);
    }
}

/// Whether this can be a command and a file.
fn valid(name: &str) -> Result<(), &'static str> {
    match name.chars().next() {
        None => return Err("is empty"),
        Some('.') => return Err("starts with a dot"),
        Some('-') => {
            return Err("starts with a dash, so programs would take it for an option");
        }
        Some(_) => {}
    }
    if name.contains('/') {
        return Err("contains a slash and is not a file name");
    }
    // Nix store names allow less than file systems do, and the wrapper's derivation
    // is named after the jail.
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+?=".contains(c)) {
        return Err("contains a character that a Nix store path cannot have");
    }
    // The store puts a hash of 32 characters and a dash before it.
    if name.len() > NAME_BYTES_MAX - 44 {
        return Err("is too long");
    }
    Ok(())
}

/// A host name made of a jail's name: characters that a host name may not have become dashes.
pub(super) fn hostname(jail: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = jail.chars().map(legal).take(63).collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "jail".into() } else { name.into() }
}

/// Whether this is a valid host name (hostname(7)).
pub(crate) fn is_hostname(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // The kernel keeps 64 bytes with the final NUL (sethostname(2)).
    name.len() <= 63 && name.split('.').all(label)
}

/// Whether this is a valid name for an environment variable (POSIX 8.1).
pub(crate) fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
