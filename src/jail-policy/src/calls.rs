//! System calls as a spec names them: `ptrace`, or with conditions on arguments `ioctl(1=0x5401|0x5402)`.
//!
//! In the parentheses: an argument, counted from 0, and what it must be. `=` one of these, `!=` none of these, `&` any of these
//! bits; several conditions with commas between them must all hold. Of an argument the low 32 bits are compared: those are all
//! that the kernel looks at in requests, flags, families and descriptors.

use std::fmt;

/// A call, or those of its uses whose arguments fulfil all conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallMatch {
    /// Its name.
    pub call: String,
    /// The conditions; none: every use.
    pub conditions: Vec<CallCondition>,
}

/// A condition on an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCondition {
    /// Counted from 0.
    pub argument: u8,
    /// How it is looked at.
    pub test: CallTest,
}

/// How an argument is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallTest {
    /// It is one of these.
    OneOf(Vec<u32>),
    /// It is none of these.
    NoneOf(Vec<u32>),
    /// It has any of these bits.
    AnyBit(u32),
}

/// More values would make a filter longer than the kernel takes.
const VALUES_MAX: usize = 64;

/// Why a text names no call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError(&'static str);

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl CallMatch {
    /// Reads a call with its conditions.
    ///
    /// # Errors
    /// When the text is not in that form; whether there is such a call is asked elsewhere.
    pub fn parse(text: &str) -> Result<Self, CallError> {
        let (name, rest) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let inner = rest.strip_suffix(')').ok_or(CallError("the `(` is not closed"))?;
                (name, Some(inner))
            }
        };
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(CallError("a call's name has small letters, digits and `_`"));
        }
        let conditions =
            rest.map_or(Ok(Vec::new()), |rest| rest.split(',').map(condition).collect());
        Ok(Self { call: name.into(), conditions: conditions? })
    }
}

fn condition(text: &str) -> Result<CallCondition, CallError> {
    let at = text
        .find(['=', '!', '&'])
        .ok_or(CallError("a condition is an argument, `=`, `!=` or `&`, and values: `1=0x5401`"))?;
    let (argument, rest) = text.split_at(at);
    let argument = argument.trim().parse().ok().filter(|argument| *argument < 6);
    let argument = argument.ok_or(CallError("arguments are counted from 0 to 5"))?;
    let test = if let Some(values) = rest.strip_prefix("!=") {
        CallTest::NoneOf(numbers(values)?)
    } else if let Some(values) = rest.strip_prefix('=') {
        CallTest::OneOf(numbers(values)?)
    } else if let Some(bits) = rest.strip_prefix('&') {
        CallTest::AnyBit(numbers(bits)?.into_iter().fold(0, |all, bits| all | bits))
    } else {
        return Err(CallError("between an argument and its values stands `=`, `!=` or `&`"));
    };
    Ok(CallCondition { argument, test })
}

fn numbers(text: &str) -> Result<Vec<u32>, CallError> {
    let numbers: Result<Vec<u32>, CallError> =
        text.split('|').map(|one| number(one.trim())).collect();
    let numbers = numbers?;
    if numbers.len() > VALUES_MAX {
        return Err(CallError("more than 64 values"));
    }
    Ok(numbers)
}

fn number(text: &str) -> Result<u32, CallError> {
    let parsed = match text.strip_prefix("0x") {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| CallError("a value is a whole number of 32 bits, as `2` or `0x5401`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_every_use_and_conditions_for_some() {
        let parse = |text| CallMatch::parse(text).map(|one| (one.call, one.conditions));
        let condition = |argument, test| CallCondition { argument, test };
        assert_eq!(parse("ptrace"), Ok(("ptrace".into(), vec![])));
        assert_eq!(
            parse("socket(0=1|0x2, 1&0xf, 2!=6)"),
            Ok((
                "socket".into(),
                vec![
                    condition(0, CallTest::OneOf(vec![1, 2])),
                    condition(1, CallTest::AnyBit(15)),
                    condition(2, CallTest::NoneOf(vec![6])),
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
            assert!(CallMatch::parse(text).is_err(), "{text}");
        }
        let many = vec!["1"; 65].join("|");
        assert!(CallMatch::parse(&format!("ioctl(1={many})")).is_err());
    }
}
