//! The calling user's name, group and home folder, from the host's own files.
//!
//! Users from elsewhere (LDAP, systemd-homed) are not in the files; their name then comes
//! from the launcher's USER.

use alloc::string::String;

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::caller::Caller;
use crate::reading::read_to_end;

/// Larger files are not searched; the name then comes from the environment.
const FILE_MAX: usize = 4 * 1024 * 1024;

/// Who the caller is.
pub(crate) struct Accounts {
    /// The user's name.
    pub(crate) user: String,
    /// The name of the user's group.
    pub(crate) group: String,
}

/// Looks the caller up.
pub(crate) fn accounts(caller: &Caller<'_>) -> Accounts {
    let user = user(caller).split(':').next().filter(|name| is_name(name)).map(String::from);
    let user = user.or_else(|| from_environment(caller)).unwrap_or_else(|| "user".into());
    let group = entry("/etc/group", caller.gid)
        .and_then(|line| line.split(':').next().map(String::from))
        .filter(|name| is_name(name))
        .unwrap_or_else(|| user.clone());
    Accounts { user, group }
}

/// The home folder in the user database.
pub(super) fn home(caller: &Caller<'_>) -> Option<String> {
    user(caller).split(':').nth(5).filter(|home| !home.is_empty()).map(String::from)
}

/// The caller's line of the user database; `None` if there is none. It is read once.
fn user<'a>(caller: &'a Caller<'_>) -> &'a str {
    caller.account.get_or_init(|| entry("/etc/passwd", caller.uid).unwrap_or_default())
}

fn from_environment(caller: &Caller<'_>) -> Option<String> {
    ["USER", "LOGNAME"].into_iter().find_map(|variable| {
        let name = core::str::from_utf8(caller.value(variable)?).ok()?;
        is_name(name).then(|| name.into())
    })
}

/// Whether a name is valid in passwd(5) and group(5): no separator, nothing unprintable,
/// not a number or an option.
fn is_name(name: &str) -> bool {
    let legal = |c: char| {
        c.is_ascii_alphanumeric() || (!c.is_ascii() && !c.is_control()) || "_-.$@+\\".contains(c)
    };
    (1..=256).contains(&name.len())
        && name.chars().all(legal)
        && !name.starts_with(['-', '+'])
        && !name.chars().all(|c| c.is_ascii_digit())
}

/// The line of `file` whose third field is `id`.
fn entry(file: &str, id: u32) -> Option<String> {
    let file = openat(CWD, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let bytes = read_to_end(&file, FILE_MAX).ok()?;
    let mut lines =
        bytes.split(|byte| *byte == b'\n').filter_map(|line| core::str::from_utf8(line).ok());
    let line =
        lines.find(|line| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(id))?;
    Some(line.into())
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_user_name_cannot_write_lines_of_its_own() {
        for name in ["u", "jane.doe", "DOMAIN\\jane", "jane@example.org", "_x", "büro"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a:b", "a\nroot:x:0:0", "a b", "-x", "+@x", "0", "12", "a\u{1b}"] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
