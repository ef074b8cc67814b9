//! The network by name: the entries. What they mean is in `lower/by_name`.

use super::{Combinator, OURS, inside, names, param};
use crate::lower::by_name;
use crate::packages::{Brings, Brought};
use crate::signature::{Field, Signature, Type};
use crate::table::Lower;
use crate::words::Words;

pub(super) const fn optional(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, required: false, doc }
}

pub(super) const fn required(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, required: true, doc }
}

/// All of them change which authorities programs trust.
pub(super) const CERTIFICATES: &[Brings] = &[inside(Brought::Cacert)];

/// The elements of `network-allow` and `allowedHosts`.
pub(crate) const HOST: Type = Type::Either(&[Type::Word(Words::Hosts), Type::Fields(HOST_FIELDS)]);
const HOST_FIELDS: &[Field] = &[
    required("host", Type::Word(Words::Hosts), "the host, written as an element of a list"),
    optional("ports", Type::List(&Type::Integer), "its TCP ports, instead of 443 and 80"),
    optional(
        "sni",
        Type::Word(Words::Given(&["any"])),
        "`\"any\"`: TLS may ask for another server name than the host's",
    ),
    optional(
        "tcp",
        Type::Bool,
        "whether anything may be spoken on these ports, and the server may speak first",
    ),
    optional("tls", Type::Bool, "whether only TLS is spoken on these ports"),
    optional("txt", Type::Bool, "whether TXT records of the name are looked up"),
];

const PORTS: Type = Type::List(&Type::Integer);
const MAPPED: Type = Type::Fields(&[
    required("from", Type::Integer, "the port that is connected to"),
    required("to", Type::Integer, "the port that it leads to"),
]);

pub(super) const ALLOW_HOST_PORT: Combinator = Combinator {
    name: "allow-host-port",
    since: "0.2.0",
    summary: "A port of the host's loopback can be reached from inside, as the same port of the jail's",
    docs: "`{ from = 15432; to = 5432; }`: port 15432 inside leads to port 5432 of the host. It works with and without other hosts, on
127.0.0.1 and on ::1. A service on the loopback often trusts every client.",
    signature: Signature { params: &[param("port", Type::Either(&[Type::Integer, MAPPED]))] },
    example: "[ (allow-host-port 5432) (allow-host-port { from = 8081; to = 8080; }) ]",
    lower: Lower::Permission(by_name::host_port),
    ..OURS
};

pub(super) const DNS: Combinator = Combinator {
    name: names::DNS,
    since: "0.2.0",
    summary: "The DNS servers to ask, instead of the host's",
    docs: "With `network-allow` and `internet` the broker asks them, outside the jail, and `\"9.9.9.9:5353\"` names a port other than 53.
With `network` they are written to /etc/resolv.conf, which has no ports.",
    signature: Signature { params: &[param("servers", Type::List(&Type::Literal))] },
    example: "[ internet (dns [ \"9.9.9.9\" \"2620:fe::fe\" ]) ]",
    lower: Lower::Permission(by_name::resolvers),
    ..OURS
};

pub(super) const EXPOSE_PORT: Combinator = Combinator {
    name: "expose-port",
    since: "0.2.0",
    summary: "A port of the jail appears on the host's loopback, under the same number",
    docs: "`{ from = 8080; to = 3000; }`: port 8080 of the host leads to port 3000 of the jail. `\"3000-3010\"` is a range. `\"ephemeral\"`
is one port that is free on the host when the jail starts, for callbacks from a browser. Every user of the machine can connect
to an exposed port. If a port is in use on the host, the launch stops and names a free one.",
    signature: Signature { params: &[param("port", Type::Either(&[Type::Integer, Type::Word(Words::Given(&["ephemeral"])), MAPPED]))] },
    example: "[ (expose-port 3000) (expose-port { from = 8080; to = 80; }) (expose-port \"4000-4010\") ]",
    lower: Lower::Permission(by_name::exposed),
    ..OURS
};

pub(super) const INTERNET: Combinator = Combinator {
    name: names::INTERNET,
    since: "0.2.0",
    summary: "Every public host can be reached, on TCP ports 443, 80 and 22",
    docs: "The host's loopback and private, link-local or metadata addresses cannot be reached, neither by name nor by number;
[network.md](network.md) says how. `internet-ports` names other ports. Whatever else `network-allow` names can be reached too.",
    example: "internet",
    brings: CERTIFICATES,
    lower: Lower::Permission(by_name::internet),
    ..OURS
};

pub(super) const INTERNET_PORTS: Combinator = Combinator {
    name: names::INTERNET_PORTS,
    since: "0.2.0",
    summary: "Every public host can be reached, on these TCP ports",
    docs: "They replace those of `internet`, whichever comes first. Next to `http-allow`, a port on which requests cannot be filtered,
such as 22, is an error.",
    signature: Signature { params: &[param("ports", PORTS)] },
    example: "internet-ports [ 443 ]",
    brings: CERTIFICATES,
    lower: Lower::Permission(by_name::internet_ports),
    ..OURS
};

