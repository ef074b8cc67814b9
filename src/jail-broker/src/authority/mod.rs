//! The authority of one launch. It signs a certificate for each host whose TLS ends in the broker,
//! and the jail trusts it.
//!
//! Its key is made here, is never written or sent, and is gone with this process, which leaves no
//! core and cannot be traced.

mod trust_store;

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use jail_egress::Name;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerSessionMemoryCache;
use time::{Duration, OffsetDateTime};

use crate::sys;

/// A clock in the jail's machine or in a program may be behind.
const BEFORE: Duration = Duration::days(1);

/// How long the authority is valid. A jail that runs longer has to be started again.
const AUTHORITY_LIFE: Duration = Duration::days(90);

/// How long a certificate is valid, and after how long another one is made.
const LIFE: Duration = Duration::days(7);
const RENEWED_AFTER: Duration = Duration::days(2);

/// As many hosts have a certificate at once; a wildcard stands for any number.
const HOSTS_MAX: usize = 256;

/// As many sessions of TLS of a host can be resumed.
const SESSIONS_MAX: usize = 32;

/// What the broker speaks with a client.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The authority, and the certificates that it has signed.
pub(crate) struct Authority {
    issuer: Box<CertifiedIssuer<'static, KeyPair>>,
    /// One key for all hosts: it is as well kept as the authority's.
    key: OnceCell<Box<KeyPair>>,
    provider: Arc<CryptoProvider>,
    /// The newest at the end.
    hosts: RefCell<VecDeque<Host>>,
}

struct Host {
    name: Name,
    made: OffsetDateTime,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// Makes a new one.
    pub(crate) fn new() -> io::Result<Self> {
        let key = key()?;
        let mut params = CertificateParams::default();
        let mut number = [0; 4];
        getrandom::fill(&mut number).map_err(io::Error::other)?;
        // Two launches' are two authorities, also for a program that keeps what it has seen by
        // name.
        let name = format!("jailgen, one launch ({:08x})", u32::from_be_bytes(number));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = valid_for(AUTHORITY_LIFE);
        let issuer = Box::new(CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?);
        lock(issuer.key());
        let provider = Arc::new(default_provider());
        Ok(Self { issuer, key: OnceCell::new(), provider, hosts: RefCell::default() })
    }

    /// The certificates in `roots`, which is PEM, and the authority's own.
    pub(crate) fn bundle(&self, roots: &[u8]) -> Vec<u8> {
        let mut bundle = roots.to_vec();
        if !roots.is_empty() && !roots.ends_with(b"\n") {
            bundle.push(b'\n');
        }
        bundle.extend_from_slice(self.issuer.pem().as_bytes());
        bundle
    }

    /// The same for Java.
    pub(crate) fn trust_store(&self, roots: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(roots) {
            all.push(certificate.map_err(io::Error::other)?);
        }
        all.push(self.issuer.der().clone());
        Ok(trust_store::encode(&all))
    }

    /// How TLS is spoken in the place of a host.
    pub(crate) fn config(&self, name: &Name) -> io::Result<Arc<ServerConfig>> {
        let now = now();
        let mut hosts = self.hosts.borrow_mut();
        hosts.retain(|host| now - host.made < RENEWED_AFTER);
        if let Some(host) = hosts.iter().find(|host| host.name == *name) {
            return Ok(host.config.clone());
        }
        let config = Arc::new(self.make(name)?);
        if hosts.len() == HOSTS_MAX {
            hosts.pop_front();
        }
        hosts.push_back(Host { name: name.clone(), made: now, config: config.clone() });
        Ok(config)
    }

    fn make(&self, name: &Name) -> io::Result<ServerConfig> {
        let key = match self.key.get() {
            Some(key) => key,
            None => {
                let made = Box::new(key()?);
                self.key.get_or_init(|| made)
            }
        };
        lock(key);
        let names = vec![name.as_str().to_owned()];
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        // A host's name may be longer than a common name, so the one place for it is the list of
        // names.
        params.distinguished_name.push(DnType::CommonName, "jailgen");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = valid_for(LIFE);
        let certificate = params.signed_by(&**key, &self.issuer).map_err(io::Error::other)?;
        let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .map_err(io::Error::other)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
        Ok(config)
    }
}

fn key() -> io::Result<KeyPair> {
    KeyPair::generate().map_err(io::Error::other)
}

/// Keeps a key out of swap, where the limit of locked memory allows that.
fn lock(key: &KeyPair) {
    sys::lock_memory(key);
    sys::lock_memory(key.serialized_der());
}

fn now() -> OffsetDateTime {
    SystemTime::now().into()
}

fn valid_for(life: Duration) -> (OffsetDateTime, OffsetDateTime) {
    (now() - BEFORE, now() + life)
}

#[cfg(test)]
mod tests;
