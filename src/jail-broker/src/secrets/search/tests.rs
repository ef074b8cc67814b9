use proptest::prelude::*;

use super::*;

fn replacements(pairs: &[(&str, &str, usize)]) -> Replacements {
    let bytes = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let pairs = pairs.iter().enumerate().map(|(secret, (text, other, open))| {
        (bytes(text), bytes(other), Row { secret, open: *open, known: text.len() })
    });
    Replacements::new(pairs.collect()).unwrap()
}

/// What comes out for each piece, and at the end.
fn fed(replacements: &Replacements, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<usize>) {
    let mut stream = Stream::default();
    let mut out: Vec<Vec<u8>> = pieces
        .iter()
        .map(|piece| stream.feed(replacements, &Bytes::copy_from_slice(piece)).to_vec())
        .collect();
    out.push(stream.end(replacements).to_vec());
    (out, stream.found())
}

/// The same for a text that is all there, in the plainest way.
fn plainly(pairs: &[(&str, &str, usize)], text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    'next: while let Some(first) = rest.chars().next() {
        for (text, other, _) in pairs {
            if let Some(after) = rest.strip_prefix(text) {
                out.push_str(other);
                rest = after;
                continue 'next;
            }
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out
}

#[test]
fn an_event_is_not_held_until_the_next_one() {
    let all = replacements(&[("secret-value-1234", "placeholder-12345", 0)]);
    let (out, _) = fed(&all, &[b"data: se\n\n", b"data: 2\n\n"]);
    assert_eq!(out, [b"data: se\n\n".to_vec(), b"data: 2\n\n".to_vec(), vec![]]);
}

#[test]
fn what_may_begin_a_text_is_held_and_what_is_open_is_passed_on() {
    let all = replacements(&[("key-abcdef", "key-uvwxyz", 4)]);
    let (out, found) = fed(&all, &[b"x key-a", b"bcde", b"f y", b"key", b"-az"]);
    let out: Vec<_> = out.iter().map(|piece| String::from_utf8_lossy(piece)).collect();
    assert_eq!(out, ["x key-", "", "uvwxyz y", "key", "-az", ""]);
    assert_eq!(found, [0]);
}

#[test]
fn a_replacement_of_another_length_is_never_begun_early() {
    let all = replacements(&[("abc", "x", 2)]);
    assert_eq!(fed(&all, &[b"ab", b"cd"]).0, [vec![], b"xd".to_vec(), vec![]]);
}

#[test]
fn what_comes_in_one_piece_without_a_text_is_not_copied() {
    let all = replacements(&[("abcdef", "uvwxyz", 0)]);
    let piece = Bytes::from_static(b"nothing here");
    let out = Stream::default().feed(&all, &piece);
    assert_eq!(out.as_ptr(), piece.as_ptr());
}

#[test]
fn of_two_texts_that_begin_alike_the_shorter_counts() {
    let all = replacements(&[("abcd", "1", 0), ("abc", "2", 0), ("", "3", 0)]);
    assert_eq!(fed(&all, &[b"abcd"]).0, [b"2d".to_vec(), vec![]]);
}

proptest! {
    #[test]
    fn what_comes_out_does_not_depend_on_the_cuts(
        text in "[abc]{0,60}",
        cuts in prop::collection::vec(0..60_usize, 0..12),
        texts in prop::collection::vec(("[abc]{1,6}", "[xyz]{0,6}", 0..4_usize), 1..4),
    ) {
        // The beginning that is open is the same in both; texts begin differently.
        let mut pairs: Vec<(String, String, usize)> = Vec::new();
        for (text, mut other, open) in texts {
            if pairs.iter().any(|pair| pair.0.starts_with(&text) || text.starts_with(&pair.0)) {
                continue;
            }
            let open = open.min(text.len() - 1);
            if other.len() == text.len() {
                other.replace_range(..open, &text[..open]);
            }
            pairs.push((text, other, open));
        }
        let pairs: Vec<(&str, &str, usize)> =
            pairs.iter().map(|(a, b, open)| (a.as_str(), b.as_str(), *open)).collect();
        let all = replacements(&pairs);
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= text.len()).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> =
            cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
        let (out, _) = fed(&all, &pieces);
        prop_assert_eq!(String::from_utf8(out.concat()).unwrap(), plainly(&pairs, &text));
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        prop_assert_eq!(String::from_utf8(fed(&all, &single).0.concat()).unwrap(), plainly(&pairs, &text));
    }
}
