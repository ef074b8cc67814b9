//! `lsp`: opens the streams for the language server.

use std::io::ErrorKind;

use lsp_server::Connection;

use crate::cli::failure::Failure;
use crate::lsp::{End, serve};

pub(in crate::cli) fn run() -> Result<(), Failure> {
    let (connection, threads) = Connection::stdio();
    let end = serve(&connection);
    // The thread that writes ends when nobody can give it anything any more.
    drop(connection);
    if end == End::Abrupt {
        return Err(Failure::Findings);
    }
    match threads.join() {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::Done),
        Err(error) => Err(Failure::with_help(
            format!("the conversation with the editor broke off: {error}"),
            "`jailgen lsp` is started by an editor and speaks the language server protocol; docs/editors.md has the set-up",
        )),
    }
}
