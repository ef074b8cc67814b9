//! What is given arrives, and what cannot be given stops the launch.

use std::fs;

use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair};

use jail_plan::HostText;

use super::*;

fn one(content: Content, to: GivenTo) -> Given {
    Given { content, to, by: "test".into() }
}

/// What the launch gets and what stands in the file.
fn given(all: &[Given]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let descriptors = (0..count(all)).map(|_| File::create(&path).unwrap().into()).collect();
    let kind = SocketType::SEQPACKET;
    let (own, theirs) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    let authority = Authority::new().unwrap();
    let placeholders = BTreeMap::from([
        ("KEY".into(), b"sk-x".to_vec()),
        ("ODD".into(), vec![0]),
        ("LONG".into(), vec![b'x'; VARIABLES_MAX]),
    ]);
    let sources = Sources { authority: Some(&authority), placeholders: &placeholders };
    give(all, descriptors, &sources, &theirs)?;
    let mut message = vec![0; 4096];
    let (count, _) = recv(&own, &mut message[..], RecvFlags::DONTWAIT).unwrap_or_default();
    message.truncate(count);
    Ok((message, fs::read(&path).unwrap_or_default()))
}

#[test]
fn files_are_filled_and_variables_are_said() {
    assert_eq!(given(&[]), Ok((vec![], vec![])), "the launch does not wait");
    let variable = |secret: &str, name: &str| {
        one(Content::Placeholder(secret.into()), GivenTo::Variable(name.into()))
    };
    let file = one(
        Content::Placeholder("KEY".into()),
        GivenTo::File(HostText::Literal("/run/key".into())),
    );
    let (message, written) = given(&[variable("KEY", "A"), file, variable("KEY", "B")]).unwrap();
    assert_eq!(message, b"gA=sk-x\0B=sk-x");
    assert_eq!(written, b"sk-x");
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots");
    fs::write(&roots, "# roots").unwrap();
    let roots = roots.to_str().unwrap();
    let bundle =
        one(Content::Authorities(roots.into()), GivenTo::File(HostText::Literal("/x".into())));
    let (message, written) = given(&[bundle]).unwrap();
    assert_eq!(message, b"g");
    assert!(written.starts_with(b"# roots\n-----BEGIN CERTIFICATE-----"));
    for (content, why) in [
        (Content::Placeholder("NONE".into()), "the secret `NONE` has no placeholder"),
        (Content::Placeholder("ODD".into()), "the secret `ODD` has no placeholder"),
        (Content::Authorities("/none".into()), "the certificates of authorities: /none: "),
        (Content::Server("/s".into()), "the server at /s is not a variable"),
        (Content::Placeholder("LONG".into()), "variables are given 65536 bytes at most"),
    ] {
        let error = given(&[one(content, GivenTo::Variable("X".into()))]).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
}
