use proptest::prelude::*;
use vte::{Params, Parser, Perform};

use super::filter::{Filter, HELD_MAX};

fn filtered(input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    Filter::default().pass(input, &mut output);
    output
}

#[track_caller]
fn is(input: &[u8], expected: &[u8]) {
    let output = filtered(input);
    assert_eq!(output, expected, "{} gave {}", input.escape_ascii(), output.escape_ascii());
}

/// What is before and after it is passed on, and nothing of it is.
#[track_caller]
fn refused(sequence: &[u8]) {
    is(&[b"a", sequence, b"z"].concat(), b"az");
}

#[track_caller]
fn passes(text: &[u8]) {
    is(text, text);
    let around = [b"a", text, b"z"].concat();
    is(&around, &around);
}

#[test]
fn what_reaches_beyond_the_screen_is_taken_out() {
    for sequence in [
        &b"\x1b]52;c;aGk=\x07"[..],
        b"\x1b]52;c;aGk=\x1b\\",
        b"\x1b]52;c;?\x07",
        b"\x1b]52\x07",
        b"\x1b]052;c;aGk=\x07",
        b"\x1b]5\x002;c;aGk=\x07",
        b"\x1b]5522;type=read\x1b\\",
        b"\x1b]50;?\x07",
        b"\x1b]51;Eexec\x07",
        b"\x1b]9;7;cmd\x07",
        b"\x1b]1337;Copy=:aGk=\x07",
        b"\x1b]5113;ac=send\x1b\\",
        b"\x1b]lname\x1b\\",
        b"\x1b];x\x07",
        b"\x1b]2147483648;x\x07",
        b"\x1b[21t",
        b"\x1b[20t",
        b"\x1b[21;1t",
        b"\x1b[2\x001t",
        b"\x1b[i",
        b"\x1b[5i",
        b"\x1b[?5i",
        b"\x1b[1;1;1;1;2;2*y",
        b"\x1b[1$u",
        b"\x1b[2$w",
        b"\x1b[&u",
        b"\x1b[?2l",
        b"\x1b[?1;2;3l",
        b"\x1b[?38h",
        b"\x1b%@",
        b"\x1bP$qm\x1b\\",
        b"\x1bP+q544e\x1b\\",
        b"\x1bP1$tx\x1b\\",
        b"\x1bP0;1|17/68656c6c6f\x1b\\",
        b"\x1b_Ga=T,t=f,f=100;L2V0Yy9wYXNzd2Q=\x1b\\",
        b"\x1b_Ga=T,t=s;eA==\x1b\\",
        b"\x1b_x\x1b\\",
        b"\x1b^x\x1b\\",
        b"\x1bXx\x1b\\",
        b"\x05",
        // As C1 controls, bare and encoded in UTF-8.
        b"\x9d52;c;aGk=\x9c",
        b"\xc2\x9d52;c;aGk=\xc2\x9c",
        b"\x9b21t",
        b"\xc2\x9b21t",
        b"\x90$qm\x9c",
        b"\xe0\x9d52;c;aGk=\x07",
    ] {
        // Bytes that are not a character stay.
        match sequence.strip_prefix(b"\xe0") {
            Some(_) => is(sequence, b"\xe0"),
            None => refused(sequence),
        }
    }
}

