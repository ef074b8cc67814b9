//! The server name that a client asks for in TLS. The bytes that say so are kept, and go to the
//! server as they came, or to the end of TLS in the broker (`ends`).

mod ends;

use std::io::{self, ErrorKind};

use rustls::server::Acceptor;
use tokio::net::TcpStream;

pub(crate) use ends::{Ends, Speaks, bad_certificate, is_distrust};

/// A ClientHello is not longer, with all that is sent behind it before the server answers.
const HELLO_MAX: usize = 64 * 1024;

/// How much is read at once.
const CHUNK: usize = 4096;

/// What the client said first.
#[derive(Debug, PartialEq, Eq)]
pub struct Hello {
    /// The name, where it asks for one.
    pub server_name: Option<String>,
    /// All that was read.
    pub bytes: Vec<u8>,
}

/// Why there is no hello.
#[derive(Debug)]
pub enum NoHello {
    /// It is not TLS.
    NotTls,
    /// The client has ended the connection, or broken it.
    Gone,
}

/// Reads bytes until the hello is complete.
#[derive(Default)]
pub struct HelloReader {
    acceptor: Acceptor,
    bytes: Vec<u8>,
}

impl HelloReader {
    /// Takes what the client sent next. `None`: more must come.
    ///
    /// # Errors
    /// When it is not TLS, or too long.
    pub fn read(&mut self, mut bytes: &[u8]) -> Result<Option<Hello>, NoHello> {
        self.bytes.extend_from_slice(bytes);
        while !bytes.is_empty() {
            self.acceptor.read_tls(&mut bytes).map_err(|_| NoHello::NotTls)?;
            if let Some(accepted) = self.acceptor.accept().map_err(|_| NoHello::NotTls)? {
                let server_name = accepted.client_hello().server_name().map(String::from);
                return Ok(Some(Hello { server_name, bytes: std::mem::take(&mut self.bytes) }));
            }
        }
        if self.bytes.len() > HELLO_MAX { Err(NoHello::NotTls) } else { Ok(None) }
    }
}

/// Waits for the hello, of which `first` was read before. The caller bounds the time.
pub(crate) async fn hello(stream: &TcpStream, first: Vec<u8>) -> Result<Hello, NoHello> {
    let mut reader = HelloReader::default();
    if let Some(hello) = reader.read(&first)? {
        return Ok(hello);
    }
    loop {
        stream.readable().await.map_err(|_| NoHello::Gone)?;
        match read(stream) {
            Ok(bytes) if bytes.is_empty() => return Err(NoHello::Gone),
            Ok(bytes) => {
                if let Some(hello) = reader.read(&bytes)? {
                    return Ok(hello);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return Err(NoHello::Gone),
        }
    }
}

fn read(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; CHUNK];
    let count = stream.try_read(&mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
