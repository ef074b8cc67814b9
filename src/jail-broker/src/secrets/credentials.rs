//! Fields that hold a credential: with the spec's key it holds nothing else.
//!
//! A host that is allowed takes keys of other people, too. With one of their own an attacker would
//! have the jail's data put into their account.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::placeholder::is_known;
use crate::field_names::may_be;

/// Fields that are taken for a credential, whichever one the spec names: a host may take a key in
/// more than one of them. Where the spec names none, a value is put into these alone.
const FIELDS: [&str; 20] = [
    "api-key",
    "apikey",
    "authorization",
    "circle-token",
    "dd-api-key",
    "job-token",
    "ocp-apim-subscription-key",
    "private-token",
    "x-access-token",
    "x-api-key",
    "x-api-token",
    "x-auth-key",
    "x-auth-token",
    "x-figma-token",
    "x-gitlab-token",
    "x-goog-api-key",
    "x-shopify-access-token",
    "x-subscription-token",
    "x-vault-token",
    "xi-api-key",
];

/// Parameters of a query that are taken for one. `key` means other things too, so it is one where
/// it begins like those of a service.
const PARAMETERS: [&str; 7] =
    ["access_token", "api-key", "api_key", "apikey", "auth_token", "oauth_token", "private_token"];

/// Base64 with padding or without it: clients of both kinds exist.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a server may find a credential in a field: in one that services use, or in the one of
/// the spec's.
pub(super) fn is_one(field: &HeaderName, declared: Option<&HeaderName>) -> bool {
    let declared = declared.map(HeaderName::as_str);
    FIELDS.into_iter().chain(declared).any(|name| may_be(field, name))
}

/// Whether a value may be put into a field, where the spec names none.
pub(super) fn takes_value(field: &HeaderName) -> bool {
    FIELDS.contains(&field.as_str())
}

/// Of a query the first parameter that holds a credential other than one of these placeholders.
pub(super) fn in_query<'a>(query: &'a str, placeholders: &[&[u8]]) -> Option<Cow<'a, str>> {
    query.split(['&', ';']).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let name = percent_decode_str(name).decode_utf8_lossy();
        let value: Cow<'_, [u8]> = percent_decode_str(value).into();
        let lower = name.to_ascii_lowercase();
        let is_one = PARAMETERS.contains(&lower.as_str()) || lower == "key" && is_known(&value);
        (is_one && !placeholders.contains(&&*value)).then_some(name)
    })
}

/// User and password of `Authorization: Basic`.
pub(super) fn basic(field: &HeaderName, value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, pair) = value.split_at_checked(6)?;
    let is_basic = field == AUTHORIZATION && scheme.eq_ignore_ascii_case(b"basic ");
    is_basic.then(|| BASE64.decode(pair.trim_ascii()).ok()).flatten()
}

/// The other way around, with a value in it.
pub(super) fn to_basic(pair: &[u8]) -> Zeroizing<Vec<u8>> {
    // With room for all of it, it is never moved, and no copy of it stays behind.
    let mut text = Zeroizing::new(String::with_capacity(16 + pair.len() * 2));
    text.push_str("Basic ");
    BASE64_STANDARD.encode_string(pair, &mut text);
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}

/// Whether a field holds a placeholder and nothing that could be a key: a scheme, a name, quotation
/// marks.
pub(super) fn is_alone(value: &[u8], placeholder: &[u8]) -> bool {
    let value = value.trim_ascii();
    let Some(at) = memchr::memmem::find(value, placeholder) else { return false };
    let (before, rest) = value.split_at(at);
    let after = rest.get(placeholder.len()..).unwrap_or_default();
    let (before, is_quoted) = match before.strip_suffix(b"\"") {
        Some(before) => (before, true),
        None => (before, false),
    };
    after == if is_quoted { &b"\""[..] } else { b"" } && is_scheme(before)
}

