//! TLS that ends in the broker, on both sides: towards the jail with a certificate of the launch's
//! authority, towards the server with the host's roots.

use std::cell::OnceCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use jail_egress::Name;
use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::authority::Authority;
use crate::http::Prefixed;
use crate::outside::Outside;

/// What a server may choose between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP/2, or else HTTP/1.1.
    Either,
    /// HTTP/1.1: a connection that becomes a WebSocket.
    Http1,
}

/// Both sides of TLS.
pub(crate) struct Ends {
    authority: Authority,
    outside: Rc<Outside>,
    /// For [`Speaks::Either`] and [`Speaks::Http1`], once there was a connection.
    clients: OnceCell<[Arc<ClientConfig>; 2]>,
}

impl Ends {
    pub(crate) fn new(authority: Authority, outside: Rc<Outside>) -> Self {
        Self { authority, outside, clients: OnceCell::new() }
    }

    /// Speaks in the host's place. The caller bounds the time.
    pub(crate) async fn accept(
        &self,
        host: &Name,
        stream: Prefixed,
    ) -> io::Result<server::TlsStream<Prefixed>> {
        TlsAcceptor::from(self.authority.config(host)?).accept(stream).await
    }

    /// Speaks with the host, whose certificate is for this name and from an authority that this
    /// machine trusts.
    pub(crate) async fn connect(
        &self,
        host: &Name,
        stream: TcpStream,
        speaks: Speaks,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let [either, http1] = match self.clients.get() {
            Some(clients) => clients,
            None => {
                let made = self.clients()?;
                self.clients.get_or_init(|| made)
            }
        };
        let config = match speaks {
            Speaks::Either => either,
            Speaks::Http1 => http1,
        };
        let name = ServerName::try_from(host.as_str().to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(config.clone()).connect(name, stream).await
    }

    fn clients(&self) -> io::Result<[Arc<ClientConfig>; 2]> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(self.outside.trusted()?)
            .with_no_client_auth();
        Ok([[&b"h2"[..], b"http/1.1"].as_slice(), &[b"http/1.1"]].map(|protocols| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
            Arc::new(config)
        }))
    }
}

/// What is wrong with a certificate, where that is why there is no TLS.
pub(crate) fn bad_certificate(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    match inner {
        rustls::Error::InvalidCertificate(why) => Some(why.to_string()),
        rustls::Error::NoCertificatesPresented => Some("it has sent none".into()),
        _ => None,
    }
}

/// Whether a client has ended the handshake because it does not know the authority.
pub(crate) fn is_distrust(error: &io::Error) -> bool {
    use rustls::AlertDescription::{
        BadCertificate, CertificateUnknown, UnknownCA, UnsupportedCertificate,
    };
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(
        inner,
        Some(rustls::Error::AlertReceived(
            BadCertificate | CertificateUnknown | UnknownCA | UnsupportedCertificate
        ))
    )
}
