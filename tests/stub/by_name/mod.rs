//! The network by name as a whole: the stub launches the jail, the real broker carries what its
//! rules allow, and servers in a namespace of the test's own answer. Nothing leaves the machine.

mod clients;
mod escapes;
mod judged;
mod keyring;
mod launch;
mod programs;
mod real;
mod registries;
mod secrets;
mod static_programs;
mod world;

use jail_plan::{
    Access, EgressRule, File, InsideOp, Listener, Missing, Network, Purpose, Spoken, Transport,
};

use crate::jail::{Caller, Jail, bind_to, by, literal};
use crate::network::network;

use self::world::{RESOLVER, World, broker};

/// `api.test:443,80`; what is spoken there is what is usual.
fn rule(text: &str) -> EgressRule {
    let (host, ports) = text.rsplit_once(':').expect("a port");
    let ports = ports.split(',').map(|port| port.parse().expect("a port")).collect();
    let host = host.to_owned();
    EgressRule { host, ports, protocol: None::<Spoken>, any_sni: false, txt: false, by: by() }
}

/// What the compiler makes of some hosts.
fn by_name(rules: &[&str]) -> Network {
    let dns = |transport| Listener {
        purpose: Purpose::Dns,
        transport,
        address: "127.0.0.1".into(),
        port: 53,
    };
    let mut network = network(vec![dns(Transport::Udp), dns(Transport::Tcp)]);
    network.broker = broker().to_str().expect("UTF-8").into();
    network.local.truncate(2);
    network.unreachable.clear();
    network.egress.rules = rules.iter().map(|text| rule(text)).collect();
    network.egress.resolvers = vec![RESOLVER.into()];
    network
}

/// A jail whose rules are these, with what programs look names up by.
fn jail(world: &World, caller: Caller, rules: &[&str]) -> Jail {
    with(world, caller, by_name(rules))
}

fn with(world: &World, caller: Caller, network: Network) -> Jail {
    let file = |to: &str, content: &str| {
        let (to, content) = (literal(to), content.into());
        InsideOp::File(File { to, content, mode: 0o444 })
    };
    let certificate = world.certificate();
    Jail::new(caller)
        .op(file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions edns0\n"))
        .op(file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"))
        .op(file("/etc/nsswitch.conf", "hosts: files dns\n"))
        .op(bind_to(certificate, "/etc/ssl/certs/ca.pem", Access::ReadOnly, Missing::Fail))
        .set("SSL_CERT_FILE", "/etc/ssl/certs/ca.pem")
        .set("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca.pem")
        .set("HOME", "/tmp")
        .change(|plan| plan.network = Some(network))
}
