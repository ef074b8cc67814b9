//! `convertHash`: hashes in the four ways in which Nix writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, builtin, take};
use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[builtin("convertHash", 1, |evaluator, args, at| {
    let [arg] = take(args, at)?;
    let attrs = evaluator.attrs(arg, at)?;
    let field = |name: &str| field(evaluator, &attrs, name, at);
    let (Some(hash), Some(format)) = (field("hash")?, field("toHashFormat")?) else {
        return Err(wrong("`convertHash` needs `hash` and `toHashFormat`".into(), at));
    };
    let (algorithm, bytes) = parsed(&hash, field("hashAlgo")?.as_deref(), at)?;
    Ok(Value::string(match format.as_str() {
        "base16" => base16(&bytes),
        "nix32" | "base32" => nix32(&bytes),
        "base64" => BASE64.encode(&bytes),
        "sri" => format!("{algorithm}-{}", BASE64.encode(&bytes)),
        other => return Err(wrong(format!("`{other}` is not a hash format"), at)),
    }))
})];

/// The algorithms, and the bytes of their hashes.
const ALGORITHMS: &[(&str, usize)] = &[("md5", 16), ("sha1", 20), ("sha256", 32), ("sha512", 64)];

fn field(
    evaluator: &Evaluator<'_>,
    attrs: &Attrs,
    name: &str,
    at: Place,
) -> Fallible<Option<String>> {
    let value = evaluator.attribute(attrs, name);
    value.map(|value| Ok(evaluator.string(&value, at)?.to_string())).transpose()
}

fn wrong(message: String, at: Place) -> Box<Failure> {
    Failure::new(DiagnosticCode::Data, at, message).label("called here")
}

/// The algorithm and the bytes of a hash that is written as `algorithm-base64`, as `algorithm:…`,
/// or without its algorithm.
fn parsed(hash: &str, given: Option<&str>, at: Place) -> Fallible<(&'static str, Vec<u8>)> {
    let sri = hash.split_once('-').filter(|(name, _)| is_algorithm(name));
    let prefixed = sri.or_else(|| hash.split_once(':'));
    let name = prefixed.map(|(name, _)| name).or(given);
    let known = ALGORITHMS.iter().find(|(known, _)| Some(*known) == name);
    let (Some((algorithm, size)), true) =
        (known, given.is_none() || prefixed.is_none() || given == name)
    else {
        return Err(wrong(format!("the algorithm of the hash `{hash}` is not known"), at));
    };
    let digits = prefixed.map_or(hash, |(_, digits)| digits);
    let bytes = if sri.is_some() {
        BASE64.decode(digits).ok()
    } else if digits.len() == size * 2 {
        from_base16(digits)
    } else if digits.len() == nix32_length(*size) {
        from_nix32(digits, *size)
    } else {
        BASE64.decode(digits).ok()
    };
    match bytes.filter(|bytes| bytes.len() == *size) {
        Some(bytes) => Ok((algorithm, bytes)),
        None => Err(wrong(format!("`{hash}` is not a {algorithm} hash"), at)),
    }
}

fn is_algorithm(name: &str) -> bool {
    ALGORITHMS.iter().any(|(known, _)| *known == name)
}

fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_base16(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    pairs.map(byte).collect()
}

/// Nix's own base-32 digits, which leave out the letters E, O, U and T.
const NIX32: &[u8] = b"0123456789abcdfghijklmnpqrsvwxyz";

const fn nix32_length(bytes: usize) -> usize {
    (bytes * 8 - 1) / 5 + 1
}

/// The last digit stands for the lowest bits of the first byte.
fn nix32(bytes: &[u8]) -> String {
    let digit = |index: usize| {
        let bit = index * 5;
        let low = bytes.get(bit / 8).copied().map_or(0, u16::from);
        let high = bytes.get(bit / 8 + 1).copied().map_or(0, u16::from);
        let value = ((high << 8 | low) >> (bit % 8)) & 31;
        NIX32.get(usize::from(value)).copied().map_or('0', char::from)
    };
    (0..nix32_length(bytes.len())).rev().map(digit).collect()
}

fn from_nix32(digits: &str, size: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0_u8; size];
    for (index, digit) in digits.bytes().rev().enumerate() {
        let value = NIX32.iter().position(|known| *known == digit)?;
        let bit = index * 5;
        let [low, high] = u16::try_from(value << (bit % 8)).ok()?.to_le_bytes();
        *bytes.get_mut(bit / 8)? |= low;
        match bytes.get_mut(bit / 8 + 1) {
            Some(byte) => *byte |= high,
            None if high == 0 => {}
            None => return None,
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        for size in [16, 20, 32, 64] {
            let bytes: Vec<u8> = (0..size).map(|n| u8::try_from(n * 37 % 251).unwrap()).collect();
            assert_eq!(from_base16(&base16(&bytes)).unwrap(), bytes);
            assert_eq!(from_nix32(&nix32(&bytes), bytes.len()).unwrap(), bytes);
        }
    }
}
