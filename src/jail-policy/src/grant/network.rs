//! The network by name: what a jail reaches through the broker, and what reaches it.

use jail_plan::Spoken;
use serde::{Deserialize, Serialize};

use super::secret::{Secret, SecretSocket};
use crate::text::Text;

/// A part of the network by name. One such part gives the jail a network namespace of its own,
/// which connections leave through a broker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum NetworkGrant {
    /// A host, or all hosts below a name, may be reached.
    Host {
        /// `example.com`, `*.example.com`, `10.1.2.3` or `[fd00::1]`, in canonical form.
        host: String,
        /// The TCP ports.
        ports: Vec<u16>,
        /// The protocol; absent: the usual one of the port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spoken: Option<Spoken>,
        /// Whether TLS may ask for another server than the one that was looked up.
        #[serde(default, skip_serializing_if = "is_false")]
        any_sni: bool,
        /// Whether TXT records are looked up.
        #[serde(default, skip_serializing_if = "is_false")]
        txt: bool,
    },
    /// Every public host may be reached. The last one counts.
    Internet {
        /// The TCP ports.
        ports: Vec<u16>,
    },
    /// The DNS servers that are asked instead of the host's. The last one counts.
    Resolvers {
        /// Their addresses: `1.1.1.1`, `[::1]:5353`.
        servers: Vec<String>,
    },
    /// A proxy for HTTP and SOCKS5 on the jail's loopback.
    Proxy,
    /// The proxy that all connections leave by. The last one counts.
    Upstream {
        /// Where it is.
        proxy: UpstreamProxy,
    },
    /// A port of the host's loopback may be reached.
    HostPort {
        /// The port inside.
        from: u16,
        /// The port on the host.
        to: u16,
    },
    /// Ports of the jail appear on the host's loopback.
    Exposed {
        /// The first port on the host; 0: any free one.
        from: u16,
        /// The first port inside; 0: the same as on the host.
        to: u16,
        /// The number of ports.
        count: u16,
    },
    /// The user or a command is asked before a connection is refused. The last one counts.
    Ask {
        /// The command on the host, whose exit status 0 allows the connection;
        /// empty: a desktop notification.
        command: Vec<Text>,
        /// How long the connection waits.
        seconds: u16,
    },
    /// The requests that a host may get. A request must match all of one such rule;
    /// hosts without any get all.
    Requests {
        /// The host, as in [`NetworkGrant::Host`]: a name, or `*.` and a name.
        host: String,
        /// Methods, in upper case; empty: all.
        methods: Vec<String>,
        /// Paths from `/`; `*` means one segment, `**` at the end any number. Empty: all.
        paths: Vec<String>,
    },
    /// A value that the broker inserts into requests.
    Secret(Secret),
    /// A server inside that adds a secret to requests.
    SecretSocket(SecretSocket),
    /// The broker ends the TLS of hosts whose requests it judges or inserts secrets into. Programs
    /// therefore trust an authority that it makes for the launch, besides the public ones.
    Authorities {
        /// The file with the certificates of the public ones.
        bundle: Text,
    },
}

/// A proxy of the host's network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum UpstreamProxy {
    /// The one at this address.
    At {
        /// Its name or address.
        host: String,
        /// The TCP port.
        port: u16,
        /// Whether the connection to it uses TLS (`https://`).
        #[serde(default, skip_serializing_if = "is_false")]
        tls: bool,
        /// Where the user and password for it are; absent: it needs none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credentials: Option<ProxyCredentials>,
    },
    /// The one whose URL this variable of the launcher holds, credentials included.
    Variable {
        /// The variable's name.
        name: String,
    },
}

/// Where `user:password` is found at launch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum ProxyCredentials {
    /// In a file on the host.
    File {
        /// The path of the file.
        path: Text,
    },
    /// In a variable of the launcher.
    Variable {
        /// The variable's name.
        name: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

impl NetworkGrant {
    /// The ports of `internet` that are not named.
    pub const INTERNET_PORTS: [u16; 3] = [443, 80, 22];

    /// The port of the jail's loopback on which its proxy listens.
    pub const PROXY_PORT: u16 = 3128;

    /// Where the jail has the certificates of [`NetworkGrant::Authorities`].
    pub const AUTHORITIES: &str = "/run/jailgen/authorities.pem";

    pub(super) fn texts_mut(&mut self) -> Vec<&mut Text> {
        match self {
            Self::Ask { command, .. } => command.iter_mut().collect(),
            Self::Upstream {
                proxy: UpstreamProxy::At { credentials: Some(ProxyCredentials::File { path }), .. },
            } => vec![path],
            Self::Secret(Secret { to, from, .. }) => {
                to.texts_mut().into_iter().chain(from.texts_mut()).collect()
            }
            Self::SecretSocket(SecretSocket { from, .. }) => from.texts_mut(),
            Self::Authorities { bundle } => vec![bundle],
            Self::Upstream { .. }
            | Self::Host { .. }
            | Self::Internet { .. }
            | Self::Resolvers { .. }
            | Self::Proxy
            | Self::HostPort { .. }
            | Self::Exposed { .. }
            | Self::Requests { .. } => Vec::new(),
        }
    }

    /// If only one of several counts, they share a key; the others have their own.
    pub(crate) fn key(&self) -> Self {
        match self {
            Self::Internet { .. } => Self::Internet { ports: Vec::new() },
            Self::Resolvers { .. } => Self::Resolvers { servers: Vec::new() },
            Self::Upstream { .. } => {
                Self::Upstream { proxy: UpstreamProxy::Variable { name: String::new() } }
            }
            Self::Ask { .. } => Self::Ask { command: Vec::new(), seconds: 0 },
            Self::Authorities { .. } => Self::Authorities { bundle: Text::literal("") },
            Self::Host { .. }
            | Self::Proxy
            | Self::HostPort { .. }
            | Self::Exposed { .. }
            | Self::Requests { .. }
            | Self::Secret(_)
            | Self::SecretSocket(_) => self.clone(),
        }
    }

    /// Whether the jail reaches hosts by it.
    #[must_use]
    pub const fn reaches_hosts(&self) -> bool {
        match self {
            Self::Host { .. } | Self::Internet { .. } => true,
            Self::Resolvers { .. }
            | Self::Proxy
            | Self::Upstream { .. }
            | Self::HostPort { .. }
            | Self::Exposed { .. }
            | Self::Ask { .. }
            | Self::Requests { .. }
            | Self::Secret(_)
            | Self::SecretSocket(_)
            | Self::Authorities { .. } => false,
        }
    }

    /// Whether it alone is a reason for a network that a broker carries.
    #[must_use]
    pub const fn is_reason(&self) -> bool {
        match self {
            Self::Host { .. }
            | Self::Internet { .. }
            | Self::HostPort { .. }
            | Self::Exposed { .. }
            | Self::SecretSocket(_) => true,
            Self::Resolvers { .. }
            | Self::Proxy
            | Self::Upstream { .. }
            | Self::Ask { .. }
            | Self::Requests { .. }
            | Self::Secret(_)
            | Self::Authorities { .. } => false,
        }
    }
}
