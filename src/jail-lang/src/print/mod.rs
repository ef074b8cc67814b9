//! Values as text: as JSON, and as Nix shows them. Also code.

pub(crate) mod code;
pub(crate) mod json;
mod nix;

use jail_registry::Place;

use crate::eval::Evaluator;
use crate::failure::Fallible;
use crate::value::Value;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As JSON, on one line. Functions have none.
    Json,
    /// As Nix shows it, on one line.
    Nix,
}

/// The text of a value, which is evaluated completely.
pub(crate) fn write(
    evaluator: &Evaluator<'_>,
    value: &Value,
    form: Form,
    at: Place,
) -> Fallible<String> {
    match form {
        Form::Json => json::write(evaluator, value, at),
        Form::Nix => nix::write(evaluator, value, at),
    }
}

/// A finite float as Nix 2.8 and C write it: six digits, in the shorter of the two notations. If
/// the number has more digits, they are written too, as newer versions do: what a spec writes into
/// a file must be that number.
fn float(number: f64) -> String {
    let short = six_digits(number);
    match short.parse::<f64>() {
        Ok(read) if read.to_bits() == number.to_bits() => short,
        _ => all_digits(number),
    }
}

/// `%g` of printf(3).
pub(crate) fn six_digits(number: f64) -> String {
    if number == 0.0 {
        return if number.is_sign_negative() { "-0".into() } else { "0".into() };
    }
    let scientific = format!("{number:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        return trimmed(&format!("{number:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(digits), exponent.abs())
}

/// The fewest digits that distinguish the number from all others.
fn all_digits(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse() {
        Ok(exponent @ (i32::MIN..=-5 | 15..=i32::MAX)) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{number}"),
    }
}

fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use super::float;

    #[test]
    fn floats_have_six_digits_or_all_of_them() {
        for (number, text) in [
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1e6, "1e+06"),
            (1e100, "1e+100"),
            (1e-5, "1e-05"),
            (123_456_789.125, "123456789.125"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1.234_567_8e-9, "1.2345678e-09"),
            (1.234_567_8e20, "1.2345678e+20"),
            (-0.0, "-0"),
        ] {
            assert_eq!(float(number), text);
        }
    }
}
