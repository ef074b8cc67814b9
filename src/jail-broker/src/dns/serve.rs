//! The sockets of the jail's DNS server.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::session::Session;

use super::{Answer, answer, read};

/// A longer datagram is not a question.
const QUESTION_MAX: usize = 4096;

/// Questions that wait for an answer from outside.
const WAITING_MAX: usize = 256;

/// How long a connection may be silent, and how many questions it may have.
const SILENT_MAX: Duration = Duration::from_secs(10);
const QUESTIONS_MAX: usize = 1000;

/// Answers datagrams for ever.
pub(crate) async fn datagrams(session: Rc<Session>, socket: UdpSocket) {
    let socket = Rc::new(socket);
    let waiting = Rc::new(Cell::new(0));
    let mut buffer = vec![0; QUESTION_MAX];
    loop {
        let Ok((count, from)) = socket.recv_from(&mut buffer).await else { continue };
        match read(buffer.get(..count).unwrap_or_default()) {
            Answer::None => {}
            // A datagram that is lost is asked for again.
            Answer::Ready(bytes) => drop(socket.try_send_to(&bytes, from)),
            Answer::Question(question) if waiting.get() < WAITING_MAX => {
                let (session, socket, waiting) = (session.clone(), socket.clone(), waiting.clone());
                waiting.set(waiting.get() + 1);
                tokio::task::spawn_local(async move {
                    let message = answer(&session, &question).await;
                    if let Some(bytes) = question.datagram(&message) {
                        drop(socket.send_to(&bytes, from).await);
                    }
                    waiting.set(waiting.get() - 1);
                });
            }
            Answer::Question(_) => {}
        }
    }
}

/// Answers what comes over one connection.
pub(crate) async fn connection(session: Rc<Session>, mut stream: TcpStream) {
    let _entered = session.live.enter();
    for _ in 0..QUESTIONS_MAX {
        let asked = tokio::time::timeout(SILENT_MAX, one(&session, &mut stream)).await;
        if !matches!(asked, Ok(Ok(()))) {
            return;
        }
    }
}

/// A message of TCP has its length before it.
async fn one(session: &Rc<Session>, stream: &mut TcpStream) -> io::Result<()> {
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    let bytes = match read(&bytes) {
        Answer::None => return Err(io::ErrorKind::InvalidData.into()),
        Answer::Ready(bytes) => bytes,
        Answer::Question(question) => {
            answer(session, &question).await.to_vec().map_err(io::Error::other)?
        }
    };
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], &bytes].concat()).await
}
