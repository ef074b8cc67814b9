//! Requests that are judged, and secrets: what a plan holds of them, and what comes back.

use jail_plan::{Content, GivenTo, HostText, Network, Purpose};
use jail_policy::{
    NetworkGrant, Secret, SecretPlace, SecretSocket, SecretSource, SecretTo, normalise,
};

use super::*;
use crate::seal::java;

const BUNDLE: &str =
    "/nix/store/77777777777777777777777777777777-cacert/etc/ssl/certs/ca-bundle.crt";

fn network(grants: &[Grant]) -> Network {
    let wrapper = sealed(&policy(grants)).unwrap().wrapper;
    jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan.network.unwrap()
}

fn host(host: &str) -> Grant {
    let (host, ports) = (host.into(), vec![443, 80]);
    Grant::Network(NetworkGrant::Host { host, ports, spoken: None, any_sni: false, txt: false })
}

fn requests(methods: &[&str], paths: &[&str]) -> Grant {
    let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let (methods, paths) = (all(methods), all(paths));
    Grant::Network(NetworkGrant::Requests { host: "a.example".into(), methods, paths })
}

fn secret(to: SecretTo, from: SecretSource) -> Grant {
    Grant::Network(NetworkGrant::Secret(Secret {
        to,
        from,
        hosts: vec!["a.example".into()],
        places: vec![SecretPlace::Header, SecretPlace::Basic],
        header: Some("authorization".into()),
        optional: true,
    }))
}

fn socket() -> Grant {
    Grant::Network(NetworkGrant::SecretSocket(SecretSocket {
        socket: "/run/api.sock".into(),
        from: SecretSource::Command(vec![Text::literal("pass"), Text::literal("show")]),
        host: "b.example".into(),
        port: 8443,
        path: "/v1".into(),
        header: "authorization".into(),
        prefix: "Bearer ".into(),
        listen: 3129,
    }))
}

fn authorities() -> Grant {
    Grant::Network(NetworkGrant::Authorities { bundle: Text::literal(BUNDLE) })
}

fn all() -> Vec<Grant> {
    vec![
        host("a.example"),
        requests(&["GET"], &["/v1/**"]),
        requests(&[], &["/v2"]),
        secret(SecretTo::Variable("KEY".into()), SecretSource::Variable("OWN".into())),
        secret(
            SecretTo::File(Text::expanded("~/.key")),
            SecretSource::File(Text::expanded("~/.keys/own")),
        ),
        secret(
            SecretTo::Variable("RING".into()),
            SecretSource::Keyring(vec!["service".into(), "a".into()]),
        ),
        socket(),
        authorities(),
    ]
}

#[test]
fn the_broker_is_told_what_it_judges_and_gives() {
    let network = network(&all());
    let egress = &network.egress;
    assert_eq!(egress.requests.len(), 2);
    assert_eq!(egress.secrets.len(), 4);
    // What a server adds has no placeholder and goes nowhere else.
    let added = egress.secrets.iter().find(|secret| secret.name == "/run/api.sock").unwrap();
    assert!(added.hosts.is_empty() && added.places.is_empty() && !added.optional);
    assert_eq!(egress.sockets.first().unwrap().secret, added.name);
    let given: Vec<String> = network
        .given
        .iter()
        .map(|given| {
            let to = match &given.to {
                GivenTo::File(HostText::Literal(path)) => path.clone(),
                GivenTo::File(path) => format!("expanded {}", path.source()),
                GivenTo::Variable(name) => format!("${name}"),
            };
            format!("{} {to}\n", given.content.word())
        })
        .collect();
    expect![[r#"
        placeholder $KEY
        placeholder expanded ~/.key
        placeholder $RING
        server /run/api.sock
        authorities /run/jailgen/authorities.pem
    "#]]
    .assert_eq(&given.concat());
    let listens = |purpose| {
        let of = network.listeners.iter().filter(move |listener| listener.purpose == purpose);
        of.map(|listener| (listener.address.as_str(), listener.port)).collect::<Vec<_>>()
    };
    assert_eq!(listens(Purpose::SecretSocket), [("127.0.0.1", 3129)]);
}

#[test]
fn a_server_alone_needs_no_names() {
    let network = network(&[socket()]);
    assert_eq!(network.listeners.len(), 1);
    assert!(network.local.is_empty() && network.addresses.is_empty());
    // A secret for requests is no reason for a network if there are no hosts.
    let secret = secret(SecretTo::Variable("KEY".into()), SecretSource::Variable("KEY".into()));
    let wrapper = sealed(&policy(&[secret])).unwrap().wrapper;
    assert!(wrapper.contains("\"network\":null"), "{wrapper}");
}

#[test]
fn requests_and_secrets_come_back() {
    super::unseal::check_again(&all());
}

#[test]
fn java_trusts_what_others_do_where_there_may_be_one() {
    let plan = |grants: &[Grant]| {
        let wrapper = sealed(&policy(grants)).unwrap().wrapper;
        jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan
    };
    let has_store = |grants: &[Grant]| {
        let plan = plan(grants);
        let variable = plan.env.iter().any(|step| step.op.name() == java::VARIABLE);
        let given = plan.network.unwrap().given;
        let store = given
            .iter()
            .any(|given| matches!(&given.content, Content::TrustStore(of) if of == BUNDLE));
        (store, variable)
    };
    let whole = || Grant::Store { scope: Scope::Whole };
    assert_eq!(has_store(&[host("a.example"), authorities()]), (false, false));
    assert_eq!(has_store(&[host("a.example"), authorities(), whole()]), (true, true));
    assert_eq!(has_store(&[host("a.example"), whole()]), (false, false));
    // What the spec itself sets stays.
    let own = set_env(java::VARIABLE, "-Xmx1g");
    assert_eq!(has_store(&[host("a.example"), authorities(), whole(), own.clone()]), (true, true));
    assert!(env_of(&[host("a.example"), authorities(), whole(), own]).contains("-Xmx1g"));
    // It is not shown, because it belongs to the authorities.
    let grants = [host("a.example"), authorities(), whole()];
    let policy = policy(&grants);
    let back = crate::seal::of_wrapper(sealed(&policy).unwrap().wrapper.as_bytes()).unwrap();
    let names_java = back
        .grants
        .iter()
        .any(|entry| matches!(&entry.grant, Grant::SetEnv { name, .. } if name == java::VARIABLE));
    assert!(!names_java);
    assert_eq!(normalise(back.grants.clone()), back.grants);
}
