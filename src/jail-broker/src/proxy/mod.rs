//! One port for clients that want a proxy: SOCKS5 or HTTP, distinguished by the first byte.

mod socks;

use std::rc::Rc;

use tokio::net::TcpStream;

use crate::connection::{FIRST_WORDS_MAX, reset};
use crate::http;
use crate::session::Session;

pub use socks::{Greeting, Read, Reply, greeting, request};

/// Serves a client.
pub(crate) async fn serve(session: Rc<Session>, stream: TcpStream) {
    let entered = session.live.enter();
    let mut first = [0];
    match tokio::time::timeout(FIRST_WORDS_MAX, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first == [socks::VERSION] => socks::serve(&session, stream, &entered).await,
        Ok(Ok(1)) => http::proxy(&session, stream, &entered).await,
        Ok(Ok(_)) => {}
        Ok(Err(_)) | Err(_) => reset(&stream),
    }
}
