//! The network.

use super::row::{Example, Probe, ROW, Row};

/// A rule for one host. A connection to it succeeds before anybody outside is asked.
const ALLOWED: Probe = Probe::Grants("exec 3<>/dev/tcp/allowed.example/443");
const OTHER: Probe = Probe::Denies("exec 3<>/dev/tcp/other.example/443");

pub(super) const ROWS: &[Row] = &[
    NETWORK,
    ALLOW,
    INTERNET,
    PORTS,
    DNS,
    PROXY,
    HOST_PORT,
    EXPOSE,
    ASK,
    UPSTREAM,
    REQUESTS,
    SECRET,
    SECRET_FILE,
    SECRET_SOCKET,
];

const ALLOW: Row = Row {
    name: "network-allow",
    spec: "(network-allow [ \"allowed.example\" \"10.1.2.3:8080\" ])",
    probes: &[
        ALLOWED,
        Probe::Grants("exec 3<>/dev/tcp/10.1.2.3/8080"),
        OTHER,
        Probe::Denies("exec 3<>/dev/tcp/allowed.example/22"),
        Probe::Denies("exec 3<>/dev/tcp/10.1.2.4/8080"),
    ],
    ..ROW
};

const INTERNET: Row = Row {
    name: "internet",
    spec: "internet",
    probes: &[
        Probe::Grants("exec 3<>/dev/tcp/any.example/443"),
        Probe::Denies("exec 3<>/dev/tcp/any.example/25"),
        Probe::Denies("exec 3<>/dev/tcp/10.1.2.3/443"),
    ],
    ..ROW
};

const PORTS: Row = Row {
    name: "internet-ports",
    spec: "(internet-ports [ 8443 ])",
    probes: &[
        Probe::Grants("exec 3<>/dev/tcp/any.example/8443"),
        Probe::Denies("exec 3<>/dev/tcp/any.example/443"),
    ],
    ..ROW
};

const DNS: Row = Row {
    name: "dns",
    spec: "network (dns [ \"192.0.2.53\" ])",
    probes: &[
        Probe::Grants("[ \"$(cat /etc/resolv.conf)\" = 'nameserver 192.0.2.53' ]"),
        Probe::Denies("echo x >/etc/resolv.conf"),
    ],
    ..ROW
};

const PROXY: Row = Row {
    name: "proxy-variables",
    spec: "(network-allow [ \"allowed.example\" ]) proxy-variables",
    probes: &[
        Probe::Grants("exec 3<>\"/dev/tcp/127.0.0.1/${https_proxy##*:}\""),
        Probe::Denies(
            "exec 3<>/dev/tcp/127.0.0.1/3128; \
             printf 'CONNECT other.example:443 HTTP/1.1\\r\\nHost: other.example:443\\r\\n\\r\\n' >&3; \
             read -r answer <&3; [[ $answer = *' 200 '* ]]",
        ),
    ],
    ..ROW
};

const HOST_PORT: Row = Row {
    name: "allow-host-port",
    spec: "(allow-host-port { from = 15432; to = 15433; })",
    probes: &[
        Probe::Grants("exec 3<>/dev/tcp/127.0.0.1/15432"),
        Probe::Denies("exec 3<>/dev/tcp/127.0.0.1/15433"),
    ],
    ..ROW
};

/// tests/broker connects to what is exposed.
const EXPOSE: Row = Row {
    name: "expose-port",
    spec: "(expose-port 28731) (readonly (noescape \"~/ns\"))",
    host: "mkdir -p ~/ns; readlink /proc/self/ns/net >~/ns/net",
    probes: &[
        Probe::Works("[ \"$(readlink /proc/self/ns/net)\" != \"$(cat ~/ns/net)\" ]"),
        Probe::Denies("exec 3<>/dev/tcp/allowed.example/443"),
    ],
    ..ROW
};

const ASK: Row = Row {
    name: "network-ask",
    spec: "(network-allow [ \"allowed.example\" ]) \
           (network-ask { command = [ \"/bin/sh\" \"-c\" \"[ \\\"$1\\\" = asked.example ]\" \"sh\" ]; seconds = 5; })",
    // The connection waits for the answer, and what is refused then stands in the jail's own list.
    probes: &[
        Probe::Grants(
            "exec 3<>/dev/tcp/asked.example/443 && { read -rt 8 line <&3; \
             [[ $(</run/jailgen/refused) != *asked.example* ]]; }",
        ),
        Probe::Denies(
            "exec 3<>/dev/tcp/other.example/443; read -rt 8 line <&3; \
             [[ $(</run/jailgen/refused) != *other.example* ]]",
        ),
    ],
    ..ROW
};

const UPSTREAM: Row = Row {
    name: "upstream-proxy",
    spec: "(network-allow [ \"allowed.example\" ]) (upstream-proxy \"http://127.0.0.1:9\")",
    probes: &[ALLOWED, OTHER],
    ..ROW
};

