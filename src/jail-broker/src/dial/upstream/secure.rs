//! TLS to an upstream proxy (`https://`): its certificate must be for the proxy's name, and signed
//! by what the host trusts.

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;

use jail_egress::Host;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::outside::Outside;

/// What a proxy is recognised by.
pub(super) struct Secure {
    name: ServerName<'static>,
    /// Once there was a connection.
    connector: OnceCell<TlsConnector>,
}

impl Secure {
    pub(super) fn new(host: &Host) -> io::Result<Self> {
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.to_string()).map_err(io::Error::other)?,
            Host::Address(address) => ServerName::IpAddress((*address).into()),
        };
        Ok(Self { name, connector: OnceCell::new() })
    }

    pub(super) async fn begin(
        &self,
        outside: &Outside,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let connector = match self.connector.get() {
            Some(connector) => connector.clone(),
            None => {
                let made = connector(outside)?;
                self.connector.get_or_init(|| made).clone()
            }
        };
        let begun = connector.connect(self.name.clone(), stream).await;
        begun.map_err(|error| io::Error::other(format!("TLS with the upstream proxy: {error}")))
    }
}

fn connector(outside: &Outside) -> io::Result<TlsConnector> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(outside.trusted()?)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
