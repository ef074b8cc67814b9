//! What can be asked for and changed, and the answers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use jail_egress::{Destination, Pattern, Rule};
use jail_plan::Purpose;
use serde::{Deserialize, Serialize};

use crate::log::written;
use crate::session::Session;

/// So much of the log is shown.
const LOG_MAX: usize = 64 * 1024;

/// What grants what was allowed here, in the log.
const BY: &str = "jailgen allow";

/// What a command of `jailgen` asks of a broker that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Order {
    /// Describe the session: its answer has a `Status`.
    Status,
    /// A host may be reached from now on: `example.com`, `*.example.com:8443`.
    Allow {
        /// As in `network-allow`.
        host: String,
    },
    /// A host may not be reached any more, and connections to it end.
    Deny {
        /// As in `network-allow`; its ports do not count.
        host: String,
    },
    /// The newest lines of the log.
    Log,
}

/// What the broker answers to an [`Order`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Answer {
    /// Whether it was done.
    pub ok: bool,
    /// Why the request was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What else a user should know, such as the line for the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// For `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// For `log`: each a JSON object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// A session that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Status {
    /// `jailed-x`.
    pub name: String,
    /// The id of the session.
    pub session: String,
    /// The wrapper's path.
    pub wrapper: String,
    /// How long it has run.
    pub seconds: u64,
    /// How many connections there are.
    pub connections: usize,
    /// Of those, how many to each `host:port`.
    pub hosts: BTreeMap<String, usize>,
    /// Hosts that were refused.
    pub refused: Vec<String>,
    /// Ports of the host's loopback, with the ports of the jail that they lead to.
    pub ports: BTreeMap<u16, u16>,
    /// The secrets, in the order of the spec. A value is nowhere in it.
    pub secrets: Vec<SecretStatus>,
}

/// One secret, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SecretStatus {
    /// The variable or the file inside that has its placeholder, or the socket of the server that
    /// adds it.
    pub name: String,
    /// The hosts that get it, as the spec names them.
    pub hosts: Vec<String>,
    /// The hosts that got it.
    pub uses: Vec<SecretUse>,
}

/// Where a secret went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SecretUse {
    /// The host; empty for all hosts beyond those that are counted one by one.
    pub host: String,
    /// In how many requests.
    pub count: u64,
    /// When the last one was, in UTC.
    pub last: String,
}

impl Answer {
    pub(super) fn error(why: &str) -> Self {
        Self { error: Some(why.into()), ..Self::default() }
    }

    fn done(note: Option<String>) -> Self {
        Self { ok: true, note, ..Self::default() }
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        // Nothing in it can fail.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

impl Session {
    /// Does what is asked for.
    pub(super) fn obey(self: &Rc<Self>, order: &Order) -> Answer {
        match order {
            Order::Status => Answer { status: Some(self.status()), ..Answer::done(None) },
            Order::Allow { host } => self.allow(host),
            Order::Deny { host } => self.deny(host),
            Order::Log => {
                let text = self.log.tail(LOG_MAX);
                let lines = String::from_utf8_lossy(&text).lines().map(String::from).collect();
                Answer { lines, ..Answer::done(None) }
            }
        }
    }

    fn status(&self) -> Status {
        Status {
            name: self.log.name().into(),
            session: self.log.session().into(),
            wrapper: self.wrapper.clone(),
            seconds: self.now().as_secs(),
            connections: self.live.count(),
            hosts: self.live.hosts(),
            refused: self.log.refused_hosts(),
            ports: self.shown(),
            secrets: self.secret_statuses(),
        }
    }

    fn secret_statuses(&self) -> Vec<SecretStatus> {
        let uses = self.secrets.uses();
        let of = |name: &str| {
            let own = uses.iter().filter(|one| one.secret == name);
            own.map(|one| SecretUse {
                host: one.host.clone(),
                count: one.count,
                last: written(one.last),
            })
            .collect()
        };
        let all = self.secrets.names_and_hosts();
        all.map(|(name, hosts)| SecretStatus { uses: of(name), name: name.into(), hosts }).collect()
    }

    fn allow(self: &Rc<Self>, host: &str) -> Answer {
        let rule = match Rule::parse(host, BY) {
            Ok(rule) => rule,
            Err(error) => return Answer::error(&error.to_string()),
        };
        let line = format!("(network-allow [ \"{host}\" ])");
        match rule.destination.clone() {
            Destination::Names(Pattern::Exactly(name)) => {
                self.allow_rule(rule);
                if let Err(error) = self.prepare(&name) {
                    return Answer::error(&error.to_string());
                }
            }
            Destination::Names(Pattern::Below(_)) => {
                self.allow_rule(rule);
                self.listen_again();
            }
            Destination::Address(address) => return self.allow_address(rule, address, &line),
        }
        Answer::done(Some(format!("for the spec: {line}")))
    }

    fn allow_rule(&self, rule: Rule) {
        self.log.changed(&format!("{} is allowed for this session", rule.destination));
        self.policy.borrow_mut().allow(rule);
    }

    /// An address is reached where a route of the jail leads to it, and by the jail's proxy.
    fn allow_address(self: &Rc<Self>, rule: Rule, address: IpAddr, line: &str) -> Answer {
        let has_proxy =
            self.network.listeners.iter().any(|listener| listener.purpose == Purpose::Proxy);
        let has_route = self.has_route(address);
        if !has_route && !has_proxy {
            let why = "no route of this jail leads there before its next launch; for the spec:";
            return Answer::error(&format!("{why} {line}"));
        }
        let ports = rule.ports.clone();
        self.allow_rule(rule);
        if !has_route {
            let note = "before the next launch it is reached by the jail's proxy alone, because no route leads there; for the spec:";
            return Answer::done(Some(format!("{note} {line}")));
        }
        for port in ports {
            if let Err(error) = self.listen_for(SocketAddr::new(address, port)) {
                return Answer::error(&format!("nothing can listen on port {port}: {error}"));
            }
        }
        Answer::done(Some(format!("for the spec: {line}")))
    }

    fn deny(&self, host: &str) -> Answer {
        let destination = match Rule::parse(host, BY) {
            Ok(rule) => rule.destination,
            Err(error) => return Answer::error(&error.to_string()),
        };
        self.policy.borrow_mut().deny(destination.clone());
        self.log.changed(&format!("{destination} is denied for this session"));
        let policy = self.policy.borrow();
        self.live.end_where(|host, port| policy.is_denied_on(host, port));
        Answer::done(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_one_line_and_nothing_else_is() {
        for (text, order) in [
            (r#"{"do":"status"}"#, Order::Status),
            (r#"{"do":"allow","host":"a.test"}"#, Order::Allow { host: "a.test".into() }),
            (r#"{"do":"deny","host":"a.test"}"#, Order::Deny { host: "a.test".into() }),
            (r#"{"do":"log"}"#, Order::Log),
        ] {
            assert_eq!(serde_json::from_str::<Order>(text).unwrap(), order);
            assert_eq!(serde_json::to_string(&order).unwrap(), text);
        }
        for text in [r#"{"do":"allow"}"#, r#"{"do":"stop"}"#, "status"] {
            assert!(serde_json::from_str::<Order>(text).is_err(), "{text}");
        }
    }
}
