//! What a spec says about system calls, and what becomes of each call under it.
//!
//! The default filter stands beneath everything: what a spec refuses is refused beside it, a strict filter leaves less of it,
//! and only what a spec names is lifted.

use super::decision::Decision;
use super::table::{Answer, Errno, Folder, known, lifted, rule};
use super::{Arch, strict};

/// What a jail's filter is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is allowed to begin with.
    pub base: Base,
    /// Namespaces and mounts inside, for programs that make a sandbox of their own.
    pub nested_sandbox: bool,
    /// The working folder that it is for.
    pub folder: Folder,
    /// What is allowed beside.
    pub allow: Vec<Match>,
    /// What is refused beside.
    pub deny: Vec<Match>,
    /// What happens to what is refused beside, and to the rest under [`Base::Strict`].
    pub on_deny: Option<OnDeny>,
}

/// What is allowed to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Everything but the families of the table.
    Default,
    /// Of that, what is on a list: that of an agent, or the general one. The rest is killed.
    Strict {
        /// The agent's package: `claude-code`.
        agent: Option<String>,
    },
}

/// What happens to a call that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDeny {
    /// It fails with EPERM.
    Errno,
    /// The process is killed.
    Kill,
    /// It is carried out, and the kernel logs it.
    Log,
}

/// A call, or those of its uses whose arguments fulfil all conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Its name.
    pub call: String,
    /// The conditions; none: every use.
    pub conditions: Vec<Condition>,
}

/// A condition on the low 32 bits of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Counted from 0.
    pub argument: u8,
    /// How it is looked at.
    pub test: Test,
}

/// How an argument is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is one of these.
    OneOf(Vec<u32>),
    /// It is none of these.
    NoneOf(Vec<u32>),
    /// It has any of these bits.
    AnyBit(u32),
}

impl Policy {
    /// What every jail has whose spec says nothing.
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
        let default = Decision::from(rule(name, self.nested_sandbox, self.folder));
        let mut decision =
            if self.begins_with(name) { default.clone() } else { self.rest(&default) };
        for one in self.allow.iter().filter(|one| one.call == name) {
            decision = match (one.conditions.as_slice(), &default) {
                ([], Decision::Always(_)) => Decision::Always(Answer::Allow),
                // A name alone lifts no check of arguments: who wants that names the arguments.
                ([], _) => decision,
                (conditions, _) => under(conditions, Decision::Always(Answer::Allow), decision),
            };
        }
        let refused = self.on_deny.unwrap_or(OnDeny::Errno).answer();
        for one in self.deny.iter().filter(|one| one.call == name) {
            let without = decision.clone().instead_of_allowing(refused);
            decision = under(&one.conditions, without, decision);
        }
        decision
    }

    /// Whether a call is among those that the base has, under the checks of the default filter.
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

    fn rest(&self, default: &Decision) -> Decision {
        match self.on_deny {
            None | Some(OnDeny::Kill) => Decision::Always(Answer::Kill),
            Some(OnDeny::Errno) => Decision::Always(Answer::Errno(Errno::Perm)),
            // Whatever the default filter refuses stays refused.
            Some(OnDeny::Log) => default.clone().instead_of_allowing(Answer::Log),
        }
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

/// `yes` where all conditions hold, else `no`.
fn under(conditions: &[Condition], yes: Decision, no: Decision) -> Decision {
    let [Condition { argument, test }, rest @ ..] = conditions else { return yes };
    let (argument, mask) = (*argument, u32::MAX);
    let inner = Box::new(under(rest, yes, no.clone()));
    let no = Box::new(no);
    match test {
        Test::OneOf(values) => {
            Decision::OneOf { argument, mask, values: values.clone(), yes: inner, no }
        }
        Test::NoneOf(values) => {
            Decision::OneOf { argument, mask, values: values.clone(), yes: no, no: inner }
        }
        Test::AnyBit(bits) => Decision::AnyBit { argument, bits: *bits, yes: inner, no },
    }
}

/// A system call of a processor and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub number: u32,
    /// Its name.
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
