//! Our reader and serde's: what both accept, they read alike. Ours refuses what is not
//! JSON or not used in plans.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Data, Parser, Value, read, text_in};

fn parse(text: &[u8]) -> Result<Value<'_>, String> {
    let mut parser = Parser::new(text);
    let value = parser.value().and_then(|value| parser.end().map(|()| value));
    value.map_err(|error| error.text(text))
}

/// Texts are scanned in words of eight bytes: this tries every byte at every position in one.
#[test]
fn each_byte_of_a_text_counts_wherever_it_stands() {
    for (at, byte) in (0..20).flat_map(|at| (0..=255_u8).map(move |byte| (at, byte))) {
        let mut text = Vec::from(*b"\"abcdefghijklmnopqrst\"");
        text[at + 1] = byte;
        let (ours, theirs) = (parse(&text), serde_json::from_slice::<serde_json::Value>(&text));
        assert_eq!(ours.as_ref().ok().map(shown), theirs.ok(), "{byte} at {at}");
    }
}

/// As serde shows it.
fn shown(value: &Value<'_>) -> serde_json::Value {
    match &value.data {
        Data::Null => serde_json::Value::Null,
        Data::Bool(bool) => (*bool).into(),
        Data::Number(number) => (*number).into(),
        Data::Text(text) => text.to_string().into(),
        Data::List(list) => list.iter().map(shown).collect::<Vec<_>>().into(),
        Data::Object(entries) => serde_json::Value::Object(
            entries.iter().map(|entry| (entry.name.to_string(), shown(&entry.value))).collect(),
        ),
    }
}

#[test]
fn what_is_read_is_what_serde_reads() {
    for text in [
        "null",
        " true\t",
        "\r\n[false, 0, 1, 18446744073709551615]",
        "[]",
        "{}",
        " { } ",
        r#"{"a":{"b":["c",{"d":null}]},"e":"f"}"#,
        r#""a\"b\\c\/d\b\f\n\r\t""#,
        r#""\u0000\u00e9\uD83D\uDE00 é 😀 \ufffe""#,
        r#"{"\u0061\n":1}"#,
        "\"\u{7f}\u{80}\u{2028}\"",
    ] {
        let ours = parse(text.as_bytes()).unwrap();
        assert_eq!(
            shown(&ours),
            serde_json::from_str::<serde_json::Value>(text).unwrap(),
            "{text}"
        );
    }
}

#[test]
fn what_serde_refuses_is_refused() {
    let texts: [&[u8]; 38] = [
        b"",
        b" ",
        b"nul",
        b"nulll",
        b"tru e",
        b"[",
        b"]",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"{",
        b"}",
        b"{\"a\"",
        b"{\"a\":",
        b"{\"a\":1",
        b"{\"a\":1,",
        b"{\"a\":1,}",
        b"{a:1}",
        b"{\"a\" 1}",
        b"{1:1}",
        b"'a'",
        b"\"",
        b"\"a",
        b"\"\\",
        b"\"\\x\"",
        b"\"\\u12\"",
        b"\"\\ud800\"",
        b"\"\\udc00\"",
        b"\"\\ud800\\u0041\"",
        b"\"\\ud800x\"",
        b"\"\n\"",
        b"\"\0\"",
        b"\"\xff\"",
        b"01",
        b"+1",
        b"1 1",
    ];
    for text in texts {
        let shown = String::from_utf8_lossy(text);
        assert!(serde_json::from_slice::<serde_json::Value>(text).is_err(), "serde: {shown}");
        assert!(parse(text).is_err(), "{shown}");
    }
}