#[test]
fn everything_else_is_passed_on_byte_for_byte() {
    for text in [
        &b"plain\r\n\ttext\x08\x07\0\x7f"[..],
        "Übergröße 🙂 ﷽ 日本".as_bytes(),
        b"\xff\xfe\xe2\x28\xa1\xf0\x90\xc3",
        b"\x1b[1;31mred\x1b[0m\x1b[38:2::1:2:3m",
        // Bracketed paste, synchronised frames, kitty's keys, focus, questions
        // whose answers are numbers.
        b"\x1b[?2004h\x1b[?2026h\x1b[?2026l\x1b[>1u\x1b[?u\x1b[<u\x1b[?1004h\x1b[c\x1b[>c\x1b[>q\x1b[6n\x1b[?2026$p",
        b"\x1b[14t\x1b[18t\x1b[8;24;80t\x1b[22;0t\x1b[23;0t",
        b"\x1b]0;title\x07\x1b]2;\xc3\x9cber\x1b\\\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\",
        b"\x1b]11;?\x07\x1b]4;1;?\x1b\\\x1b]104\x07\x1b]133;A\x07\x1b]9;4;1;50\x07\x1b]9;ready\x07\x1b]7;file:///x\x07",
        b"\x1b]777;notify;a;b\x07\x1b]99;i=1;hello\x1b\\",
        b"\x1bP0;0;0q\"1;1;1;1#0;2;0;0;0~-\x1b\\\x1bPq~\x1b\\\x1bP=1s\x1b\\",
        b"\x1b_Ga=T,f=100;iVBORw0KGgo=\x1b\\\x1b_Gm=1,t=d;AAAA\x1b\\\x1b_Gm=0;\x1b\\",
        b"\x1b(0lqk\x1b(B\x1b7\x1b8\x1b=\x1b>\x1bM\x1bc\x1b%G\x1b#8\x1b F\x1b\\",
        b"\x1bktmux\x1b\\",
        // The Linux console's colours, which have no end.
        b"\x1b]P0112233text\x1b]Rtext",
        b"\xc2\x85\x85\xc2\xa0",
        b"\x1b[3\r1m",
        b"\x9b31m\xc2\x9b0m\x9d0;x\x9c",
    ] {
        passes(text);
    }
}

#[test]
fn a_sequence_inside_of_another_counts() {
    // The terminal gets the end of the title here, as it would have been by what is taken out.
    is(b"\x1b]0;ti\x1b]52;c;aGk=\x07tle\x07", b"\x1b]0;ti\x18tle\x07");
    is(b"\x1b]0;ti\x1b[31mtle", b"\x1b]0;ti\x1b[31mtle");
    is(b"\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\z", b"\x1b\\z");
    is(b"\x1bP\x1b]5\x1b\\\x1bP2;c;aGk=\x07\x1b\\z", b"\x1b]5\x1b\\\x1b\\z");
    is(b"\x1b[2\x1b[21tz", b"z");
    is(b"\x1b[21\x18tz", b"\x18tz");
    is(b"\x1b\x1b\x1b]52;c;x\x07z", b"z");
    is(b"\xc3\x9d52;c;x", b"\xc3\x9d52;c;x");
    is(b"\xe2\x9d\x9d52", b"\xe2\x9d\x9d52");
}

#[test]
fn a_sequence_without_an_end_is_bounded_and_stays_refused() {
    let mut filter = Filter::default();
    let mut output = Vec::new();
    for start in [&b"\x1b["[..], b"\x1b]0", b"\x1bP", b"\x1b_G"] {
        filter.pass(start, &mut output);
        for _ in 0..100 {
            filter.pass(&[b'1'; 100], &mut output);
        }
        assert!(filter.held() <= HELD_MAX + 4, "{}", filter.held());
        filter.pass(b"\x18", &mut output);
    }
    assert_eq!(output, b"\x18".repeat(4));
    // A long one of control ends where it would have.
    is(&[b"\x1b[".as_slice(), &b";1".repeat(1000), b"mz"].concat(), b"z");
}

/// Another parser as the judge: what it finds in the output of the filter.
#[derive(Default)]
struct Judge(Vec<String>);

impl Perform for Judge {
    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        let number = params.first().copied().unwrap_or_default();
        if matches!(number, b"52" | b"50" | b"51" | b"1337" | b"5522") {
            self.0.push(format!("OSC {}", number.escape_ascii()));
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _: bool, action: char) {
        let first = params.iter().next().and_then(|one| one.first().copied());
        match (action, intermediates, first) {
            ('t', [], Some(20 | 21)) | ('i', ..) | ('y', [b'*'], _) => {
                self.0.push(format!("CSI {first:?} {action}"));
            }
            _ => {}
        }
    }

