//! TLS to an upstream proxy (`https://`): its certificate must be for the proxy's name, and signed by what the host trusts.

use std::io;
use std::sync::Arc;

use jail_egress::Host;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What a proxy is recognised by.
pub(super) struct Secure {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Secure {
    /// Reads what the host trusts. Later no file can be opened.
    pub(super) fn new(host: &Host) -> io::Result<Self> {
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.to_string()).map_err(io::Error::other)?,
            Host::Address(address) => ServerName::IpAddress((*address).into()),
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots()?)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    pub(super) async fn begin(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let begun = self.connector.connect(self.name.clone(), stream).await;
        begun.map_err(|error| io::Error::other(format!("TLS with the upstream proxy: {error}")))
    }
}

fn roots() -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // A file may hold some that nobody reads any more.
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(io::Error::other(format!("this machine has no certificates to trust{why}")));
    }
    Ok(roots)
}
