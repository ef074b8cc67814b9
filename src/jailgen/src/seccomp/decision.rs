//! How one call is decided, put together from the table and from what a spec says.

use super::table::{Answer, Rule};

/// How a call is decided. Of an argument the low 32 bits count, as in [`Rule`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Always the same.
    Always(Answer),
    /// Whether an argument, under a mask, is one of these values.
    OneOf {
        /// Counted from 0.
        argument: u8,
        /// The bits that are compared.
        mask: u32,
        /// The values.
        values: Vec<u32>,
        /// If it is.
        yes: Box<Self>,
        /// If not.
        no: Box<Self>,
    },
    /// Whether an argument has any of these bits.
    AnyBit {
        /// Counted from 0.
        argument: u8,
        /// The bits.
        bits: u32,
        /// If it has.
        yes: Box<Self>,
        /// If not.
        no: Box<Self>,
    },
}

impl From<&Rule> for Decision {
    fn from(rule: &Rule) -> Self {
        let boxed = |rule: &Rule| Box::new(Self::from(rule));
        match rule {
            Rule::Always(answer) => Self::Always(*answer),
            Rule::OneOf { argument, mask, values, yes, no } => Self::OneOf {
                argument: *argument,
                mask: *mask,
                values: values.to_vec(),
                yes: boxed(yes),
                no: boxed(no),
            },
            Rule::AnyBit { argument, bits, yes, no } => {
                Self::AnyBit { argument: *argument, bits: *bits, yes: boxed(yes), no: boxed(no) }
            }
        }
    }
}

impl Decision {
    /// The same, but what it allows is answered so.
    #[must_use]
    pub fn instead_of_allowing(self, answer: Answer) -> Self {
        let within = |part: Box<Self>| Box::new(part.instead_of_allowing(answer));
        match self {
            Self::Always(Answer::Allow) => Self::Always(answer),
            Self::Always(other) => Self::Always(other),
            Self::OneOf { argument, mask, values, yes, no } => {
                Self::OneOf { argument, mask, values, yes: within(yes), no: within(no) }
            }
            Self::AnyBit { argument, bits, yes, no } => {
                Self::AnyBit { argument, bits, yes: within(yes), no: within(no) }
            }
        }
    }

    /// Whether any call of this kind is carried out.
    #[must_use]
    pub fn can_allow(&self) -> bool {
        match self {
            Self::Always(answer) => matches!(answer, Answer::Allow | Answer::Log),
            Self::OneOf { yes, no, .. } | Self::AnyBit { yes, no, .. } => {
                yes.can_allow() || no.can_allow()
            }
        }
    }
}