    fn hook(&mut self, _: &Params, intermediates: &[u8], _: bool, action: char) {
        if !intermediates.is_empty() && action != 's' {
            self.0.push(format!("DCS {} {action}", intermediates.escape_ascii()));
        }
    }
}

fn found(bytes: &[u8]) -> Vec<String> {
    let mut judge = Judge::default();
    Parser::new().advance(&mut judge, bytes);
    judge.0
}

/// Bytes of which sequences are made, and whole beginnings of some.
fn written() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(b"\x1b[]P_X^\\;:0125?$+*qtyi\x07\x18\x9b\x9d\x90\x9c\xc2\xc3\xe2 m\0".to_vec())
            .prop_map(|byte| vec![byte]),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        2 => prop::sample::select(vec![
            b"\x1b]52;c;".to_vec(), b"\x1b[21".to_vec(), b"\x1bP$q".to_vec(), b"\x1b]0;".to_vec(),
            b"\x1bPq".to_vec(), b"\x1b\\".to_vec(), b"\x1b_G".to_vec(),
        ]),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn however_it_is_cut_it_is_the_same(bytes in written(), cuts in prop::collection::vec(1..9usize, 1..40)) {
        let mut filter = Filter::default();
        let (mut rest, mut output) = (bytes.as_slice(), Vec::new());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            filter.pass(now, &mut output);
            rest = later;
        }
        prop_assert_eq!(output, filtered(&bytes));
    }

    #[test]
    fn another_parser_finds_nothing_in_what_is_passed_on(bytes in written()) {
        let output = filtered(&bytes);
        prop_assert_eq!(found(&output), Vec::<String>::new(), "{}", output.escape_ascii());
    }

    #[test]
    fn nothing_is_added_but_the_end_of_a_string(bytes in written()) {
        let output = filtered(&bytes);
        prop_assert!(output.len() <= bytes.len());
        let mut rest = bytes.iter();
        // What is left has the same order as in the input.
        prop_assert!(output.iter().filter(|byte| **byte != 0x18).all(|byte| rest.any(|other| other == byte)));
    }

    #[test]
    fn text_without_controls_is_passed_on(text in "[^\u{0}-\u{1f}\u{7f}-\u{9f}]*") {
        prop_assert_eq!(filtered(text.as_bytes()), text.as_bytes());
    }
}

#[test]
fn the_judge_finds_what_is_not_filtered() {
    for sequence in
        [&b"\x1b]52;c;x\x07"[..], b"\x1b[21t", b"\x1bP$qm\x1b\\", b"\x1b[1*y", b"\x1b[5i"]
    {
        assert_eq!(found(sequence).len(), 1, "{}", sequence.escape_ascii());
        assert_eq!(found(&filtered(sequence)).len(), 0);
    }
}

/// For a terminal that reads UTF-8 alone, the control that ends a string is a character or a broken
/// one, and ESC before it still waits for what follows.
#[test]
fn an_escape_does_not_outlast_a_control_that_only_some_terminals_know() {
    for text in [
        &b"\x1b\x9c]52;c;x\x07"[..],
        b"\x1b\x9cP$qm\x1b\\",
        b"\x1b\xc2\x9c]52;c;x\x07",
        b"\x1b]0;t\x1b\x9c]52;c;x\x07",
        b"\x1bP$qm\x1b\x9c]52;c;x\x07",
        b"\x1b\xa0]52;c;x\x07",
        b"\x1b\xc3\xa9[5i",
    ] {
        assert_eq!(found(&filtered(text)), Vec::<String>::new(), "{}", text.escape_ascii());
    }
    is(b"\x1b\x9c]52", b"\x9c]52");
    is(b"\x1b]0;t\x1b\x9cP", b"\x1b]0;t\x9cP");
}
