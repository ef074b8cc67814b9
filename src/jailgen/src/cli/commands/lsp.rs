//! `lsp`: opens the streams for the language server.

use std::io::ErrorKind;

use lsp_server::Connection;

use crate::cli::failure::Failure;
use crate::lsp::{End, serve};

pub(in crate::cli) fn run() -> Result<(), Failure> {
    let (connection, threads) = Connection::stdio();
    let end = serve(&connection);
    // The thread that writes ends when the last sender is gone.
    drop(connection);
    if end == End::Abrupt {
        return Err(Failure::Findings);
    }
    match threads.join() {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::Done),
        Err(error) => Err(Failure::with_help(
            format!("the connection to the editor failed: {error}"),
            "an editor starts `jailgen lsp` and speaks the language server protocol with it; docs/editors.md has the set-up",
        )),
    }
}