pub(super) const NETWORK_ALLOW: Combinator = Combinator {
    name: names::NETWORK_ALLOW,
    since: "0.2.0",
    summary: "These hosts can be reached, by name, and no others",
    docs: "
- `\"example.com\"`: this host, on TCP ports 443 and 80. `\"example.com:8443\"`: on this port alone.
- `\"*.example.com\"`: all hosts below it, but not the name itself. `*` alone, and names below which anyone can register one,
  are errors.
- `\"10.1.2.3:8080\"`, `\"[fd00::1]:22\"`: an address, in any network.
- `\"@npm\"`: a group of known hosts; `jailgen hosts` lists them.
- `{ host = \"example.com\"; ports = [ 5432 ]; }` can say more: `sni = \"any\"` lets TLS name another server, `tcp = true` allows
  any protocol on 443 and 80 too, `tls = true` allows only TLS on other ports, `txt = true` looks up TXT records.

Programs need no settings for it: names of other hosts do not resolve, and other addresses are unreachable. A name that leads
to a private address is refused. UDP is not allowed. All rules of a spec apply together; an empty list is no network at all.
[network.md](network.md) says how it works, and what does not. The jail has certificates as with `network`, but not the host's
time zone.",
    signature: Signature { params: &[param("hosts", Type::List(&HOST))] },
    example: "network-allow [ \"api.anthropic.com\" \"*.example.com\" \"github.com:22\" \"@npm\" ]",
    brings: CERTIFICATES,
    lower: Lower::Permission(by_name::allow),
    ..OURS
};

pub(super) const NETWORK_ASK: Combinator = Combinator {
    name: "network-ask",
    since: "0.2.0",
    summary: "Before a host is refused, you are asked, and the connection waits",
    docs: "A desktop notification asks, or `command`, which runs on the host with the host and the port as its last two arguments and
allows the connection by exit status 0. Without an answer within `seconds` (default and maximum 30) the connection is refused.
What you allow is allowed for this session. A command in a folder that a jail could write, including the working folder, stops
the launch.",
    signature: Signature { params: &[param(
        "how",
        Type::Fields(&[
            optional("command", Type::List(&Type::Text), "the program, a path on the host, and its arguments"),
            optional("seconds", Type::Integer, "how long the connection waits"),
        ]),
    )] },
    example: "[ (network-allow [ \"example.com\" ]) (network-ask { seconds = 20; }) ]",
    lower: Lower::Permission(by_name::ask),
    ..OURS
};

pub(super) const PROXY_VARIABLES: Combinator = Combinator {
    name: names::PROXY_VARIABLES,
    since: "0.2.0",
    summary: "A proxy for HTTP and SOCKS5 on the jail's loopback, and the variables that name it",
    docs: "For programs that use a proxy anyway, or look names up in other ways than the system's: `HTTP_PROXY`, `HTTPS_PROXY`,
`ALL_PROXY` and `NO_PROXY`, and the same in lower case. The same rules apply. It uses port 3128 of the jail's loopback.",
    example: "[ (network-allow [ \"example.com\" ]) proxy-variables ]",
    lower: Lower::Permission(by_name::proxy_variables),
    ..OURS
};

pub(super) const UPSTREAM_PROXY: Combinator = Combinator {
    name: "upstream-proxy",
    since: "0.2.0",
    summary: "Connections leave through this HTTP proxy of the host's network",
    docs: "`\"http://proxy.example.com:3128\"`, or `(noescape \"$HTTPS_PROXY\")` for the one that the launcher's variable names. With
`https://` the connection to the proxy uses TLS, and its certificate must be one that the host trusts. The proxy gets a name
only after the rules allowed it, and looks it up itself. `{ url = …; credentials.file = \"/etc/proxy-login\"; }` takes
`user:password` from a file at launch, and `credentials.env = \"PROXY_LOGIN\"` from a variable; in the spec they would end up in
the store, where every user can read them.",
    signature: Signature { params: &[param(
        "proxy",
        Type::Either(&[
            Type::Text,
            Type::Fields(&[
                required("url", Type::Text, "the proxy"),
                optional(
                    "credentials",
                    Type::Fields(&[
                        optional("file", Type::Text, "a file on the host"),
                        optional("env", Type::Literal, "a variable of the launcher"),
                    ]),
                    "where `user:password` is found",
                ),
            ]),
        ]),
    )] },
    example: "[ internet (upstream-proxy \"http://proxy.example.com:3128\") ]",
    lower: Lower::Permission(by_name::upstream),
    ..OURS
};
