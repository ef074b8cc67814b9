//! Reads base64 with padding (RFC 4648, section 4), strictly: one text for one
//! value, as in a contract.

use alloc::vec::Vec;

/// The value of each byte, or [`NONE`]. A launch reads some hundred groups.
const VALUES: [u8; 256] = values();
const NONE: u8 = 0xff;

/// The bytes, or `None` if the text is not exactly base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let Some((last, whole)) = groups.split_last() else { return Some(Vec::new()) };
    let mut bytes = alloc::vec![0; whole.len() * 3];
    for (group, place) in whole.iter().zip(bytes.as_chunks_mut::<3>().0) {
        *place = three(*group)?;
    }
    let padding = last.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 {
        return None;
    }
    // `A` stands for zeros.
    let mut last = *last;
    last.iter_mut().rev().take(padding).for_each(|byte| *byte = b'A');
    let all = three(last)?;
    let (kept, dropped) = all.split_at(3 - padding);
    if dropped.iter().any(|byte| *byte != 0) {
        return None;
    }
    bytes.extend_from_slice(kept);
    Some(bytes)
}

#[inline(always)]
fn three([a, b, c, d]: [u8; 4]) -> Option<[u8; 3]> {
    let (a, b, c, d) = (value(a), value(b), value(c), value(d));
    if (a | b | c | d) & 0xc0 != 0 {
        return None;
    }
    Some([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d])
}

#[inline(always)]
fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(NONE)
}

#[expect(clippy::indexing_slicing, reason = "it is computed when it is compiled")]
const fn values() -> [u8; 256] {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut values, mut value) = ([NONE; 256], 0u8);
    while value < 64 {
        values[digits[value as usize] as usize] = value;
        value += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn base64_is_read_as_the_standard_writes_it() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decode("+/+/"), Some(alloc::vec![0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn what_is_not_exactly_base64_is_refused() {
        for text in
            ["Z", "Zg", "Zg=", "Zg===", "====", "Zg==Zg==", "Zh==", "Zm9=", "Zm9v\n", "Zm-v"]
        {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
