//! Requests that the broker judges one by one, secrets that it inserts into them, and what it
//! gives the jail for that.

use alloc::string::String;
use alloc::vec::Vec;

use crate::expand::HostText;
use crate::ops::Origin;
use crate::record::{choice, record, words};

record! {
    /// The requests that a host may get. A request must match all of one rule.
    pub struct RequestRule {
        /// The host, as in `EgressRule`: a name, or `*.` and a name.
        pub host: String,
        /// Methods, in upper case; empty: all.
        pub methods: Vec<String>,
        /// Paths from `/`, in normal form; `*` means one segment, `**` at the
        /// end any number. Empty: all.
        pub paths: Vec<String>,
        /// Who wanted it.
        pub by: Origin,
    }
}

record! {
    /// A value that the broker knows and the jail does not. The jail has a placeholder.
    pub struct Secret {
        /// Its name for people: the variable or the file that contains its placeholder.
        pub name: String,
        /// Where the value is at launch.
        pub from: SecretSource,
        /// The hosts that get the value, as in `EgressRule`: names, or `*.` and a name. None where
        /// a `SecretSocket` adds it.
        pub hosts: Vec<String>,
        /// Where in a request the placeholder is replaced. Empty if a `SecretSocket` adds the
        /// value: there is no placeholder then.
        pub places: Vec<SecretPlace>,
        /// The only header in which it is replaced, in lower case; absent: those that
        /// services take a credential from.
        pub header: Option<String>,
        /// Whether the launch goes on if its variable, file or entry of the keyring is
        /// missing. There is no such secret then: no placeholder is given, and requests to its
        /// hosts are passed on unchanged.
        pub optional: bool,
        /// Who wanted it.
        pub by: Origin,
    }
}

choice! {
    /// Where the value of a secret is at launch.
    pub enum SecretSource {
        /// The contents of this file on the host, without the final newline.
        "file" File(HostText),
        /// This variable of the launcher.
        "variable" Variable(String),
        /// What this command prints on the host, without the final newline.
        "command" Command(Vec<String>),
        /// An entry of the desktop's keyring, by attribute and value
        /// in turns (`secret-tool lookup`).
        "keyring" Keyring(Vec<String>),
    }
}

words! {
    /// A part of a request.
    pub enum SecretPlace {
        /// A header as it is.
        "header" Header,
        /// The user or the password of `Authorization: Basic`.
        "basic" Basic,
        /// The query of the path.
        "query" Query,
        /// The body of the request.
        "body" Body,
    }
}

record! {
    /// A server inside that adds a header, and uses TLS outside. Its listeners
    /// have the purpose `secret-socket`.
    pub struct SecretSocket {
        /// The secret that the header's value is made of, by its name.
        pub secret: String,
        /// The host, and its port.
        pub host: String,
        /// The port of the host.
        pub port: u16,
        /// The header's name, in lower case.
        pub header: String,
        /// The text before the value in the header: `Bearer `.
        pub prefix: String,
        /// The prefix of every request's path: empty, or `/v1`.
        pub path: String,
        /// The path of its Unix socket inside: one of `given` is for this path.
        pub socket: String,
        /// The port on the jail's loopback.
        pub listen: u16,
        /// Who wanted it.
        pub by: Origin,
    }
}

record! {
    /// Something that the broker makes at launch and the payload finds. The launch makes the
    /// empty file and passes its descriptor; the payload starts when the broker has filled all of
    /// them and sent the variables.
    pub struct Given {
        /// What it is.
        pub content: Content,
        /// Where the payload finds it.
        pub to: GivenTo,
        /// Who wanted it.
        pub by: Origin,
    }
}

choice! {
    /// What the broker gives.
    pub enum Content {
        /// PEM: the certificates in this file on the host, and the one of this launch's authority.
        "authorities" Authorities(String),
        /// The same as a trust store of Java (PKCS #12, password `changeit`).
        "trust-store" TrustStore(String),
        /// The placeholder of the secret of this name.
        "placeholder" Placeholder(String),
        /// The server of the `SecretSocket` of this path. What is passed is not a file but
        /// a listening Unix socket.
        "server" Server(String),
    }
}

choice! {
    /// Where the payload finds it.
    pub enum GivenTo {
        /// A file at this path inside.
        "file" File(HostText),
        /// A variable of this name.
        "variable" Variable(String),
    }
}
