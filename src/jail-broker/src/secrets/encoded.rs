//! How others write a text: in Base64, in a URL, in JSON.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use zeroize::{Zeroize as _, Zeroizing};

/// Of a text somewhere in Base64 the characters that nothing around it changes: for each of the
/// three places at which it can begin, and for both alphabets, in an order that is always the same.
pub(crate) fn base64_pieces(text: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut pieces = Vec::new();
    for before in 0..3 {
        let mut all = [vec![0; before].as_slice(), text].concat();
        // Six bits each: the first character that has no bit from before, and the last one that has
        // none from behind.
        let (from, to) = ((before * 8).div_ceil(6), all.len() * 8 / 6);
        for alphabet in [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD] {
            let mut encoded = alphabet.encode(&all).into_bytes();
            encoded.truncate(to);
            encoded.drain(..from.min(to));
            pieces.push(Zeroizing::new(encoded));
        }
        all.zeroize();
    }
    pieces
}

/// For a URL: everything but letters, digits and the marks that RFC 3986 leaves alone.
pub(crate) fn percent(text: &[u8]) -> Zeroizing<Vec<u8>> {
    percent_if(text, |byte| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte))
}

/// The same with the marks, which some do.
pub(crate) fn percent_all_marks(text: &[u8]) -> Vec<u8> {
    percent_if(text, |byte| !byte.is_ascii_alphanumeric()).to_vec()
}

fn percent_if(text: &[u8], is_encoded: impl Fn(u8) -> bool) -> Zeroizing<Vec<u8>> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    // With room for all of it, it is never moved, and no copy of it stays behind.
    let mut encoded = Zeroizing::new(Vec::with_capacity(3 * text.len()));
    for byte in text {
        if is_encoded(*byte) {
            let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
            encoded.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        } else {
            encoded.push(*byte);
        }
    }
    encoded
}

/// What servers write otherwise that leave slashes, or have their digits in lower case.
pub(crate) fn percent_others(text: &[u8]) -> [Zeroizing<Vec<u8>>; 2] {
    let is_mark = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-._~/".contains(&byte);
    let mut lower = percent(text);
    let mut at = 0;
    while let Some(byte) = lower.get(at) {
        let digits = if *byte == b'%' { 3 } else { 1 };
        if digits == 3 {
            lower.get_mut(at..at + 3).into_iter().for_each(<[u8]>::make_ascii_lowercase);
        }
        at += digits;
    }
    [percent_if(text, is_mark), lower]
}

/// In a string of JSON as PHP writes it, with `\/`, and as .NET does, with `\u002B`.
pub(crate) fn json_others(text: &[u8]) -> [Zeroizing<Vec<u8>>; 2] {
    let mut all = [Vec::new(), Vec::new()]
        .map(|_: Vec<u8>| Zeroizing::new(Vec::with_capacity(6 * text.len())));
    let [php, dotnet] = &mut all;
    for byte in text {
        match byte {
            b'"' | b'\\' | b'/' => php.extend([b'\\', *byte]),
            _ => php.push(*byte),
        }
        match byte {
            b'\\' => dotnet.extend([b'\\', *byte]),
            b'"' | b'&' | b'\'' | b'+' | b'<' | b'>' | b'`' => {
                dotnet.extend(format!("\\u{byte:04X}").as_bytes());
            }
            _ => dotnet.push(*byte),
        }
    }
    all
}

/// In a string of JSON. A value has no control characters.
pub(crate) fn json(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut encoded = Zeroizing::new(Vec::with_capacity(2 * text.len()));
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            encoded.push(b'\\');
        }
        encoded.push(*byte);
    }
    encoded
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_piece_stands_in_base64_of_whatever_is_around(
            before in prop::collection::vec(any::<u8>(), 0..9),
            text in prop::collection::vec(any::<u8>(), 8..40),
            after in prop::collection::vec(any::<u8>(), 0..9),
        ) {
            let encoded = BASE64_STANDARD.encode([&before[..], &text, &after].concat());
            let found = base64_pieces(&text).into_iter().find(|piece| {
                memchr::memmem::find(encoded.as_bytes(), piece).is_some()
            });
            // All of it but a character at each border.
            prop_assert!(found.is_some_and(|piece| piece.len() * 6 + 12 > text.len() * 8));
        }
    }

    #[test]
    fn others_write_what_they_must() {
        assert_eq!(&*percent(b"a-b c/\xff"), b"a-b%20c%2F%FF");
        assert_eq!(percent_all_marks(b"a-b"), b"a%2Db");
        let [slashes, lower] = percent_others(b"A+b/\xff");
        assert_eq!((&**slashes, &**lower), (&b"A%2Bb/%FF"[..], &b"A%2bb%2f%ff"[..]));
        let [php, dotnet] = json_others(br#"A+b/"\c"#);
        assert_eq!(&**php, br#"A+b\/\"\\c"#);
        assert_eq!(&**dotnet, br#"A\u002Bb/\u0022\\c"#);
        assert_eq!(&*json(br#"a"b\c"#), br#"a\"b\\c"#);
    }
}
