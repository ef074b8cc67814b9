//! The network.

use jail_policy::{Grant, Output, Text};

use super::process::{copy_if_there, host_zone};
use super::{Chapter, Combinator, Lower, OURS, by_name, inside, names, secrets};
use crate::lower::Call;
use crate::packages::Brought;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Network",
    intro: "By default, a jail has no network except a loopback interface of its own. [network.md](network.md) says how the network by
name works, and what does not work with it; [secrets.md](secrets.md) says how requests are filtered and keys are kept outside.",
    combinators: &[
        by_name::ALLOW_HOST_PORT,
        by_name::DNS,
        by_name::EXPOSE_PORT,
        secrets::HTTP_ALLOW,
        by_name::INTERNET,
        by_name::INTERNET_PORTS,
        NETWORK,
        by_name::NETWORK_ALLOW,
        by_name::NETWORK_ASK,
        by_name::PROXY_VARIABLES,
        secrets::SECRET,
        secrets::SECRET_FILE,
        secrets::SECRET_SOCKET,
        by_name::UPSTREAM_PROXY,
    ],
};

const NETWORK: Combinator = Combinator {
        name: names::NETWORK,
        in_jail_nix: true,
        summary: "The host's network, and what TLS and DNS need",
        docs: "All of it, including the services on the host's loopback interface and the local network.

- `/etc/resolv.conf`, `/etc/hosts` and `/etc/services` with the host's contents at launch. The jail's own name is added to
  `/etc/hosts`.
- The certificates of the public authorities, where programs look for them, and named by `SSL_CERT_FILE`, `NIX_SSL_CERT_FILE`,
  `CURL_CA_BUNDLE`, `REQUESTS_CA_BUNDLE` and `GIT_SSL_CAINFO`.
- The host's time zone, as with `time-zone`.",
        example: "network",
        brings: &[inside(Brought::Cacert), inside(Brought::Tzdata)],
        lower: Lower::Permission(network),
        ..OURS
    };

/// Paths at which distributions keep the bundle, and where programs that were
/// built for one look for it.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// The variables that name a file with certificates.
pub(crate) const VARIABLES: &[&str] = &[
    "SSL_CERT_FILE",
    "NIX_SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
];

fn network(call: &mut Call<'_, '_>) -> Option<()> {
    if !call.once(names::NETWORK) {
        return Some(());
    }
    call.grant(Grant::HostNetwork);
    for path in ["/etc/resolv.conf", "/etc/hosts", "/etc/services"] {
        copy_if_there(call, path);
    }
    certificates(call)?;
    host_zone(call)
}

/// The certificates of the public authorities, where programs look for them.
pub(crate) fn certificates(call: &mut Call<'_, '_>) -> Option<()> {
    let bundle = bundle(call)?;
    for path in BUNDLES {
        call.grant_beneath(Grant::Symlink { to: Text::literal(*path), target: bundle.clone() });
    }
    for name in VARIABLES {
        call.grant(Grant::SetEnv { name: (*name).into(), value: bundle.clone() });
    }
    Some(())
}

/// The file with the certificates of the public authorities.
pub(crate) fn bundle(call: &mut Call<'_, '_>) -> Option<Text> {
    let mut bundle = Text::package(call.brought(Brought::Cacert)?, Output::Out);
    bundle.extend(&Text::literal("/etc/ssl/certs/ca-bundle.crt"));
    Some(bundle)
}
