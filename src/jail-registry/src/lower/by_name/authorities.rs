//! The authorities that programs trust where the broker ends TLS: the public ones, and the one that
//! the broker makes for the launch.

use jail_policy::{Entry, Grant, NetworkGrant, Text};

use super::super::{Call, Granted, Lowering};
use crate::table::network::{VARIABLES, bundle};

/// Further variables that name a file with certificates, each for programs that
/// read none of the others.
const MORE: &[&str] = &[
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
];

/// The variable that names a folder with certificates, which OpenSSL reads instead. A jail has it
/// only if its spec sets it.
const FOLDER: &str = "SSL_CERT_DIR";

/// Makes programs trust the authority of the launch.
pub(super) fn trust(call: &mut Call<'_, '_>) -> Option<()> {
    if !call.once("authority of the launch") {
        return Some(());
    }
    let bundle = bundle(call)?;
    call.grant(Grant::Network(NetworkGrant::Authorities { bundle }));
    for name in VARIABLES.iter().chain(MORE) {
        let value = Text::literal(NetworkGrant::AUTHORITIES);
        call.grant(Grant::SetEnv { name: (*name).into(), value });
    }
    Some(())
}

/// All variables that name the bundle of the public authorities get the one that the jail trusts,
/// wherever in the spec they are set.
pub(super) fn settle(state: &mut Lowering<'_>) {
    let of_launch = state.grants.iter().find_map(|granted| match &granted.entry.grant {
        Grant::Network(NetworkGrant::Authorities { bundle }) => {
            Some((bundle.clone(), granted.entry.by.clone()))
        }
        _ => None,
    });
    let Some((public, by)) = of_launch else { return };
    let may_name_folder = |granted: &Granted| match &granted.entry.grant {
        Grant::SetEnv { name, .. } | Grant::ForwardEnv { name, .. } => name == FOLDER,
        Grant::DevShell { .. } => true,
        _ => false,
    };
    if state.grants.iter().any(may_name_folder) {
        let entry = Entry { by, grant: Grant::UnsetEnv { name: FOLDER.into() } };
        state.grants.push(Granted { entry, named: None });
    }
    for granted in &mut state.grants {
        match &mut granted.entry.grant {
            Grant::Symlink { target: named, .. } | Grant::SetEnv { value: named, .. }
                if *named == public =>
            {
                *named = Text::literal(NetworkGrant::AUTHORITIES);
            }
            _ => {}
        }
    }
}
