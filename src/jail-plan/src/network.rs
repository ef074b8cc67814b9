//! The network by name: what the launch makes in the jail's network namespace, and what the broker
//! outside carries.
//!
//! The stub makes the routes and the first sockets, and passes them to the broker. It does not read
//! [`Egress`].

use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{self, Parser};
use crate::ops::Origin;
use crate::record::{choice, record, words};
use crate::requests::{Given, RequestRule, Secret, SecretSocket};

record! {
    /// A network namespace from which connections leave through a broker only.
    ///
    /// The jail's side of the launch sends the broker one message before the payload starts: the
    /// byte `1`, and the descriptors of the jail's user namespace, of its network namespace, of
    /// each of `listeners` in their order, of each of `given` that is a file in theirs, and then,
    /// if the jail has one, of the file that says inside what was refused, opened for appending.
    /// The kernel passes 253 at most. Where something is given, the broker answers with one message
    /// when it has filled all of it: `g`, and the variables as `NAME=VALUE` with a NUL between two
    /// of them. They count before the plan's own. In the place of a socket that the machine cannot
    /// have, because it lacks a family, is a descriptor of something else.
    pub struct Network {
        /// The broker: a program on the host, by its absolute path.
        pub broker: String,
        /// Prefixes whose addresses all lead to the jail's own loopback, such
        /// as `198.18.0.0/15` and `fd6a:6169:6c00::/64`.
        pub local: Vec<String>,
        /// Prefixes within those that lead nowhere.
        pub unreachable: Vec<String>,
        /// Further addresses of the loopback interface besides 127.0.0.1 and ::1, one of each
        /// family: without them, the C library considers a family absent (`AI_ADDRCONFIG`).
        pub addresses: Vec<String>,
        /// Sockets that exist before the payload starts. The broker owns them.
        pub listeners: Vec<Listener>,
        /// What may be reached. Only the broker reads it.
        pub egress: Egress,
        /// What the broker fills in before the payload starts.
        pub given: Vec<Given>,
        /// Who wanted it.
        pub by: Origin,
    }
}

impl Network {
    /// Reads only this record, as strictly as in a plan: the broker gets it from the supervisor.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let read = Parser::new(text).value().and_then(|value| json::from_value(&value));
        read.map_err(|error| error.text(text))
    }
}

record! {
    /// A bound socket in the jail's network namespace; one of TCP listens.
    pub struct Listener {
        /// What the broker uses it for.
        pub purpose: Purpose,
        /// What is spoken below.
        pub transport: Transport,
        /// The address that it is bound to. `0.0.0.0` and `::` cover all of
        /// their family only (`IPV6_V6ONLY`).
        pub address: String,
        /// The TCP port.
        pub port: u16,
    }
}

words! {
    /// What a socket of the jail is for.
    pub enum Purpose {
        /// The jail's DNS server.
        "dns" Dns,
        /// HTTP and SOCKS5 for clients that want a proxy.
        "proxy" Proxy,
        /// Connections to the address itself: a literal that a rule names or, with
        /// `internet`, every public one.
        "address" Address,
        /// A port of the host's loopback.
        "host-port" HostPort,
        /// The server of the `SecretSocket` that listens on this port.
        "secret-socket" SecretSocket,
    }
}

words! {
    /// What is spoken below.
    pub enum Transport {
        /// tcp(7).
        "tcp" Tcp,
        /// udp(7).
        "udp" Udp,
    }
}

record! {
    /// What may be reached, and how. `jail-egress` decides by it.
    #[derive(Default)]
    pub struct Egress {
        /// The rules, in the order of the spec.
        pub rules: Vec<EgressRule>,
        /// The ports on which every public host may be reached; empty: only the rules apply.
        pub internet: Vec<u16>,
        /// The DNS servers to ask, `1.1.1.1` or `[::1]:5353`; empty: those of the host.
        pub resolvers: Vec<String>,
        /// The proxy that all connections leave by.
        pub upstream: Option<Upstream>,
        /// Ports of the jail that appear on the host's loopback.
        pub exposed: Vec<Exposed>,
        /// Ports of the host's loopback that the jail may reach, by the jail's numbers.
        pub host_ports: Vec<HostPort>,
        /// The user or command to ask before a connection is refused.
        pub ask: Option<Ask>,
        /// The requests that hosts may get. The broker ends the TLS of a host that one of
        /// these or a secret names.
        pub requests: Vec<RequestRule>,
        /// Values that the broker puts into requests.
        pub secrets: Vec<Secret>,
        /// Servers inside that add a secret.
        pub sockets: Vec<SecretSocket>,
    }
}

record! {
    /// One destination, its ports, and the protocol.
    pub struct EgressRule {
        /// `example.com`, `*.example.com`, `10.1.2.3` or `[fd00::1]`, in canonical form.
        pub host: String,
        /// The TCP ports.
        pub ports: Vec<u16>,
        /// The protocol; absent: the usual one of the port.
        pub protocol: Option<Spoken>,
        /// Whether TLS may ask for another server name than the one that was looked up.
        pub any_sni: bool,
        /// Whether TXT records are looked up.
        pub txt: bool,
        /// Who wanted it.
        pub by: Origin,
    }
}

words! {
    /// The protocol of a connection.
    pub enum Spoken {
        /// TLS: the client names the server.
        "tls" Tls,
        /// HTTP without TLS: the request names the server.
        "http" Http,
        /// Anything; the server may speak first.
        "tcp" Tcp,
    }
}

record! {
    /// An HTTP proxy of the host's network.
    pub struct Upstream {
        /// Its name or address. Empty: the variable of `credentials` contains its whole
        /// URL (`http://user:password@host:port`, or `https://`).
        pub host: String,
        /// The TCP port.
        pub port: u16,
        /// Whether the connection to it uses TLS.
        pub tls: bool,
        /// Where the user and password for it (`user:password`) are; absent: it needs none.
        pub credentials: Option<Credentials>,
        /// Who wanted it.
        pub by: Origin,
    }
}

choice! {
    /// Where a value is found at launch.
    pub enum Credentials {
        /// The contents of this file on the host.
        "file" File(String),
        /// This variable of the launcher.
        "variable" Variable(String),
    }
}

record! {
    /// A port of the jail on the host's loopback.
    pub struct Exposed {
        /// The first port on the host; 0: any free one.
        pub from: u16,
        /// The first port inside; 0: the same as on the host.
        pub to: u16,
        /// The number of ports.
        pub count: u16,
        /// Who wanted it.
        pub by: Origin,
    }
}

record! {
    /// A port of the host's loopback.
    pub struct HostPort {
        /// The port inside.
        pub from: u16,
        /// The port on the host.
        pub to: u16,
        /// Who wanted it.
        pub by: Origin,
    }
}

record! {
    /// The user or command to ask before a connection is refused.
    pub struct Ask {
        /// The command on the host, whose exit status 0 allows the connection;
        /// absent: a desktop notification.
        pub command: Vec<String>,
        /// How long the connection waits.
        pub seconds: u16,
        /// Who wanted it.
        pub by: Origin,
    }
}
