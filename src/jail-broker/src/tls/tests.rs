//! ClientHellos made by hand, whole and in pieces.

use proptest::prelude::*;

use super::*;

/// A hello with this server name.
fn client_hello(name: Option<&str>, padding: usize) -> Vec<u8> {
    hello_with(name.as_slice(), padding)
}

/// A hello with these server names, padded to at least so many bytes by an unknown extension
/// (GREASE).
fn hello_with(names: &[&str], padding: usize) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let extension =
        |kind: u16, body: &[u8]| [&kind.to_be_bytes()[..], &length(body), body].concat();
    let mut extensions = extension(0x2a2a, &vec![0; padding]);
    if !names.is_empty() {
        let entry = |name: &&str| [&[0][..], &length(name.as_bytes()), name.as_bytes()].concat();
        let entries: Vec<u8> = names.iter().flat_map(entry).collect();
        extensions.extend(extension(0, &[&length(&entries)[..], &entries].concat()));
    }
    extensions.extend(extension(43, &[2, 3, 4]));
    extensions.extend(extension(10, &[0, 2, 0, 29]));
    extensions.extend(extension(13, &[0, 2, 8, 4]));
    let share = [&[0, 29, 0, 32][..], &[7; 32]].concat();
    extensions.extend(extension(51, &[&length(&share)[..], &share].concat()));
    let body =
        [&[3, 3][..], &[9; 32], &[0, 0, 2, 0x13, 1, 1, 0], &length(&extensions), &extensions]
            .concat();
    let size = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1], &size[1..], &body].concat()
}

/// The message in records of so many bytes.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |part: &[u8]| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&[22, 3, 1][..], &length, part].concat()
    };
    message.chunks(size).flat_map(record).collect()
}

fn read_in(bytes: &[u8], size: usize) -> Result<Option<Hello>, NoHello> {
    let mut reader = HelloReader::default();
    for piece in bytes.chunks(size) {
        if let Some(hello) = reader.read(piece)? {
            return Ok(Some(hello));
        }
    }
    Ok(None)
}

#[test]
fn a_hello_is_read_whole_and_in_pieces_and_every_byte_is_kept() {
    let message = client_hello(Some("api.example.com"), 0);
    for record in [1, 5, 100, 16_000] {
        let bytes = records(&message, record);
        for piece in [1, 3, 1400, 100_000] {
            let hello = read_in(&bytes, piece).unwrap().unwrap();
            assert_eq!(hello.server_name.as_deref(), Some("api.example.com"));
            assert_eq!(hello.bytes, bytes, "records of {record}, pieces of {piece}");
        }
    }
}

#[test]
fn a_long_hello_is_read_and_one_without_end_is_not() {
    let bytes = records(&client_hello(Some("a.example.com"), 20_000), 16_000);
    assert!(read_in(&bytes, 4096).unwrap().is_some());
    let mut endless = records(&client_hello(Some("a.example.com"), 65_000), 16_000);
    endless.truncate(64_000);
    assert!(read_in(&endless, 4096).unwrap().is_none());
    let never = [22, 3, 1, 0, 1, 1].repeat(20_000);
    assert!(matches!(read_in(&never, 4096), Err(NoHello::NotTls)));
}

#[test]
fn a_missing_name_and_an_invalid_name_are_distinguished_from_a_name() {
    let name = |name| read_in(&records(&client_hello(name, 0), 16_000), 4096);
    assert_eq!(name(None).unwrap().unwrap().server_name, None);
    for wrong in ["a.example.com\0.evil.test", "a..example.com", "a b"] {
        let read = name(Some(wrong));
        let is_name = matches!(&read, Ok(Some(Hello { server_name: Some(_), .. })));
        assert!(!is_name, "{wrong:?}: {read:?}");
    }
}

#[test]
fn of_two_names_none_is_taken_and_an_address_is_none() {
    for names in [
        &["a.example.com", "evil.test"][..],
        &["evil.test", "a.example.com"],
        &["a.example.com", "a.example.com"],
        &["11.0.0.2"],
    ] {
        let read = read_in(&records(&hello_with(names, 0), 16_000), 4096);
        let is_name = matches!(&read, Ok(Some(Hello { server_name: Some(_), .. })));
        assert!(!is_name, "{names:?}: {read:?}");
    }
}

#[test]
fn what_is_not_tls_is_seen_at_once() {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\0\0\0\0\0\0\0"] {
        assert!(matches!(read_in(bytes, 4096), Err(NoHello::NotTls)), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
        let _ = read_in(&bytes, piece);
        let mut begun = vec![22, 3, 1, 0, 200, 1, 0, 0, 196];
        begun.extend(bytes);
        let _ = read_in(&begun, piece);
    }
}
