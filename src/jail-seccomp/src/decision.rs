//! How one call is decided: a tree of conditions with answers at its ends.

use super::condition::Condition;

/// An error of the kernel that a filter returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// Operation not permitted.
    Perm,
    /// No such system call: programs then use an older one.
    NoSys,
    /// Protocol not supported.
    ProtoNoSupport,
    /// Address family not supported.
    AfNoSupport,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The kernel carries it out.
    Allow,
    /// The kernel carries it out and logs it.
    Log,
    /// It fails with this error.
    Errno(Errno),
    /// The process is killed.
    Kill,
}

/// How a call is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Always the same.
    Always(Answer),
    /// By an argument.
    If {
        /// What is asked of it.
        condition: Condition,
        /// The decision where the condition holds.
        yes: Box<Self>,
        /// The decision where it does not.
        no: Box<Self>,
    },
}

pub(crate) const ALLOW: Decision = Decision::Always(Answer::Allow);
pub(crate) const PERM: Decision = Decision::Always(Answer::Errno(Errno::Perm));
pub(crate) const NO_SYS: Decision = Decision::Always(Answer::Errno(Errno::NoSys));
pub(crate) const NO_PROTOCOL: Decision = Decision::Always(Answer::Errno(Errno::ProtoNoSupport));
pub(crate) const NO_FAMILY: Decision = Decision::Always(Answer::Errno(Errno::AfNoSupport));
pub(crate) const KILL: Decision = Decision::Always(Answer::Kill);

impl Decision {
    /// `yes` where the condition holds, else `no`.
    pub(crate) fn when(condition: Condition, yes: Self, no: Self) -> Self {
        Self::If { condition, yes: Box::new(yes), no: Box::new(no) }
    }

    /// `yes` where all conditions hold, else `no`.
    pub(crate) fn when_all(conditions: &[Condition], yes: Self, no: &Self) -> Self {
        conditions
            .iter()
            .rev()
            .fold(yes, |yes, condition| Self::when(condition.clone(), yes, no.clone()))
    }

    /// The same, with another answer wherever it allows.
    #[must_use]
    pub fn instead_of_allowing(self, answer: Answer) -> Self {
        match self {
            Self::Always(Answer::Allow) => Self::Always(answer),
            Self::Always(other) => Self::Always(other),
            Self::If { condition, yes, no } => Self::when(
                condition,
                yes.instead_of_allowing(answer),
                no.instead_of_allowing(answer),
            ),
        }
    }
}
