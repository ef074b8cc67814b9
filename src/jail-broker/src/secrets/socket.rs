//! A request to a server inside that adds a secret: the client's own credentials go, and the spec's
//! comes.

use hyper::header::{HOST, HeaderName};
use hyper::http::request::Parts;
use hyper::http::uri::{PathAndQuery, Uri};
use jail_egress::{Host, NormalPath};
use jail_plan::SecretSocket;
use zeroize::Zeroizing;

use super::request::header_value;
use super::{Objection, Secrets, credentials};
use crate::field_names::may_be;

impl Secrets {
    /// Whether the value that a server adds is there: one that is optional may be missing.
    #[must_use]
    pub fn has(&self, socket: &SecretSocket) -> bool {
        self.all.iter().any(|secret| secret.name == socket.secret)
    }

    /// Makes a request to the server one to its host, without what the client thinks a key is.
    ///
    /// # Errors
    /// Where its path could lead out of the one that the spec says, or a key stands in its query.
    pub fn to_host(socket: &SecretSocket, parts: &mut Parts) -> Result<(), Objection> {
        // Clients of such servers have to send something. It must not be another account's key.
        let mut all: Vec<HeaderName> = parts.headers.keys().cloned().collect();
        all.retain(|field| may_be(field, &socket.header) || credentials::is_one(field, None));
        for field in all {
            parts.headers.remove(field);
        }
        if let Some(name) = credentials::in_query(parts.uri.query().unwrap_or_default(), &[]) {
            let names = vec![socket.secret.clone()];
            return Err(Objection::Credential { header: name.into_owned(), names });
        }
        // Whatever it called the server.
        parts.headers.remove(HOST);
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = parts.uri.path();
        if !socket.path.is_empty() {
            NormalPath::parse(path)
                .map_err(|fault| Objection::Path { fault: fault.to_string() })?;
        }
        let target = PathAndQuery::try_from(format!("{}{path}{query}", socket.path))
            .map_err(|error| Objection::Broken { error: error.to_string() })?;
        parts.uri = Uri::from(target);
        Ok(())
    }

    /// Puts the value into a request that goes out.
    ///
    /// # Errors
    /// Where there is no such secret.
    pub fn add(
        &self,
        socket: &SecretSocket,
        host: &Host,
        parts: &mut Parts,
    ) -> Result<(), Objection> {
        let missing = || Objection::Broken { error: format!("`{}` is missing", socket.secret) };
        let index = self.all.iter().position(|secret| secret.name == socket.secret);
        let index = index.ok_or_else(missing)?;
        let secret = self.get(index).ok_or_else(missing)?;
        let value = [socket.prefix.as_bytes(), secret.value.bytes()].concat();
        let field = HeaderName::try_from(socket.header.as_str())
            .map_err(|error| Objection::Broken { error: error.to_string() })?;
        parts.headers.insert(field, header_value(Zeroizing::new(value))?);
        self.count(index, host);
        Ok(())
    }
}
