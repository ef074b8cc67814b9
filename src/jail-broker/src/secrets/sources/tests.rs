use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn secret(from: SecretSource) -> Secret {
    Secret {
        name: "KEY".into(),
        from,
        hosts: vec!["api.example.com".into()],
        places: vec![jail_plan::SecretPlace::Header],
        header: None,
        optional: false,
        by: "secret#3".into(),
    }
}

fn of_file() -> Secret {
    secret(SecretSource::File(jail_plan::HostText::Literal("~/key".into())))
}

fn start(file: &str, variables: &[(&str, &str)]) -> Start {
    let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Start::for_tests(
        [("secret#3".to_owned(), "a.jail:7:3".to_owned())].into(),
        variables.iter().map(text).collect(),
        [("KEY".to_owned(), file.to_owned())].into(),
    )
}

fn value(read: Result<Vec<WithValue>, String>) -> Result<String, String> {
    let all = read?;
    let [(_, value)] = all.as_slice() else { return Err(format!("{} secrets", all.len())) };
    Ok(String::from_utf8(value.to_vec()).unwrap())
}

/// What comes of a file with these bytes.
fn file(bytes: &[u8]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let path = path.to_str().unwrap();
    let read = value(read(&mut start(path, &[]), &[of_file()], None));
    read.map_err(|why| why.replace(path, "FILE"))
}

#[test]
fn a_file_is_its_value_without_the_final_newline() {
    for (bytes, value) in [
        (&b"sk-abc\n"[..], "sk-abc"),
        (b"sk-abc\r\n", "sk-abc"),
        (b"sk-abc", "sk-abc"),
        (b" a b \n", " a b "),
    ] {
        assert_eq!(file(bytes).unwrap(), value);
    }
}

#[test]
fn a_file_that_is_no_value_is_named_with_the_line_of_the_spec() {
    for (bytes, why) in [
        (&b""[..], "the secret `KEY` (a.jail:7:3): it is empty"),
        (b"\n", "the secret `KEY` (a.jail:7:3): it is empty"),
        (
            &[b'x'; 17_000],
            "the secret `KEY` (a.jail:7:3): FILE: it has more than 16384 bytes, which no field of a request has",
        ),
    ] {
        assert_eq!(file(bytes).unwrap_err(), why);
    }
    for (path, why) in [
        ("/no/such/file", "/no/such/file: there is no such file"),
        ("/dev/null", "/dev/null: it is not a regular file"),
        ("/", "/: it is not a regular file"),
    ] {
        let error = value(read(&mut start(path, &[]), &[of_file()], None)).unwrap_err();
        assert_eq!(error, format!("the secret `KEY` (a.jail:7:3): {why}"));
    }
}

#[test]
fn that_others_can_read_a_file_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "value").unwrap();
    for (mode, is_open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let found = file::read(path.to_str().unwrap()).unwrap().unwrap();
        assert_eq!(found.is_open, is_open, "{mode:o}");
    }
}

#[test]
fn a_variable_is_its_value_and_is_forgotten() {
    let from = secret(SecretSource::Variable("API_KEY".into()));
    let mut with = start("", &[("API_KEY", "sk-abc")]);
    assert_eq!(value(read(&mut with, std::slice::from_ref(&from), None)).unwrap(), "sk-abc");
    assert_eq!(with.variables["API_KEY"], "");
    for variables in [&[][..], &[("API_KEY", "")]] {
        let error = value(read(&mut start("", variables), std::slice::from_ref(&from), None));
        assert_eq!(
            error.unwrap_err(),
            "the secret `KEY` (a.jail:7:3): the variable API_KEY is not set"
        );
        let optional = Secret { optional: true, ..from.clone() };
        assert!(read(&mut start("", variables), &[optional], None).unwrap().is_empty());
    }
}

#[test]
fn an_optional_file_may_be_missing_and_nothing_else() {
    let optional = Secret { optional: true, ..of_file() };
    let read = |path: &str| read(&mut start(path, &[]), std::slice::from_ref(&optional), None);
    assert!(read("/no/such/file").unwrap().is_empty());
    assert!(read("/dev/null").is_err());
}

#[test]
fn what_a_command_and_the_keyring_said_comes_through_the_socket() {
    use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
    let (theirs, own) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    send(&theirs, b"KEY\0value", SendFlags::empty()).unwrap();
    drop(theirs);
    let from = secret(SecretSource::Command(vec!["pass".into()]));
    assert_eq!(
        value(read(&mut start("", &[]), std::slice::from_ref(&from), Some(own))).unwrap(),
        "value"
    );
    assert!(value(read(&mut start("", &[]), &[from], None)).is_err());
}
