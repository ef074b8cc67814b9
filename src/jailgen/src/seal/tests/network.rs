//! The network by name: what a plan holds of it, and what comes back.

use jail_plan::Network;
use jail_policy::{NetworkGrant, ProxyCredentials, Spoken, UpstreamProxy};

use super::*;

fn host(host: &str, ports: &[u16]) -> Grant {
    let (host, ports) = (host.into(), ports.to_vec());
    Grant::Network(NetworkGrant::Host { host, ports, spoken: None, any_sni: false, txt: false })
}

fn internet(ports: &[u16]) -> Grant {
    Grant::Network(NetworkGrant::Internet { ports: ports.to_vec() })
}

fn host_port(from: u16, to: u16) -> Grant {
    Grant::Network(NetworkGrant::HostPort { from, to })
}

fn network(grants: &[Grant]) -> Option<Network> {
    let wrapper = sealed(&policy(grants)).unwrap().wrapper;
    jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan.network
}

/// Its listeners, a line for each.
fn listeners(grants: &[Grant]) -> Vec<String> {
    let network = network(grants).unwrap();
    let line = |it: &jail_plan::Listener| {
        let word = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        let purpose = word(serde_json::to_value(it.purpose).unwrap());
        let transport = word(serde_json::to_value(it.transport).unwrap());
        let address: std::net::IpAddr = it.address.parse().unwrap();
        format!("{purpose} {transport} {}", std::net::SocketAddr::new(address, it.port))
    };
    network.listeners.iter().map(line).collect()
}

const DNS: [&str; 2] = ["dns udp 127.0.0.1:53", "dns tcp 127.0.0.1:53"];

#[test]
fn the_table_of_listeners_holds() {
    for (grants, wanted) in [
        (vec![host("example.com", &[443, 80])], vec![]),
        (vec![host("*.example.com", &[22])], vec![]),
        (
            vec![host("10.1.2.3", &[8080, 22])],
            vec!["address tcp 10.1.2.3:8080", "address tcp 10.1.2.3:22"],
        ),
        (vec![host("[fd00::1]", &[22])], vec!["address tcp [fd00::1]:22"]),
        (
            vec![internet(&[443, 22])],
            vec![
                "address tcp 0.0.0.0:443",
                "address tcp [::]:443",
                "address tcp 0.0.0.0:22",
                "address tcp [::]:22",
            ],
        ),
        // One socket listens on a port, so the wildcard serves the address too.
        (
            vec![internet(&[443]), host("10.1.2.3", &[443, 8443])],
            vec!["address tcp 0.0.0.0:443", "address tcp [::]:443", "address tcp 10.1.2.3:8443"],
        ),
        (
            vec![host("a.example", &[443]), Grant::Network(NetworkGrant::Proxy)],
            vec!["proxy tcp 127.0.0.1:3128"],
        ),
        (
            vec![host("a.example", &[443]), host_port(15432, 5432)],
            vec!["host-port tcp 127.0.0.1:15432", "host-port tcp [::1]:15432"],
        ),
    ] {
        let wanted: Vec<&str> = DNS.into_iter().chain(wanted).collect();
        assert_eq!(listeners(&grants), wanted, "{grants:?}");
    }
}

#[test]
fn a_port_of_the_host_alone_needs_no_names() {
    let port = network(&[host_port(5432, 5432)]).unwrap();
    assert_eq!(listeners(&[host_port(5432, 5432)]).len(), 2);
    assert!(port.local.is_empty() && port.addresses.is_empty() && port.unreachable.is_empty());
    let exposed = Grant::Network(NetworkGrant::Exposed { from: 0, to: 0, count: 1 });
    let exposed = network(&[exposed]).unwrap();
    assert!(exposed.listeners.is_empty());
    assert_eq!(exposed.egress.exposed.len(), 1);
    // A grant about hosts is no reason for a network if there are no hosts.
    assert_eq!(network(&[Grant::Network(NetworkGrant::Proxy)]), None);
    assert_eq!(network(&[]), None);
}

