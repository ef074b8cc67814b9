use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use proptest::prelude::*;

use super::*;

/// What kind of a character stands where.
fn shape(text: &[u8]) -> Vec<char> {
    let kind = |byte: &u8| match byte {
        b'A'..=b'Z' => 'A',
        b'a'..=b'z' => 'a',
        b'0'..=b'9' => '0',
        other => char::from(*other),
    };
    text.iter().map(kind).collect()
}

#[test]
fn it_has_the_form_of_the_value_and_the_known_beginning() {
    for (value, prefix) in [
        ("sk-ant-api03-8dQ2_xKw0Z-aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT2uV3wX4yZ5-QAA", "sk-ant-api03-"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_"),
        ("github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789", "github_pat_"),
        ("xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx", "xoxb-"),
        ("AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "AIza"),
        ("0f1e2d3c4b5a69788796a5b4c3d2e1f0", ""),
        ("correcthorsebatterystaple", ""),
    ] {
        let made = Placeholder::for_value(value.as_bytes()).unwrap();
        assert_eq!(shape(made.as_str().as_bytes()), shape(value.as_bytes()));
        assert_eq!(made.shared(), prefix.len());
        assert!(made.as_str().starts_with(prefix) && made.as_str() != value);
        assert_ne!(
            made,
            Placeholder::for_value(value.as_bytes()).unwrap(),
            "it is another one each time"
        );
    }
}

#[test]
fn hexadecimal_stays_hexadecimal() {
    let made = Placeholder::for_value(b"0F1E2d3c4b5a69788796a5b4c3d2e1f0").unwrap();
    assert!(made.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn nothing_writes_it_differently() {
    let made = Placeholder::for_value("p@ss wörd+/=\"<&>%\\:correct".as_bytes()).unwrap();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || is_unreserved_mark(byte);
    assert!(made.as_str().bytes().all(is_plain), "{made:?}");
    assert_eq!(made.as_str().len(), "p@ss wörd+/=\"<&>%\\:correct".len());
}

#[test]
fn what_could_be_guessed_gets_none() {
    for (value, why) in [
        ("", "it is empty"),
        ("hunter2", "it has 7 characters"),
        ("ghp_abcdefghijk", "it has 11 characters"),
        ("a-b-c-d-e-f-g-h-i-j-k", "it has 11 characters"),
        ("aaaaaaaaaaaaaaaaaaaa", "it repeats itself"),
        ("sk-123\r\nhost: example", "it has a line break"),
        ("0123456789\0abcdef", "it has a line break, a NUL byte"),
    ] {
        let error = Placeholder::for_value(value.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
        assert!(value.is_empty() || !error.contains(value));
    }
}

fn token(claims: &str) -> String {
    let header = BASE64.encode(r#"{"alg":"RS256","typ":"JWT","kid":"k1"}"#);
    format!("{header}.{}.{}", BASE64.encode(claims), BASE64.encode([0xa7; 64]))
}

#[test]
fn a_token_has_its_header_and_times_and_no_other_claim() {
    let claims = r#"{"sub":"user-8812","name":"J\u00f6rg \"J\" M","exp":1893456000,"iat": 1700000000,"seat":42,"roles":["admin",{"org":"acme"}],"nbf":1700000000,"ok":true}"#;
    let value = token(claims);
    let made = Placeholder::for_value(value.as_bytes()).unwrap();
    assert_eq!(made.as_str().len(), value.len());
    let parts: Vec<&str> = made.as_str().split('.').collect();
    let original: Vec<&str> = value.split('.').collect();
    assert_eq!(parts[0], original[0]);
    let text = String::from_utf8(BASE64.decode(parts[1]).unwrap()).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&read["exp"], &read["iat"], &read["nbf"], &read["ok"]),
        (&1_893_456_000.into(), &1_700_000_000.into(), &1_700_000_000.into(), &true.into())
    );
    assert!(read["seat"].is_u64());
    for gone in ["8812", "admin", "acme"] {
        assert!(!text.contains(gone), "{text}");
    }
    assert_eq!(BASE64.decode(parts[2]).unwrap().len(), 64);
    assert!(!has_piece_of(parts[2].as_bytes(), original[2].as_bytes()));
}

#[test]
fn three_words_with_dots_are_no_token() {
    let made = Placeholder::for_value(b"first-part.second-part.third-part").unwrap();
    assert_eq!(made.shared(), 0);
}

proptest! {
    #[test]
    fn it_never_has_a_piece_of_the_value(value in "[A-Za-z0-9+/=_.-]{16,80}") {
        if let Ok(made) = Placeholder::for_value(value.as_bytes()) {
            let (rest, secret) = (&made.as_str()[made.shared()..], &value[made.shared()..]);
            prop_assert_eq!(made.as_str().len(), value.len());
            prop_assert!(!has_piece_of(rest.as_bytes(), secret.as_bytes()));
        }
    }

    #[test]
    fn claims_stay_json_of_the_same_length(value in json()) {
        let claims = serde_json::json!({ "claim": value, "exp": 5 }).to_string();
        let value = token(&claims);
        let made = Placeholder::for_value(value.as_bytes()).unwrap();
        prop_assert_eq!(made.as_str().len(), value.len());
        let text = BASE64.decode(made.as_str().split('.').nth(1).unwrap()).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&text).unwrap();
        prop_assert_eq!(&read["exp"], 5);
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        ".*".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(".*", inner, 0..4)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}