#[test]
fn what_no_plan_has_is_refused_too() {
    let refused = |text: &str, why: &str| {
        assert_eq!(
            parse(text.as_bytes()).map(|value| shown(&value)),
            Err(why.to_string()),
            "{text}"
        );
    };
    refused("[-1]", "a number is below zero at line 1 column 2");
    refused("1.5", "a number is not an integer at line 1 column 2");
    refused("1e3", "a number is not an integer at line 1 column 2");
    refused("18446744073709551616", "the number is too large at line 1 column 20");
    refused("{\"a\":1,\n\"a\":2}", "duplicate field `a` at line 2 column 5");
    refused("{\"a\":1,\"\\u0061\":2}", "duplicate field `a` at line 1 column 17");
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(parse(deep(32).as_bytes()).is_ok());
    refused(&deep(33), "it is nested too deeply at line 1 column 33");
    let wide = |fields: usize| {
        let fields: Vec<_> = (0..fields).map(|field| format!("\"{field}\":0")).collect();
        format!("{{{}}}", fields.join(","))
    };
    assert!(parse(wide(64).as_bytes()).is_ok());
    assert!(parse(wide(65).as_bytes()).is_err_and(|why| why.contains("too many fields")));
}

#[test]
fn types_take_what_they_are_and_nothing_else() {
    assert_eq!(read::<u16>(b"65535"), Ok(65535));
    assert!(read::<u16>(b"65536").is_err());
    assert!(read::<u32>(b"4294967296").is_err());
    assert_eq!(read::<Option<bool>>(b"null"), Ok(None));
    assert!(read::<bool>(b"null").is_err());
    assert_eq!(
        read::<String>(b" 7"),
        Err("expected a text, got a number at line 1 column 2".to_string())
    );
    assert!(read::<Vec<u64>>(b"[1,\"2\"]").is_err());
    assert!(read::<u64>(b"1 x").is_err());
}

#[test]
fn one_text_of_an_object_is_found_without_the_others() {
    let object = r#" {"a":"1","b":"2\n","a":"3"} "#.as_bytes();
    assert_eq!(text_in(object, "b"), Some("2\n".into()));
    assert_eq!(text_in(object, "a"), Some("3".into()), "the last one, as everywhere");
    assert_eq!(text_in(object, "c"), None);
    assert_eq!(text_in(b"{\"a\":\"1\",\"b\":2}", "a"), None, "all of it must be sound");
    assert_eq!(text_in(b"{\"a\":\"1\"} x", "a"), None);
    assert_eq!(text_in(b"", "a"), None);
}

#[test]
fn texts_with_faults_are_read_as_serde_reads_them_or_refused() {
    let text =
        r#"{"a":{"b":["c\n\u00e9\ud83d\ude00",{"d":null}],"e":[1,20,true,false,{}]},"f\"":"é"}"#;
    let bytes = b"\"\\/bfnrtu{}[]:,.-+eE0129 aD8\xc3\xa9\x01x";
    let mut state = 7_usize;
    let mut random = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let (mut both, mut neither, mut stricter) = (0, 0, 0);
    for _ in 0..20_000 {
        let mut faulty = text.as_bytes().to_vec();
        for _ in 0..=random(2) {
            let at = random(faulty.len());
            match random(3) {
                0 => faulty[at] = bytes[random(bytes.len())],
                1 => faulty.insert(at, bytes[random(bytes.len())]),
                _ => drop(faulty.remove(at)),
            }
        }
        let shown_text = String::from_utf8_lossy(&faulty).into_owned();
        match (parse(&faulty), serde_json::from_slice::<serde_json::Value>(&faulty)) {
            (Ok(ours), Ok(theirs)) => {
                both += 1;
                assert_eq!(shown(&ours), theirs, "{shown_text}");
            }
            (Err(_), Err(_)) => neither += 1,
            (Err(why), Ok(_)) => {
                stricter += 1;
                let known = ["below zero", "not an integer", "duplicate field"];
                assert!(known.iter().any(|known| why.contains(known)), "{shown_text}: {why}");
            }
            (Ok(_), Err(why)) => panic!("{shown_text}: {why}"),
        }
    }
    assert!(both > 1000 && neither > 1000 && stricter > 0, "{both} {neither} {stricter}");
}
