//! Secrets in words: which, where the value goes and where it comes from. The value
//! itself is never part of it.

use jail_plan::SecretPlace;

use crate::grant::{Secret, SecretSocket, SecretSource, SecretTo};

/// `$KEY to api.example.com in the header x-api-key, from $KEY of the launcher`.
pub(super) fn put_in(secret: &Secret) -> String {
    let name = match &secret.to {
        SecretTo::Variable(name) => format!("${name}"),
        SecretTo::File(path) => path.to_string(),
    };
    let hosts = secret.hosts.join(", ");
    let places: Vec<String> =
        secret.places.iter().map(|place| in_place(*place, secret.header.as_deref())).collect();
    let optional = if secret.optional { ", if it is there" } else { "" };
    let from = match (&secret.from, &secret.to) {
        (SecretSource::Variable(from), SecretTo::Variable(to)) if from == to => {
            "the launcher's".to_owned()
        }
        (from, _) => source(from),
    };
    format!("{name} to {hosts}, in {}, from {from}{optional}", places.join(" or "))
}

/// `/run/a.sock to api.example.com in the header x-api-key, from $KEY of the launcher`.
pub(super) fn added(socket: &SecretSocket) -> String {
    let SecretSocket { socket: at, from, host, port, path, header, prefix: _, listen } = socket;
    let port = if *port == 443 { String::new() } else { format!(":{port}") };
    format!(
        "{at} and port {listen} to https://{host}{port}{path}, in the header {header}, from {}",
        source(from)
    )
}

fn in_place(place: SecretPlace, header: Option<&str>) -> String {
    match (place, header) {
        (SecretPlace::Header, Some(header)) => format!("the header {header}"),
        (SecretPlace::Header, None) => "the headers for credentials".into(),
        (SecretPlace::Basic, _) => "the password of Basic".into(),
        (SecretPlace::Query, _) => "the query".into(),
        (SecretPlace::Body, _) => "the body".into(),
    }
}

fn source(from: &SecretSource) -> String {
    match from {
        SecretSource::File(path) => path.to_string(),
        SecretSource::Variable(name) => format!("${name} of the launcher"),
        SecretSource::Command(words) => {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            format!("`{}`", words.join(" "))
        }
        SecretSource::Keyring(attributes) => {
            let pairs: Vec<String> = attributes.chunks(2).map(|pair| pair.join("=")).collect();
            format!("the keyring ({})", pairs.join(", "))
        }
    }
}
