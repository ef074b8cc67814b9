//! Requests that the broker judges, the secrets that it puts into them, and what it gives the jail
//! for that.

use jail_plan::{
    Closure, Content, Given, GivenTo, HostText, RequestRule, Secret, SecretSocket, SecretSource,
};
use jail_policy::{Entry, Grant, NetworkGrant, SecretTo, Text};

use super::super::text::Reader;
use super::super::{Request, SealError, java, store_scope};
use super::Draft;

/// What of it a policy grants.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) requests: Vec<RequestRule>,
    pub(super) secrets: Vec<Secret>,
    pub(super) sockets: Vec<SecretSocket>,
    pub(super) given: Vec<Given>,
}

impl Judged {
    pub(super) fn requests(
        &mut self,
        host: &str,
        methods: &[String],
        paths: &[String],
        by: String,
    ) {
        let (methods, paths) = (methods.to_vec(), paths.to_vec());
        self.requests.push(RequestRule { host: host.into(), methods, paths, by });
    }

    pub(super) fn secret(
        &mut self,
        read: Reader<'_>,
        secret: &jail_policy::Secret,
        by: String,
    ) -> Result<(), SealError> {
        let name = secret.name();
        let to = match &secret.to {
            SecretTo::Variable(name) => GivenTo::Variable(name.clone()),
            SecretTo::File(path) => GivenTo::File(read.path(path)?),
        };
        self.add(Secret {
            name: name.clone(),
            from: source(read, &secret.from)?,
            hosts: secret.hosts.clone(),
            places: secret.places.clone(),
            header: secret.header.clone(),
            optional: secret.optional,
            by: by.clone(),
        });
        self.given.push(Given { content: Content::Placeholder(name), to, by });
        Ok(())
    }

    pub(super) fn socket(
        &mut self,
        read: Reader<'_>,
        socket: &jail_policy::SecretSocket,
        by: String,
    ) -> Result<(), SealError> {
        let jail_policy::SecretSocket { socket, from, host, port, path, header, prefix, listen } =
            socket.clone();
        self.add(Secret {
            name: socket.clone(),
            from: source(read, &from)?,
            hosts: Vec::new(),
            places: Vec::new(),
            header: Some(header.clone()),
            optional: false,
            by: by.clone(),
        });
        let to = GivenTo::File(read.path(&Text::literal(socket.as_str()))?);
        self.given.push(Given { content: Content::Server(socket.clone()), to, by: by.clone() });
        let secret = socket.clone();
        self.sockets.push(SecretSocket {
            secret,
            host,
            port,
            header,
            prefix,
            path,
            socket,
            listen,
            by,
        });
        Ok(())
    }

    pub(super) fn authorities(
        &mut self,
        read: Reader<'_>,
        bundle: &Text,
        by: String,
    ) -> Result<(), SealError> {
        let content = Content::Authorities(read.literal(bundle)?);
        self.given.push(Given { content, to: file(NetworkGrant::AUTHORITIES), by });
        Ok(())
    }

    /// The authorities once more, as Java has them; nothing where the jail trusts the public ones
    /// alone. Whether there are any.
    pub(super) fn trust_store(&mut self) -> bool {
        let store = self.given.iter().find_map(|given| match &given.content {
            Content::Authorities(bundle) => Some(Given {
                content: Content::TrustStore(bundle.clone()),
                to: file(java::TRUST_STORE),
                by: given.by.clone(),
            }),
            Content::TrustStore(_) | Content::Placeholder(_) | Content::Server(_) => None,
        });
        let is_there = store.is_some();
        self.given.extend(store);
        is_there
    }

    fn add(&mut self, secret: Secret) {
        self.secrets.push(secret);
    }
}

fn file(path: &str) -> GivenTo {
    GivenTo::File(HostText::Literal(path.into()))
}

fn source(read: Reader<'_>, from: &jail_policy::SecretSource) -> Result<SecretSource, SealError> {
    use jail_policy::SecretSource as From;
    Ok(match from {
        From::File(path) => SecretSource::File(read.path(path)?),
        From::Variable(name) => SecretSource::Variable(name.clone()),
        From::Command(words) => {
            let words = words.iter().map(|word| read.literal(word));
            SecretSource::Command(words.collect::<Result<_, _>>()?)
        }
        From::Keyring(attributes) => SecretSource::Keyring(attributes.clone()),
    })
}

impl Draft<'_> {
    /// A variable of the spec's own is not changed: what it means for trust is not known here.
    pub(super) fn trust_for_java(&mut self, request: &Request<'_>, closure: &Closure) {
        let may_run = java::may_run(&closure.names, store_scope(request.policy));
        if !may_run || !self.network.trust_store() || self.environment.has(java::VARIABLE) {
            return;
        }
        let is_it = |entry: &&Entry| {
            matches!(&entry.grant, Grant::Network(NetworkGrant::Authorities { .. }))
        };
        if let Some(entry) = self.policy.grants.iter().find(is_it) {
            let options = HostText::Literal(java::OPTIONS.into());
            self.environment.set(entry, java::VARIABLE, options);
        }
    }
}
