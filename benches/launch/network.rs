//! The same jail, with all its layers, whose network is known by names. The
//! broker starts in parallel.

use std::path::{Path, PathBuf};

use jail_plan::{
    Content, Egress, EgressRule, Given, GivenTo, Listener, Network, Purpose, RequestRule, Transport,
};

/// What a spec with some names has, where a broker is built: DNS and a proxy on both loopback
/// addresses, and two ranges of made-up addresses.
pub(crate) fn network() -> Option<Network> {
    let broker = broker()?;
    let by = || "bench#0".to_owned();
    let places = [
        (Purpose::Dns, Transport::Udp, 53),
        (Purpose::Dns, Transport::Tcp, 53),
        (Purpose::Proxy, Transport::Tcp, 3128),
    ];
    let listeners = places.into_iter().flat_map(|(purpose, transport, port)| {
        let of = |address: &str| Listener { purpose, transport, address: address.into(), port };
        ["127.0.0.1", "::1"].map(of)
    });
    Some(Network {
        broker: broker.to_str().expect("UTF-8").into(),
        local: vec!["198.18.0.0/15".into(), "fd6a:6169:6c00::/64".into()],
        unreachable: Vec::new(),
        addresses: vec!["198.18.0.1".into(), "fd6a:6169:6c00::1".into()],
        listeners: listeners.collect(),
        egress: Egress {
            rules: vec![EgressRule {
                host: "example.com".into(),
                ports: vec![443],
                protocol: None,
                any_sni: false,
                txt: false,
                by: by(),
            }],
            ..Egress::default()
        },
        given: Vec::new(),
        by: by(),
    })
}

/// The same with a rule for requests, so that the launch waits until the broker has filled the
/// bundle of authorities; where this machine has one.
pub(crate) fn judged() -> Option<Network> {
    const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
    let mut network = network().filter(|_| Path::new(ROOTS).exists())?;
    network.egress.requests = vec![RequestRule {
        host: "example.com".into(),
        methods: vec!["GET".into()],
        paths: Vec::new(),
        by: network.by.clone(),
    }];
    network.given = vec![Given {
        content: Content::Authorities(ROOTS.into()),
        to: GivenTo::File(jail_plan::HostText::Literal("/run/jailgen/authorities.pem".into())),
        by: network.by.clone(),
    }];
    Some(network)
}

/// The broker, where one is built: `make build`, or JAIL_BROKER.
fn broker() -> Option<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = project.join(target).join("release/jail-broker");
    let broker = std::env::var_os("JAIL_BROKER").map_or(built, PathBuf::from);
    std::fs::canonicalize(broker).ok()
}
