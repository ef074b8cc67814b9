//! Names of fields as applications see them.
//!
//! Many servers pass fields on as variables in the manner of CGI (RFC 3875, 4.1.18), where
//! `X-Api-Key` and `X_Api_Key` are both `HTTP_X_API_KEY`: what is refused under one spelling must
//! be refused under all of them.

use hyper::header::HeaderName;

/// Whether an application may take a field for the one with this name, which is in lower case with
/// hyphens.
pub(crate) fn may_be(field: &HeaderName, name: &str) -> bool {
    let same = |(one, other): (u8, u8)| one == other || (is_mark(one) && is_mark(other));
    field.as_str().len() == name.len() && field.as_str().bytes().zip(name.bytes()).all(same)
}

fn is_mark(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_with_other_marks_between_its_words() {
        for field in ["x-api-key", "x_api_key", "x.api-key"] {
            assert!(may_be(&HeaderName::from_static(field), "x-api-key"), "{field}");
        }
        for field in ["x-api-key-", "xapikey", "x-api-ke", "xxapi-key", "x-api-keys"] {
            assert!(!may_be(&HeaderName::from_static(field), "x-api-key"), "{field}");
        }
    }
}
