//! Secrets that deserve a second look: who gets the value.

use super::{Danger, DangerCode};
use crate::grant::{Secret, SecretSocket, SecretSource};
use crate::{Access, Entry, Severity, exposures};

pub(super) fn of_secret(entry: &Entry, secret: &Secret) -> Vec<Danger> {
    let wildcard = secret.has_wildcard().then(|| {
        let hosts: Vec<&str> =
            secret.hosts.iter().map(String::as_str).filter(|host| host.starts_with("*.")).collect();
        Danger::from_entry(
            entry,
            Severity::Medium,
            DangerCode::WildcardSecret,
            format!("`{}` may go to every host of {}", secret.name(), hosts.join(", ")),
            "name the hosts that need it: the value can be sent to each of the others",
        )
    });
    let sent = sent(entry, &secret.from, &secret.hosts.join(", "));
    std::iter::once(sent).chain(wildcard).collect()
}

pub(super) fn of_socket(entry: &Entry, socket: &SecretSocket) -> Danger {
    sent(entry, &socket.from, &socket.host)
}

/// A host gets whatever is where the value is said to be.
fn sent(entry: &Entry, from: &SecretSource, hosts: &str) -> Danger {
    let what = match from {
        SecretSource::File(path) => format!("what is in `{path}`"),
        SecretSource::Variable(name) => format!("the value of `{name}`"),
        SecretSource::Command(words) => {
            let program = words.first().map(ToString::to_string).unwrap_or_default();
            format!("what `{program}` prints")
        }
        SecretSource::Keyring(_) => "an entry of the keyring".to_owned(),
    };
    let exposed = from.file().map_or_else(Vec::new, |path| exposures(path, Access::ReadOnly));
    let severity = exposed.iter().map(|exposure| exposure.severity).min();
    let danger = Danger::from_entry(
        entry,
        severity.unwrap_or(Severity::Note),
        DangerCode::PassesSecret,
        format!("`{hosts}` is sent {what}"),
        "check that the value is meant for these hosts",
    );
    Danger { from: from.file().cloned(), ..danger }
}
