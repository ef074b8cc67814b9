//! The rules of a spec about system calls, and the decision on each call under them.
//!
//! The default filter always applies: what a spec refuses is refused in addition, a strict filter
//! allows less of it, and only what a spec names is lifted.

use serde::{Deserialize, Serialize};

use super::condition::Match;
use super::decision::{ALLOW, Answer, Decision, Errno, PERM};
use super::table::{self, Folder, known, lifted};
use super::{Arch, strict};

/// What a jail's filter is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is allowed at first.
    pub base: Base,
    /// Namespaces and mounts inside, for programs that make a sandbox of their own.
    pub nested_sandbox: bool,
    /// The working folder that it is for.
    pub folder: Folder,
    /// What is allowed in addition to the base.
    pub allow: Vec<Match>,
    /// What is refused in addition to the base.
    pub deny: Vec<Match>,
    /// What happens to calls that `deny` refuses, and to the rest under [`Base::Strict`].
    pub on_deny: Option<OnDeny>,
}

/// The base of the allowed system calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Base {
    /// All except the families of the table.
    Default,
    /// Of those, the ones on a list. Any other call that the default filter
    /// allows kills the program.
    Strict {
        /// The agent whose list it is, by its package: `claude-code`; absent: the general list.
        agent: Option<String>,
    },
}

/// What happens to a call that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDeny {
    /// It fails with EPERM.
    Errno,
    /// The process is killed.
    Kill,
    /// It is carried out, and the kernel logs it.
    Log,
}

impl Policy {
    /// The policy of every jail whose spec sets nothing.
    pub const DEFAULT: Self = Self {
        base: Base::Default,
        nested_sandbox: false,
        folder: Folder::Plain,
        allow: Vec::new(),
        deny: Vec::new(),
        on_deny: None,
    };

    /// How a call is decided.
    pub(super) fn decide(&self, name: &str) -> Decision {
        let default = table::decision(name, self.nested_sandbox, self.folder);
        let mut decision =
            if self.begins_with(name) { default.clone() } else { self.rest(&default) };
        for one in self.allow.iter().filter(|one| one.call == name) {
            decision = match (one.conditions.as_slice(), &default) {
                ([], Decision::Always(_)) => ALLOW,
                // A name alone lifts no check of arguments: for that a spec names the arguments.
                ([], _) => decision,
                (conditions, _) => Decision::when_all(conditions, ALLOW, &decision),
            };
        }
        let refused = self.on_deny.unwrap_or(OnDeny::Errno).answer();
        for one in self.deny.iter().filter(|one| one.call == name) {
            let without = decision.clone().instead_of_allowing(refused);
            decision = Decision::when_all(&one.conditions, without, &decision);
        }
        decision
    }

    /// Whether a call is among those that the base allows, under the checks of the default filter.
    fn begins_with(&self, name: &str) -> bool {
        match &self.base {
            Base::Default => true,
            Base::Strict { agent } => {
                let plain = |one: &Match| one.call == name && one.conditions.is_empty();
                strict::list(agent.as_deref()).any(|listed| listed == name)
                    || self.allow.iter().any(plain)
                    || (self.nested_sandbox && lifted(name))
            }
        }
    }

    /// Calls that are not on the strict list. Those that the default filter refuses keep their
    /// error here: programs are prepared for it and make another call, such as `epoll_wait` if
    /// there is no `io_uring_setup`.
    fn rest(&self, default: &Decision) -> Decision {
        let answer = self.on_deny.unwrap_or(OnDeny::Kill).answer();
        default.clone().instead_of_allowing(answer)
    }
}

impl OnDeny {
    const fn answer(self) -> Answer {
        match self {
            Self::Errno => Answer::Errno(Errno::Perm),
            Self::Kill => Answer::Kill,
            Self::Log => Answer::Log,
        }
    }
}

/// How a call is decided where only these uses are allowed.
pub(super) fn listed(name: &str, allowed: &[Match]) -> Decision {
    let uses = allowed.iter().filter(|one| one.call == name);
    uses.fold(PERM, |rest, one| Decision::when_all(&one.conditions, ALLOW, &rest))
}

/// A system call of a processor and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The number of the system call.
    pub number: u32,
    /// The name that identifies it.
    pub name: &'static str,
    /// How it is decided.
    pub decision: Decision,
}

/// Every known call of a processor, by number.
#[must_use]
pub fn calls(arch: Arch, policy: &Policy) -> Vec<Call> {
    calls_by(arch, |name| policy.decide(name))
}

/// Every known call of a processor, by number, decided by any table.
pub(super) fn calls_by(arch: Arch, decide: impl Fn(&str) -> Decision) -> Vec<Call> {
    let mut calls: Vec<Call> =
        known(arch).map(|(number, name)| Call { number, name, decision: decide(name) }).collect();
    calls.sort_unstable_by_key(|call| call.number);
    calls
}
