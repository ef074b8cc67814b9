//! System calls as a spec names them: `ptrace`, or with conditions on arguments
//! `ioctl(1=0x5401|0x5402)`.
//!
//! In the parentheses: an argument, counted from 0, and what it must be. `=` one of these, `!=`
//! none of these, `&` any of these bits; several conditions with commas between them must all hold.
//! The low 32 bits of an argument are compared: the kernel uses only those of requests, flags,
//! families and descriptors, and the bits above them must not change the answer (CVE-2019-10063).

use std::fmt;

/// A call, or those of its uses whose arguments fulfil all conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The name of the system call.
    pub call: String,
    /// The conditions; none: every use.
    pub conditions: Vec<Condition>,
}

/// A condition on the low 32 bits of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Counted from 0.
    pub argument: u8,
    /// The bits that are compared.
    pub mask: u32,
    /// What they are compared with.
    pub test: Test,
}

/// What the bits of an argument are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// They are one of these values.
    OneOf(Vec<u32>),
    /// The argument has none of these values.
    NoneOf(Vec<u32>),
    /// Any of these bits is set.
    AnyBit(u32),
}

impl Condition {
    /// A condition on all 32 bits.
    #[must_use]
    pub const fn new(argument: u8, test: Test) -> Self {
        Self { argument, mask: u32::MAX, test }
    }

    /// The argument is one of these values.
    pub(crate) fn one_of(argument: u8, values: &[u32]) -> Self {
        Self::new(argument, Test::OneOf(values.to_vec()))
    }

    /// The argument has any of these bits.
    pub(crate) const fn any_bit(argument: u8, bits: u32) -> Self {
        Self::new(argument, Test::AnyBit(bits))
    }

    /// The same condition on some bits of the argument.
    pub(crate) fn masked(self, mask: u32) -> Self {
        Self { mask, ..self }
    }
}

/// More values would make a filter longer than the kernel takes.
const VALUES_MAX: usize = 64;

/// Why a text is not a call with its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchError(&'static str);

impl fmt::Display for MatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Match {
    /// Reads a call with its conditions.
    ///
    /// # Errors
    /// When the text is not in that form; whether there is such a call is asked elsewhere.
    pub fn parse(text: &str) -> Result<Self, MatchError> {
        let (name, rest) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let inner = rest.strip_suffix(')').ok_or(MatchError("the `(` is not closed"))?;
                (name, Some(inner))
            }
        };
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(MatchError(
                "the name of a system call has lower-case letters, digits and `_`",
            ));
        }
        let conditions =
            rest.map_or(Ok(Vec::new()), |rest| rest.split(',').map(condition).collect());
        Ok(Self { call: name.into(), conditions: conditions? })
    }
}

fn condition(text: &str) -> Result<Condition, MatchError> {
    let at = text.find(['=', '!', '&']).ok_or(MatchError(
        "a condition is an argument, `=`, `!=` or `&`, and values: `1=0x5401`",
    ))?;
    let (argument, rest) = text.split_at(at);
    let argument = argument.trim().parse().ok().filter(|argument| *argument < 6);
    let argument = argument.ok_or(MatchError("arguments are counted from 0 to 5"))?;
    let test = if let Some(values) = rest.strip_prefix("!=") {
        Test::NoneOf(numbers(values)?)
    } else if let Some(values) = rest.strip_prefix('=') {
        Test::OneOf(numbers(values)?)
    } else if let Some(bits) = rest.strip_prefix('&') {
        Test::AnyBit(numbers(bits)?.into_iter().fold(0, |all, bits| all | bits))
    } else {
        return Err(MatchError("expected `=`, `!=` or `&` between the argument and its values"));
    };
    Ok(Condition::new(argument, test))
}

fn numbers(text: &str) -> Result<Vec<u32>, MatchError> {
    let numbers: Result<Vec<u32>, MatchError> =
        text.split('|').map(|one| number(one.trim())).collect();
    let numbers = numbers?;
    if numbers.len() > VALUES_MAX {
        return Err(MatchError("more than 64 values"));
    }
    Ok(numbers)
}

fn number(text: &str) -> Result<u32, MatchError> {
    let parsed = match text.strip_prefix("0x") {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| MatchError("a value is an integer of 32 bits, such as `2` or `0x5401`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_every_use_and_conditions_for_some() {
        let parse = |text| Match::parse(text).map(|one| (one.call, one.conditions));
        let condition = Condition::new;
        assert_eq!(parse("ptrace"), Ok(("ptrace".into(), vec![])));
        assert_eq!(
            parse("socket(0=1|0x2, 1&0xf, 2!=6)"),
            Ok((
                "socket".into(),
                vec![
                    condition(0, Test::OneOf(vec![1, 2])),
                    condition(1, Test::AnyBit(15)),
                    condition(2, Test::NoneOf(vec![6])),
                ]
            ))
        );
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for text in [
            "",
            "Ptrace",
            "a b",
            "ioctl(",
            "ioctl()",
            "ioctl(1)",
            "ioctl(6=1)",
            "ioctl(1=)",
            "ioctl(1=x)",
            "ioctl(1=4294967296)",
            "ioctl(1!1)",
            "ioctl(1=1)x",
            "ioctl(-1=1)",
            "(1=1)",
        ] {
            assert!(Match::parse(text).is_err(), "{text}");
        }
        let many = vec!["1"; 65].join("|");
        assert!(Match::parse(&format!("ioctl(1={many})")).is_err());
    }
}
