//! What a connection of HTTP becomes when it is one no longer.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::connection::{self, Target, reset};
use crate::dial::Dialled;
use crate::live::Entered;
use crate::log::Allowed;
use crate::relay;
use crate::session::Session;

/// What comes after the answer.
pub(super) enum Tunnel {
    /// CONNECT was answered: what is spoken now is judged as on a connection of its own.
    Connect { to: Target, allowed: Allowed, outside: Dialled },
    /// The server's side of a WebSocket.
    WebSocket(OnUpgrade),
}

impl Tunnel {
    /// Carries it to its end. `first` came with the request already.
    pub(super) async fn run(
        self,
        session: &Session,
        stream: TcpStream,
        first: Vec<u8>,
        entered: &Entered<'_>,
    ) {
        match self {
            Self::Connect { to, allowed, outside } => {
                let run = connection::run(
                    session,
                    stream,
                    (&to, &allowed),
                    first,
                    Some(outside),
                    entered,
                );
                // It can come to HTTP again, which this is a part of.
                Box::pin(run).await;
            }
            Self::WebSocket(server) => {
                tokio::select! {
                    done = web_socket(&stream, first, server) => if done.is_none() { reset(&stream) },
                    () = entered.ended() => reset(&stream),
                }
            }
        }
    }

    /// The same on a connection that becomes a WebSocket and nothing else.
    pub(super) async fn run_web_socket(
        self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        first: &[u8],
        entered: &Entered<'_>,
    ) {
        let Self::WebSocket(server) = self else { return };
        let carried = async {
            let mut outside = TokioIo::new(server.await.ok()?);
            outside.write_all(first).await.ok()?;
            copy_bidirectional(&mut stream, &mut outside).await.ok()
        };
        tokio::select! {
            _ = carried => {}
            () = entered.ended() => {}
        }
    }
}

async fn web_socket(stream: &TcpStream, first: Vec<u8>, server: OnUpgrade) -> Option<()> {
    let parts = server.await.ok()?.downcast::<TokioIo<TcpStream>>().ok()?;
    let mut outside = parts.io.into_inner();
    write(stream, &parts.read_buf).await?;
    outside.write_all(&first).await.ok()?;
    relay::carry(stream, &outside).await.1.ok()
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> Option<()> {
    while !bytes.is_empty() {
        stream.writable().await.ok()?;
        match stream.try_write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
    Some(())
}
