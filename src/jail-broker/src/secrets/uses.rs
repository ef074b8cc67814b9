//! Where secrets went: by name and host, how often, and when last. Never a value.

use std::collections::BTreeMap;
use std::time::SystemTime;

/// More pairs are counted together: a jail chooses the hosts below a wildcard.
const KEPT_MAX: usize = 1000;

/// The uses of one secret at one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The secret.
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
pub(crate) struct Uses(BTreeMap<(String, String), (u64, Option<SystemTime>)>);

impl Uses {
    /// Counts one, and says whether it is the first one at that host.
    pub(crate) fn count(&mut self, secret: &str, host: &str) -> bool {
        let key = (secret.to_owned(), host.to_owned());
        let is_full = self.0.len() >= KEPT_MAX && !self.0.contains_key(&key);
        let key = if is_full { (key.0, String::new()) } else { key };
        let (count, last) = self.0.entry(key).or_default();
        *count += 1;
        *last = Some(SystemTime::now());
        *count == 1
    }

    pub(crate) fn all(&self) -> Vec<Use> {
        let all = self.0.iter().map(|((secret, host), (count, last))| Use {
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
        assert!(uses.count("KEY", "a.example.com"));
        assert!(!uses.count("KEY", "a.example.com"));
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
