//! Placeholders of JSON Web Tokens (RFC 7519): programs read the claims, above all when a token
//! ends.
//!
//! The header stays, and so do the names of the claims and the times. Everything else that a claim
//! says is other text of the same length, and the signature is random.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Placeholder, alike, has_piece_of};

/// Claims of time, which say nothing that the jail may not know.
const TIMES: [&[u8]; 4] = [b"exp", b"iat", b"nbf", b"auth_time"];

/// A placeholder, where the value is such a token.
pub(super) fn placeholder(value: &[u8]) -> io::Result<Option<Placeholder>> {
    let parts: Vec<&[u8]> = value.split(|byte| *byte == b'.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Ok(None) };
    let (Some(_), Some(mut claims)) = (object(header), object(claims)) else { return Ok(None) };
    change(&mut claims)?;
    let claims = BASE64.encode(&*claims);
    let signature = other_signature(signature)?;
    let header = String::from_utf8_lossy(header);
    let text = format!("{header}.{claims}.{signature}");
    Ok(Some(Placeholder { shared: header.len() + 1, text }))
}

/// The bytes of a part that is a JSON object.
fn object(part: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Zeroizing::new(BASE64.decode(part).ok()?);
    let mut read: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
    read.values_mut().for_each(forget);
    Some(bytes)
}

fn forget(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(forget),
        Value::Object(fields) => fields.values_mut().for_each(forget),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Bytes of the same number, so that what is strict about the last character of Base64 accepts it.
fn other_signature(signature: &[u8]) -> io::Result<String> {
    let length = BASE64.decode(signature).map(|mut bytes| {
        let length = bytes.len();
        bytes.zeroize();
        length
    });
    loop {
        let other = match length {
            Ok(length) => {
                let mut bytes = vec![0; length];
                getrandom::fill(&mut bytes)?;
                BASE64.encode(bytes)
            }
            Err(_) => String::from_utf8_lossy(&alike(signature)?).into_owned(),
        };
        if !has_piece_of(other.as_bytes(), signature) {
            return Ok(other);
        }
    }
}

/// Changes what claims say, byte by byte, so that the text has its length and is JSON as before:
/// letters and digits of strings that are not names, and digits of numbers that are not times.
fn change(text: &mut [u8]) -> io::Result<()> {
    let mut at = 0;
    let mut is_time = false;
    while let Some(byte) = text.get(at).copied() {
        let end = match byte {
            b'"' => string_end(text, at),
            b'0'..=b'9' => number_end(text, at),
            _ => {
                at += 1;
                continue;
            }
        };
        let is_name = byte == b'"' && is_followed_by_colon(text, end);
        if is_name {
            let name = text.get(at + 1..end - 1).unwrap_or_default();
            is_time = TIMES.contains(&name);
        } else if byte == b'"' || !is_time {
            change_value(text.get_mut(at..end).unwrap_or_default())?;
        }
        at = end;
    }
    Ok(())
}

/// The place after the string that begins at `at`. The text is JSON, so there is one.
fn string_end(text: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(byte) = text.get(end) {
        match byte {
            b'"' => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    text.len()
}

fn number_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let length = rest.iter().position(|byte| !is_part(byte));
    at + length.unwrap_or(rest.len())
}

fn is_followed_by_colon(text: &[u8], end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// A string with its quotation marks, or a number. Escape sequences stay; a number's first digit
/// does, because none begins with 0; one with an exponent stays as it is, because not every reader
/// has room for a larger one.
fn change_value(text: &mut [u8]) -> io::Result<()> {
    let is_string = text.first() == Some(&b'"');
    if !is_string && text.iter().any(u8::is_ascii_alphabetic) {
        return Ok(());
    }
    let others = alike(text)?;
    let mut at = 1;
    while let (Some(place), Some(other)) = (text.get_mut(at), others.get(at)) {
        match *place {
            b'\\' => {
                let is_long = text.get(at + 1) == Some(&b'u');
                at += if is_long { 6 } else { 2 };
                continue;
            }
            byte if byte.is_ascii_digit() || (is_string && byte.is_ascii_alphabetic()) => {
                *place = *other;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}
