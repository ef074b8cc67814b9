//! The connections to servers that requests are carried over.

use std::cell::RefCell;

use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::connection::{Ending, Target};
use crate::dial::{self, Dialled};
use crate::live::Entered;
use crate::log::Allowed;
use crate::session::Session;

/// The one connection that is open: to where the last request went.
pub(super) struct Servers<'a> {
    session: &'a Session,
    entered: &'a Entered<'a>,
    open: RefCell<Option<(Target, SendRequest<Incoming>)>>,
}

impl<'a> Servers<'a> {
    pub(super) fn new(session: &'a Session, entered: &'a Entered<'a>) -> Self {
        Self { session, entered, open: RefCell::new(None) }
    }

    /// Takes over a connection that was made before.
    pub(super) async fn is_connected(&self, to: &Target, allowed: &Allowed, outside: Dialled) {
        self.session.log.allowed(&to.host, to.port, outside.address, allowed);
        // Where that fails, the first request makes another one.
        if let Ok(sender) = speak(outside).await {
            *self.open.borrow_mut() = Some((to.clone(), sender));
        }
    }

    /// Carries a request, and brings the head of the answer.
    pub(super) async fn send(
        &self,
        to: &Target,
        allowed: &Allowed,
        mut request: Request<Incoming>,
    ) -> Result<Response<Incoming>, Ending> {
        if let Some(mut sender) = self.reuse(to).await {
            match sender.try_send_request(request).await {
                Ok(answer) => return Ok(self.keep(to, sender, answer)),
                // The server ended the connection before it had the request.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(error.into_error())),
                },
            }
        }
        let outside = dial::dial(self.session, self.entered, &to.host, to.port).await?;
        self.session.log.allowed(&to.host, to.port, outside.address, allowed);
        let mut sender = speak(outside).await.map_err(broken)?;
        let answer = sender.send_request(request).await.map_err(broken)?;
        Ok(self.keep(to, sender, answer))
    }

    /// The connection that is open, where it goes there and still lives.
    async fn reuse(&self, to: &Target) -> Option<SendRequest<Incoming>> {
        let (target, mut sender) = self.open.borrow_mut().take()?;
        let is_same = target.host == to.host && target.port == to.port;
        (is_same && sender.ready().await.is_ok()).then_some(sender)
    }

    fn keep(
        &self,
        to: &Target,
        sender: SendRequest<Incoming>,
        answer: Response<Incoming>,
    ) -> Response<Incoming> {
        *self.open.borrow_mut() = Some((to.clone(), sender));
        answer
    }
}

/// Speaks HTTP/1 on a connection. It ends when the sender is dropped and the last answer has been read.
async fn speak(outside: Dialled) -> hyper::Result<SendRequest<Incoming>> {
    let io = TokioIo::new(outside.stream);
    let (sender, connection) = Builder::new().preserve_header_case(true).handshake(io).await?;
    tokio::task::spawn_local(async move {
        // Whoever waits for an answer is told.
        drop(connection.with_upgrades().await);
    });
    Ok(sender)
}

fn broken(error: hyper::Error) -> Ending {
    Ending::Broken(std::io::Error::other(error))
}