const NETWORK: Row = Row {
    name: "network",
    spec: "network (readonly (noescape \"~/ns\"))",
    host: "mkdir -p ~/ns; readlink /proc/self/ns/net >~/ns/net; readlink /proc/self/ns/pid >~/ns/pid",
    probes: &[
        Probe::Grants("[ \"$(readlink /proc/self/ns/net)\" = \"$(cat ~/ns/net)\" ]"),
        Probe::Grants("[ -s \"$SSL_CERT_FILE\" ] && [ -s /etc/ssl/certs/ca-certificates.crt ]"),
        Probe::Refuses("[ \"$(readlink /proc/self/ns/pid)\" = \"$(cat ~/ns/pid)\" ]"),
        Probe::Denies("echo x >/etc/resolv.conf || echo x >/etc/hosts"),
    ],
    ..ROW
};

/// Which requests get through to servers tests/broker and tests/stub/by_name see. Where no server
/// is there, the broker has let through what it does not answer with a 403.
const REQUESTS: Row = Row {
    name: "http-allow",
    spec: "(http-allow \"allowed.example\" { methods = [ \"GET\" ]; paths = [ \"/v1/**\" ]; })",
    probes: &[
        ALLOWED,
        OTHER,
        Probe::Works(
            "[ -s \"$NODE_EXTRA_CA_CERTS\" ] && [ -s /etc/ssl/certs/ca-certificates.crt ]",
        ),
        Probe::Works(
            "exec 3<>/dev/tcp/allowed.example/80; \
             printf 'GET /v1/a HTTP/1.1\\r\\nHost: allowed.example\\r\\n\\r\\n' >&3; \
             read -r answer <&3; [[ $answer = HTTP/1.1* && $answer != *' 403 '* ]]",
        ),
        Probe::Denies(
            "exec 3<>/dev/tcp/allowed.example/80; \
             printf 'POST /v1/a HTTP/1.1\\r\\nHost: allowed.example\\r\\n\\r\\n' >&3; \
             read -r answer <&3; [[ $answer != *' 403 '* ]]",
        ),
        Probe::Denies(
            "exec 3<>/dev/tcp/allowed.example/80; \
             printf 'GET /v2 HTTP/1.1\\r\\nHost: allowed.example\\r\\n\\r\\n' >&3; \
             read -r answer <&3; [[ $answer != *' 403 '* ]]",
        ),
    ],
    ..ROW
};

const VALUE: (&str, &str) = ("ROW_KEY", "sk-ant-the-value-of-this-row");

const SECRET: Row = Row {
    name: "secret",
    spec: "(network-allow [ \"allowed.example\" ]) \
           (secret { env = \"ROW_KEY\"; from.env = \"ROW_KEY\"; hosts = [ \"allowed.example\" ]; })",
    env: &[VALUE],
    probes: &[
        Probe::Grants("[[ $ROW_KEY = sk-ant-* ]]"),
        Probe::Refuses("[ \"$ROW_KEY\" = sk-ant-the-value-of-this-row ]"),
        // Over plain HTTP the value is not sent, and the placeholder goes nowhere.
        Probe::Denies(
            "exec 3<>/dev/tcp/allowed.example/80; \
             printf 'GET / HTTP/1.1\\r\\nHost: allowed.example\\r\\nX-Key: %s\\r\\n\\r\\n' \"$ROW_KEY\" >&3; \
             read -r answer <&3; [[ $answer != *' 403 '* ]]",
        ),
    ],
    example: Example::MayStop("the secret `ANTHROPIC_API_KEY`"),
    ..ROW
};

const SECRET_FILE: Row = Row {
    name: "secret-file",
    spec: "internet (secret-file { path = \"/run/secrets/key\"; from.file = (noescape \"~/.keys/row\"); \
           hosts = [ \"allowed.example\" ]; })",
    host: "mkdir -pm 700 ~/.keys; (umask 077; echo sk-ant-the-value-of-this-row >~/.keys/row)",
    probes: &[
        Probe::Grants("[[ $(</run/secrets/key) = sk-ant-* ]]"),
        Probe::Denies("[ \"$(</run/secrets/key)\" = sk-ant-the-value-of-this-row ]"),
        Probe::Denies("echo x >/run/secrets/key"),
        Probe::Refuses("[ -s ~/.keys/row ]"),
    ],
    example: Example::MayStop("the secret `/run/secrets/token`"),
    ..ROW
};

const SECRET_SOCKET: Row = Row {
    name: "secret-socket",
    spec: "(secret-socket { socket = \"/run/api.sock\"; upstream = \"https://allowed.example/v1\"; \
           header = \"x-api-key\"; from.env = \"ROW_KEY\"; env = \"API_URL\"; })",
    env: &[VALUE],
    probes: &[
        Probe::Grants("[ -S /run/api.sock ] && exec 3<>\"/dev/tcp/127.0.0.1/${API_URL##*:}\""),
        Probe::Refuses("[ -n \"$ROW_KEY\" ]"),
        Probe::Denies("exec 3<>/dev/tcp/allowed.example/443"),
    ],
    example: Example::MayStop("the secret `/run/anthropic.sock`"),
    ..ROW
};