#[test]
fn what_is_local_is_what_may_be_reached() {
    let names = network(&[host("example.com", &[443]), host("10.1.2.3", &[80])]).unwrap();
    assert_eq!(names.local, ["198.18.0.0/15", "fd6a:6169:6c00::/64", "10.1.2.3/32"]);
    assert_eq!(names.unreachable, [""; 0]);
    assert_eq!(names.addresses, ["198.18.0.1", "fd6a:6169:6c00::1"]);
}

#[test]
fn under_internet_what_is_not_public_is_unreachable() {
    let all = network(&[internet(&[443]), host("169.254.169.254", &[80])]).unwrap();
    let local: [&str; 6] = [
        "198.18.0.0/15",
        "fd6a:6169:6c00::/64",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "2000::/3",
        "169.254.169.254/32",
    ];
    assert_eq!(all.local, local);
    for prefix in
        ["10.0.0.0/8", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "2001:db8::/32"]
    {
        assert!(all.unreachable.iter().any(|it| it == prefix), "{prefix}: {:?}", all.unreachable);
    }
    // The kernel has a route to the one, and takes no second route to the others.
    for prefix in ["127.0.0.0/8", "198.18.0.0/15", "169.254.169.254/32"] {
        assert!(!all.unreachable.iter().any(|it| it == prefix), "{prefix}");
    }
    let mut seen = std::collections::BTreeSet::new();
    assert!(all.local.iter().chain(&all.unreachable).all(|prefix| seen.insert(prefix.clone())));
}

#[test]
fn the_network_by_name_comes_back() {
    let grants = [
        Grant::Network(NetworkGrant::Host {
            host: "db.example.com".into(),
            ports: vec![5432],
            spoken: Some(Spoken::Tls),
            any_sni: true,
            txt: true,
        }),
        host("[fd00::1]", &[22]),
        internet(&[443]),
        Grant::Network(NetworkGrant::Resolvers { servers: vec!["9.9.9.9".into()] }),
        Grant::Network(NetworkGrant::Proxy),
        host_port(15432, 5432),
        Grant::Network(NetworkGrant::Exposed { from: 8080, to: 3000, count: 2 }),
        Grant::Network(NetworkGrant::Ask { command: vec![Text::literal("/bin/ask")], seconds: 9 }),
    ];
    let credentials = [
        None,
        Some(ProxyCredentials::Variable { name: "LOGIN".into() }),
        Some(ProxyCredentials::File { path: Text::literal("/etc/login") }),
    ];
    let at = |credentials: Option<ProxyCredentials>| UpstreamProxy::At {
        host: "proxy.example".into(),
        port: 3128,
        tls: credentials.is_some(),
        credentials,
    };
    let named = UpstreamProxy::Variable { name: "HTTPS_PROXY".into() };
    for proxy in credentials.into_iter().map(at).chain([named]) {
        let upstream = Grant::Network(NetworkGrant::Upstream { proxy });
        super::unseal::check_again(&[grants.as_slice(), &[upstream]].concat());
    }
}

#[test]
fn what_no_launch_could_make_is_an_error() {
    let many: Vec<u16> = (1000..1300).collect();
    check_error(
        &[host("10.1.2.3", &many)],
        expect![[r#"
            the addresses, ports and host ports of the spec need 302 sockets, and a jail can be given 240
              help: name hosts by their names: those need no socket before they are looked up"#]],
    );
    let shared = sealed(&policy(&[Grant::HostNetwork, host("a.example", &[443])]));
    assert!(shared.unwrap_err().to_string().contains("the host's network is shared"));
}

#[test]
fn a_broker_outside_the_store_is_foreign() {
    let wrapper = sealed(&policy(&[host("a.example", &[443])])).unwrap().wrapper;
    assert_eq!(crate::seal::foreign(wrapper.as_bytes()).unwrap(), []);
    let own = "/nix/store/66666666666666666666666666666666-jail-broker/bin/jail-broker";
    assert!(wrapper.contains(own), "{wrapper}");
    let found = crate::seal::foreign(wrapper.replace(own, "/project/broker").as_bytes()).unwrap();
    assert!(found.iter().any(|it| it.what.contains("the broker of the network")), "{found:?}");
}