/// `Bearer `, `Token token=`, or nothing.
fn is_scheme(text: &[u8]) -> bool {
    let is_word = |word: &[u8]| {
        let is_part = |byte: &u8| byte.is_ascii_alphabetic() || b"-_".contains(byte);
        word.len() <= 24 && word.iter().all(is_part) && !is_known(word)
    };
    let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    // A name has an equals sign behind it; what stands there without one could be a key.
    let is_name = |word: &[u8]| word.strip_suffix(b"=").is_some_and(is_word);
    let is_first = match second {
        None => is_name(first) || is_word(first.strip_suffix(b":").unwrap_or(first)),
        Some(second) => is_word(first) && is_name(second),
    };
    is_first && words.next().is_none()
}

/// Whether a pair of user and password has a placeholder as the one, and as the other nothing that
/// services take for a key.
pub(super) fn is_alone_in_pair(pair: &[u8], placeholder: &[u8]) -> bool {
    let Some(colon) = pair.iter().position(|byte| *byte == b':') else { return false };
    let (user, password) = (pair.get(..colon), pair.get(colon + 1..));
    match (user.unwrap_or_default(), password.unwrap_or_default()) {
        (user, password) if user == placeholder => !is_known(password),
        (user, password) if password == placeholder => !is_known(user),
        (_, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_and_a_name_may_stand_before_a_placeholder_and_nothing_else() {
        for value in [
            "PLACEHOLDER",
            "Bearer PLACEHOLDER",
            "token PLACEHOLDER",
            "Token token=\"PLACEHOLDER\"",
            "key=PLACEHOLDER",
            "Bearer: PLACEHOLDER ",
        ] {
            assert!(is_alone(value.as_bytes(), b"PLACEHOLDER"), "{value}");
        }
        for value in [
            "Bearer",
            "Bearer sk-other",
            "Bearer sk-other PLACEHOLDER",
            "Bearer PLACEHOLDER, Bearer other",
            "Bearer PLACEHOLDERx",
            "Bearer \"PLACEHOLDER",
            "Bearer s3cr3t0fs0m3b0dy PLACEHOLDER",
            "a b c PLACEHOLDER",
        ] {
            assert!(!is_alone(value.as_bytes(), b"PLACEHOLDER"), "{value}");
        }
    }

    #[test]
    fn of_user_and_password_one_is_the_placeholder_and_the_other_no_key() {
        for pair in ["x:PLACEHOLDER", "PLACEHOLDER:", "PLACEHOLDER:x-oauth-basic", ":PLACEHOLDER"] {
            assert!(is_alone_in_pair(pair.as_bytes(), b"PLACEHOLDER"), "{pair}");
        }
        for pair in ["x:y", "x", "PLACEHOLDER", "ghp_other:PLACEHOLDER", "x:PLACEHOLDERy"] {
            assert!(!is_alone_in_pair(pair.as_bytes(), b"PLACEHOLDER"), "{pair}");
        }
    }

    #[test]
    fn a_parameter_of_a_query_that_holds_a_key_is_found() {
        for (query, found) in [
            ("access_token=x", Some("access_token")),
            ("a=b&API_KEY=x", Some("API_KEY")),
            ("a=b;%61pikey=x", Some("apikey")),
            ("key=AIzaSomebodyElse", Some("key")),
            ("key=%41IzaSomebodyElse", Some("key")),
            ("key=PLACEHOLDER&access_token=PLACEHOLDER", None),
            ("key=PLACEHOLDER&key=AIzaSomebodyElse", Some("key")),
            ("key=name&a=access_token&page_token=x", None),
            ("", None),
        ] {
            assert_eq!(in_query(query, &[b"PLACEHOLDER"]).as_deref(), found, "{query}");
        }
    }

    #[test]
    fn user_and_password_are_read_with_padding_and_without() {
        for value in ["Basic eDp5eg==", "basic eDp5eg", "BASIC  eDp5eg== "] {
            assert_eq!(basic(&AUTHORIZATION, value.as_bytes()).unwrap(), b"x:yz");
        }
        assert_eq!(basic(&AUTHORIZATION, b"Bearer eDp5eg=="), None);
        assert_eq!(basic(&AUTHORIZATION, b"Basic"), None);
    }
}
