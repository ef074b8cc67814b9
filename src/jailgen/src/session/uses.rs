//! Where secrets went, in every session that there is a log of and in those that run. No value is
//! in it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use super::control::{SecretStatus, SecretUse, Status, brokers};
use super::{Line, Log};
use crate::state::State;

/// As many hosts of a secret are named.
const HOSTS_SHOWN: usize = 8;

/// `KEY for api.example.com: api.example.com in 7 requests, the last at 2026-01-31 12:00:00 (UTC)`
impl fmt::Display for SecretStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.uses.iter().take(HOSTS_SHOWN).map(ToString::to_string);
        let more = self.uses.len().saturating_sub(HOSTS_SHOWN);
        let more = (more > 0).then(|| format!("{more} more hosts"));
        let uses: Vec<String> = shown.chain(more).collect();
        let uses = if uses.is_empty() { "not used so far".into() } else { uses.join("; ") };
        write!(f, "{} for {}: {uses}", self.name, self.hosts.join(", "))
    }
}

impl fmt::Display for SecretUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.is_empty() { "other hosts" } else { &self.host };
        let last = to_the_second(&self.last);
        match self.count {
            1 => write!(f, "{host} in one request, at {last} (UTC)"),
            count => write!(f, "{host} in {count} requests, the last at {last} (UTC)"),
        }
    }
}

/// A time of the log without its fraction of a second.
#[must_use]
pub fn to_the_second(time: &str) -> String {
    let time = time.replace('T', " ");
    time.get(..19).map(str::to_owned).unwrap_or(time)
}

/// How often a secret went to a host, and when last, by the session, the secret and the host.
type Counted = BTreeMap<(String, String, String), (u64, String)>;

/// For each secret of a jail the hosts that got it, over all sessions.
///
/// # Errors
/// A log cannot be read, or others may write it.
pub fn secret_uses(state: &State, jail: &str) -> io::Result<BTreeMap<String, Vec<SecretUse>>> {
    let mut counted = Counted::new();
    if state.logs().join(jail).is_dir() {
        let lines = Log::for_jails(&state.logs(), &[jail.to_owned()]).new_lines()?;
        lines.iter().for_each(|line| add_line(&mut counted, line));
    }
    for broker in brokers(&state.sessions())?.iter().filter(|one| one.status.name == jail) {
        add_status(&mut counted, &broker.session, &broker.status);
    }
    Ok(summed(counted))
}

fn add_line(counted: &mut Counted, line: &Line) {
    let (Some(secret), Some(host), Some(count)) = (&line.secret, &line.host, line.count) else {
        return;
    };
    let last = line.last.clone().unwrap_or_else(|| line.time.clone());
    add(counted, (&line.session, secret, host), count, last);
}

fn add_status(counted: &mut Counted, session: &str, status: &Status) {
    for secret in &status.secrets {
        for one in &secret.uses {
            add(counted, (session, &secret.name, &one.host), one.count, one.last.clone());
        }
    }
}

/// A session says more than once how often it was, and each time all of it.
fn add(
    counted: &mut Counted,
    (session, secret, host): (&str, &str, &str),
    count: u64,
    last: String,
) {
    let key = (session.to_owned(), secret.to_owned(), host.to_owned());
    let known = counted.entry(key).or_default();
    if count > known.0 {
        *known = (count, last);
    }
}

fn summed(counted: Counted) -> BTreeMap<String, Vec<SecretUse>> {
    let mut all: BTreeMap<String, BTreeMap<String, SecretUse>> = BTreeMap::new();
    for ((_, secret, host), (count, last)) in counted {
        let of_secret = all.entry(secret).or_default();
        let sum = of_secret.entry(host.clone()).or_default();
        sum.host = host;
        sum.count = sum.count.saturating_add(count);
        if last > sum.last {
            sum.last = last;
        }
    }
    all.into_iter().map(|(secret, uses)| (secret, uses.into_values().collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SecretStatus;

    fn line(session: &str, count: u64, last: &str) -> Line {
        Line {
            session: session.into(),
            verdict: "used".into(),
            secret: Some("KEY".into()),
            host: Some("a.test".into()),
            count: Some(count),
            last: Some(last.into()),
            ..Line::default()
        }
    }

    #[test]
    fn each_session_counts_once_and_its_last_word_is_all_of_it() {
        let mut counted = Counted::new();
        for (session, count, last) in [("1", 1, "T1"), ("1", 7, "T3"), ("2", 1, "T2")] {
            add_line(&mut counted, &line(session, count, last));
        }
        add_line(&mut counted, &Line { verdict: "allowed".into(), ..Line::default() });
        let running = SecretStatus {
            name: "KEY".into(),
            uses: vec![SecretUse { host: "a.test".into(), count: 4, last: "T4".into() }],
            ..SecretStatus::default()
        };
        add_status(&mut counted, "2", &Status { secrets: vec![running], ..Status::default() });
        let all = summed(counted);
        assert_eq!(all.len(), 1);
        let uses = SecretUse { host: "a.test".into(), count: 11, last: "T4".into() };
        assert_eq!(all["KEY"], [uses]);
    }

    #[test]
    fn uses_are_told_by_host_and_a_host_that_got_nothing_is_not() {
        let uses =
            |count, last: &str| SecretUse { host: "a.test".into(), count, last: last.into() };
        let mut secret = SecretStatus {
            name: "KEY".into(),
            hosts: vec!["*.test".into()],
            uses: vec![uses(7, "2026-01-31T12:00:00.123Z"), uses(1, "2026-01-31T12:00:01Z")],
        };
        assert_eq!(
            secret.to_string(),
            "KEY for *.test: a.test in 7 requests, the last at 2026-01-31 12:00:00 (UTC); \
             a.test in one request, at 2026-01-31 12:00:01 (UTC)"
        );
        secret.uses = vec![uses(1, ""); HOSTS_SHOWN + 3];
        assert!(secret.to_string().ends_with("; 3 more hosts"), "{secret}");
        secret.uses.clear();
        assert_eq!(secret.to_string(), "KEY for *.test: not used so far");
    }
}
