//! Places that are never proposed, whatever a program looked for there: the table that `check` and
//! `audit` judge by, and the names of files that `mask [ "@credentials" ]` masks.

use std::path::Path;

use jail_plan::mask::credentials;
use jail_plan::star::is_like;
use jail_policy::{Access, Text, exposures};

/// Why a place is not proposed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Never {
    /// What it is, after "it holds".
    pub(super) holds: &'static str,
    /// What to do instead.
    pub(super) fix: &'static str,
}

const OWN_KEY: &str =
    "give the program a key of its own, or a `secret` of the broker, instead of yours";

/// Whether a place holds what no jail is to be given unasked. `home` is the home folder.
pub(super) fn never(path: &Path, home: Option<&Path>, access: Access) -> Option<Never> {
    let found = exposures(&Text::literal(judged(path, home)), access);
    if let Some(worst) = found.first() {
        return Some(Never { holds: worst.holds, fix: worst.fix });
    }
    let reason = credential(path, home)?;
    Some(Never { holds: reason, fix: OWN_KEY })
}

/// The table knows home folders by where they usually are.
fn judged(path: &Path, home: Option<&Path>) -> String {
    let below = home.and_then(|home| path.strip_prefix(home).ok());
    match below {
        Some(below) => Path::new("/home/me").join(below).to_string_lossy().into_owned(),
        None => path.to_string_lossy().into_owned(),
    }
}

/// What a file holds by its name. The globs are those of gitignore(5), of which the table uses
/// stars; the last one that fits counts.
fn credential(path: &Path, home: Option<&Path>) -> Option<&'static str> {
    let below = home.and_then(|home| path.strip_prefix(home).ok()).unwrap_or(path);
    let (whole, name) = (below.to_string_lossy(), path.file_name()?.to_string_lossy());
    let whole = whole.as_bytes();
    let mut found = None;
    for line in credentials() {
        let glob = line.glob.strip_prefix('!').unwrap_or(line.glob);
        let is_it = match glob.contains('/') {
            true => {
                is_like(glob.as_bytes(), whole) || is_like(format!("*/{glob}").as_bytes(), whole)
            }
            false => is_like(glob.as_bytes(), name.as_bytes()),
        };
        if is_it {
            found = (!line.glob.starts_with('!')).then_some(line.reason);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_wherever_the_home_folder_is() {
        let home = Path::new("/var/people/ada");
        let is_never = |path: &str, access| never(Path::new(path), Some(home), access).is_some();
        for path in [
            "/var/people/ada",
            "/var/people/ada/.ssh",
            "/var/people/ada/.ssh/id_ed25519",
            "/var/people/ada/.aws/credentials",
            "/var/people/ada/.local/share/keyrings/login.keyring",
            "/var/people/ada/.mozilla/firefox/x/logins.json",
            "/var/people/ada/.config/chromium",
            "/var/people/ada/.config",
            "/var/people/ada/project/.env",
            "/srv/key.pem",
            "/srv/id_rsa",
            "/home/other/.ssh",
            "/home",
            "/",
            "/etc/shadow",
            "/run/docker.sock",
        ] {
            assert!(is_never(path, Access::ReadOnly), "{path}");
        }
        for path in [
            "/var/people/ada/.config/demo/settings.json",
            "/var/people/ada/.ssh/known_hosts",
            "/var/people/ada/project/.env.example",
            "/srv/data",
            "/etc/ssl/certs",
        ] {
            assert!(!is_never(path, Access::ReadOnly), "{path}");
        }
        assert!(is_never("/var/people/ada/.bashrc", Access::ReadWrite));
    }
}
