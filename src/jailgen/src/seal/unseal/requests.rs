//! Requests that are judged, and secrets, as grants.

use jail_plan::{Content, Egress, Given, GivenTo, Network};
use jail_policy::{Grant, NetworkGrant, Secret, SecretSocket, SecretSource, SecretTo, Text};

use super::{Draft, text};

pub(super) fn add(draft: &mut Draft<'_>, network: &Network) {
    let egress = &network.egress;
    for rule in &egress.requests {
        let (host, methods) = (rule.host.clone(), rule.methods.clone());
        let paths = rule.paths.clone();
        draft.add(&rule.by, Grant::Network(NetworkGrant::Requests { host, methods, paths }));
    }
    for secret in &egress.secrets {
        // One that a server adds has no placeholder.
        if !egress.sockets.iter().any(|socket| socket.secret == secret.name) {
            let to = placeholder(network, &secret.name);
            draft.add(&secret.by, Grant::Network(NetworkGrant::Secret(with_place(secret, to))));
        }
    }
    for socket in &egress.sockets {
        draft.add(&socket.by, Grant::Network(NetworkGrant::SecretSocket(server(egress, socket))));
    }
    for Given { content, by, .. } in &network.given {
        match content {
            Content::Authorities(bundle) => {
                let bundle = Text::literal(bundle.as_str());
                draft.add(by, Grant::Network(NetworkGrant::Authorities { bundle }));
            }
            // The same, as Java has it; and what the secrets are shown with.
            Content::TrustStore(_) | Content::Placeholder(_) | Content::Server(_) => {}
        }
    }
}

/// Where the placeholder of a secret is.
fn placeholder(network: &Network, name: &str) -> SecretTo {
    let given = network.given.iter().find(|given| match &given.content {
        Content::Placeholder(of) => of == name,
        Content::Authorities(_) | Content::TrustStore(_) | Content::Server(_) => false,
    });
    match given.map(|given| &given.to) {
        Some(GivenTo::File(path)) => SecretTo::File(text(path)),
        Some(GivenTo::Variable(name)) => SecretTo::Variable(name.clone()),
        None => SecretTo::Variable(name.to_owned()),
    }
}

fn with_place(secret: &jail_plan::Secret, to: SecretTo) -> Secret {
    Secret {
        to,
        from: source(&secret.from),
        hosts: secret.hosts.clone(),
        places: secret.places.clone(),
        header: secret.header.clone(),
        optional: secret.optional,
    }
}

/// A socket whose secret is not in the plan sends nothing.
fn server(egress: &Egress, socket: &jail_plan::SecretSocket) -> SecretSocket {
    let secret = egress.secrets.iter().find(|secret| secret.name == socket.secret);
    SecretSocket {
        socket: socket.socket.clone(),
        from: secret.map_or(SecretSource::Command(Vec::new()), |secret| source(&secret.from)),
        host: socket.host.clone(),
        port: socket.port,
        path: socket.path.clone(),
        header: socket.header.clone(),
        prefix: socket.prefix.clone(),
        listen: socket.listen,
    }
}

fn source(from: &jail_plan::SecretSource) -> SecretSource {
    use jail_plan::SecretSource as From;
    match from {
        From::File(path) => SecretSource::File(text(path)),
        From::Variable(name) => SecretSource::Variable(name.clone()),
        From::Command(words) => {
            SecretSource::Command(words.iter().map(|word| Text::literal(word.as_str())).collect())
        }
        From::Keyring(attributes) => SecretSource::Keyring(attributes.clone()),
    }
}
