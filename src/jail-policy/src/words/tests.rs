//! Requests and secrets in words.

use crate::{
    Grant, NetworkGrant, Secret, SecretPlace, SecretSocket, SecretSource, SecretTo, Text, sentence,
};

fn secret(from: SecretSource, hosts: &[&str]) -> NetworkGrant {
    NetworkGrant::Secret(Secret {
        to: SecretTo::Variable("KEY".into()),
        from,
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        places: vec![SecretPlace::Header, SecretPlace::Body],
        header: Some("x-key".into()),
        optional: true,
    })
}

#[test]
fn requests_and_secrets_are_told_in_words() {
    let said = |grant| sentence(&Grant::Network(grant)).to_string();
    let requests = |methods: &[&str], paths: &[&str]| {
        let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (methods, paths) = (all(methods), all(paths));
        said(NetworkGrant::Requests { host: "a.example".into(), methods, paths })
    };
    assert_eq!(
        requests(&["GET", "HEAD"], &["/v1/**"]),
        "requests GET, HEAD to a.example, /v1/** (others get a 403)"
    );
    assert_eq!(requests(&[], &[]), "requests any method to a.example, any path (others get a 403)");
    let key = |from| said(secret(from, &["a.example", "b.example"]));
    assert_eq!(
        key(SecretSource::Variable("KEY".into())),
        "a secret $KEY to a.example, b.example, in the header x-key or the body, from the launcher's, if it is there (the jail has a placeholder)"
    );
    let pairs = ["service", "a", "account", "b"].map(String::from).into();
    for (from, words) in [
        (SecretSource::Variable("OWN".into()), "from $OWN of the launcher,"),
        (SecretSource::File(Text::expanded("~/.keys/a")), "from ~/.keys/a,"),
        (
            SecretSource::Command(vec![Text::literal("pass"), Text::literal("show")]),
            "from `pass show`,",
        ),
        (SecretSource::Keyring(pairs), "from the keyring (service=a, account=b),"),
    ] {
        let said = key(from);
        assert!(said.contains(words), "{said}");
    }
    let socket = NetworkGrant::SecretSocket(SecretSocket {
        socket: "/run/a.sock".into(),
        from: SecretSource::Variable("KEY".into()),
        host: "a.example".into(),
        port: 8443,
        path: "/v1".into(),
        header: "authorization".into(),
        prefix: "Bearer ".into(),
        listen: 3129,
    });
    assert_eq!(
        said(socket),
        "a secret /run/a.sock and port 3129 to https://a.example:8443/v1, in the header authorization, from $KEY of the launcher (the broker adds the value, and the jail never has it)"
    );
}
