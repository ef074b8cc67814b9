//! Where secrets went: by name and host, how often, and when last. Never a value.

use std::collections::BTreeMap;
use std::time::SystemTime;

/// More pairs are counted together: a jail chooses the hosts below a wildcard.
const KEPT_MAX: usize = 1000;

/// The uses of one secret at one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name of the secret.
    pub secret: String,
    /// The host; empty where more hosts than are kept got it.
    pub host: String,
    /// How many requests had it.
    pub count: u64,
    /// When the last one had.
    pub last: SystemTime,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    all: BTreeMap<(String, String), (u64, Option<SystemTime>)>,
    /// Those that were counted once, until the log takes them.
    first: Vec<Use>,
}

impl Uses {
    /// Counts one use of a secret for a host.
    pub(crate) fn count(&mut self, secret: &str, host: &str) {
        let key = (secret.to_owned(), host.to_owned());
        let is_full = self.all.len() >= KEPT_MAX && !self.all.contains_key(&key);
        let key = if is_full { (key.0, String::new()) } else { key };
        let (count, last) = self.all.entry(key).or_default();
        let now = SystemTime::now();
        *count += 1;
        *last = Some(now);
        if *count == 1 {
            let (secret, host) = (secret.to_owned(), host.to_owned());
            self.first.push(Use { secret, host, count: 1, last: now });
        }
    }

    pub(crate) fn first(&mut self) -> Vec<Use> {
        std::mem::take(&mut self.first)
    }

    pub(crate) fn all(&self) -> Vec<Use> {
        let all = self.all.iter().map(|((secret, host), (count, last))| Use {
            secret: secret.clone(),
            host: host.clone(),
            count: *count,
            last: last.unwrap_or(SystemTime::UNIX_EPOCH),
        });
        all.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_is_counted_and_the_list_is_bounded() {
        let mut uses = Uses::default();
        uses.count("KEY", "a.example.com");
        uses.count("KEY", "a.example.com");
        assert_eq!(uses.first().len(), 1);
        assert_eq!(uses.first(), []);
        for number in 0..2 * KEPT_MAX {
            uses.count("KEY", &format!("n{number}.example.com"));
        }
        let all = uses.all();
        assert_eq!(all.len(), KEPT_MAX + 1);
        assert_eq!(all.iter().map(|one| one.count).sum::<u64>(), 2 + 2 * KEPT_MAX as u64);
        assert_eq!(all[1].host, "a.example.com");
        assert_eq!(all[1].count, 2);
    }
}
