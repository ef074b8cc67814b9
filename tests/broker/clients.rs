//! Clients in the jail that do what ordinary ones do not.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use crate::jail::Jail;

/// After so long nothing more comes.
const QUIET: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// In order, after these bytes.
    With(String),
    /// By a reset, after these bytes.
    Reset(String),
    /// It did not end in time; these bytes came.
    Open(String),
    /// It was never there.
    NotConnected(ErrorKind),
}

/// A client of the jail's DNS server, in the jail.
pub(crate) struct Resolver(UdpSocket);

impl Resolver {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Self(socket)
    }

    fn ask(&self, question: &[u8]) -> Vec<u8> {
        self.0.send_to(question, "127.0.0.1:53").unwrap();
        let mut buffer = vec![0; 4096];
        let count = self.0.recv(&mut buffer).unwrap();
        buffer.truncate(count);
        buffer
    }

    /// The code of the answer, and the addresses or the data.
    pub(crate) fn look_up(&self, name: &str, kind: RecordType) -> (ResponseCode, Vec<String>) {
        let mut message = Message::query();
        message.metadata.id = 7;
        // This library writes some names only where they come in parts.
        let parts = || Name::from_labels(name.split('.').map(str::as_bytes));
        let name = Name::from_ascii(format!("{name}.")).or_else(|_| parts()).unwrap();
        message.add_query(Query::query(name, kind));
        let answer = Message::from_vec(&self.ask(&message.to_vec().unwrap())).unwrap();
        assert_eq!(answer.metadata.id, 7);
        let data = answer.answers.iter().map(|record| match &record.data {
            RData::SRV(service) => format!("{}:{}", service.target, service.port),
            other => other.to_string(),
        });
        (answer.metadata.response_code, data.collect())
    }
}

impl Jail {
    /// Connects from inside, sends bytes, and reads until the end or until nothing more comes.
    pub(crate) fn talk(&self, to: &str, bytes: &[u8]) -> Ended {
        self.inside(|| match TcpStream::connect(to) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(QUIET)).unwrap();
                let _ = stream.write_all(bytes);
                read(&mut stream)
            }
            Err(error) => Ended::NotConnected(error.kind()),
        })
    }

    /// What the jail's DNS server answers: the code, and the addresses or the data.
    pub(crate) fn look_up(&self, name: &str, kind: RecordType) -> (ResponseCode, Vec<String>) {
        self.inside(|| Resolver::new().look_up(name, kind))
    }

    /// The bytes that the jail's DNS server answers to others.
    pub(crate) fn ask(&self, question: &[u8]) -> Vec<u8> {
        self.inside(|| Resolver::new().ask(question))
    }

    /// The first synthetic address of a name.
    pub(crate) fn address(&self, name: &str) -> String {
        let (code, found) = self.look_up(name, RecordType::A);
        assert_eq!(code, ResponseCode::NoError, "{name}");
        found[0].clone()
    }
}

pub(crate) fn read(stream: &mut TcpStream) -> Ended {
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match ended.map_err(|error| error.kind()) {
        Ok(_) => Ended::With(text),
        Err(ErrorKind::ConnectionReset) => Ended::Reset(text),
        Err(ErrorKind::WouldBlock) => Ended::Open(text),
        Err(other) => panic!("{other:?}"),
    }
}
