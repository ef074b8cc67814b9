//! The language server for specs: what an editor asks and gets, over the streams that the command
//! line opened.
//!
//! A text that is broken, a request that makes no sense and a fault in an answer are all reported
//! to the editor; none of them ends the server.

mod checker;
mod completion;
mod definition;
mod diagnostics;
mod documents;
mod fixes;
mod formatting;
mod hover;
mod language;
mod position;
mod signature;
mod slots;
mod symbols;
mod uri;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use gen_lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CompletionOptions, CompletionParams,
    DefinitionParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DocumentFormattingParams, DocumentSymbolParams, HoverParams,
    InitializeResult, PositionEncodingKind, ServerCapabilities, ServerInfo, SignatureHelpOptions,
    SignatureHelpParams, TextDocumentContentChangeEvent, TextDocumentPositionParams,
    TextDocumentSyncKind, TextDocumentSyncOptions, Uri,
};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use checker::Checker;
use documents::{Document, Documents};

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As the protocol requires, or because the editor is gone.
    Orderly,
    /// The editor said `exit` without `shutdown`.
    Abrupt,
}

/// Serves one editor until it says `exit` or goes away.
pub fn serve(connection: &Connection) -> End {
    let editor = connection.sender.clone();
    let mut server = Server {
        connection,
        documents: Documents::default(),
        checker: Checker::start(move |message| editor.send(message).is_ok()),
        state: State::New,
        insert: Insert::Names,
    };
    for message in &connection.receiver {
        let goes_on = match message {
            Message::Request(request) => server.request(request),
            Message::Notification(notification) if notification.method == "exit" => {
                return if server.state == State::Down { End::Orderly } else { End::Abrupt };
            }
            Message::Notification(notification) => {
                server.notification(notification);
                true
            }
            // Nothing is ever asked of the editor.
            Message::Response(_) => true,
        };
        if !goes_on {
            break;
        }
    }
    End::Orderly
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Ready,
    Down,
}

struct Server<'c> {
    connection: &'c Connection,
    documents: Documents,
    checker: Checker,
    state: State,
    insert: Insert,
}

/// What a completion puts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Insert {
    Names,
    /// Calls with places for their arguments, as the editor can go through them.
    Snippets,
}

/// What a request failed with: the protocol's number and a sentence.
type Refusal = (ErrorCode, String);

impl Server<'_> {
    /// Answers a request; false when the editor is gone.
    fn request(&mut self, request: Request) -> bool {
        let Request { id, method, params } = request;
        // A fault in one answer is no reason to lose the others; the documents are only read
        // meanwhile.
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(&method, params)));
        let answer = answer.unwrap_or_else(|_| {
            Err((ErrorCode::InternalError, format!("a bug in jailgen, while answering `{method}`")))
        });
        let response = match answer {
            Ok(result) => Response::new_ok(id, result),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        };
        self.connection.sender.send(response.into()).is_ok()
    }

    fn answer(&mut self, method: &str, params: Value) -> Result<Value, Refusal> {
        match (self.state, method) {
            (State::New, "initialize") => {
                self.state = State::Ready;
                self.insert = insert(&params);
                value(introduction())
            }
            (State::New, _) => {
                Err((ErrorCode::ServerNotInitialized, "`initialize` comes first".into()))
            }
            (State::Ready, "shutdown") => {
                self.state = State::Down;
                Ok(Value::Null)
            }
            (State::Ready, method) => self.ask(method, params),
            (State::Down, _) => {
                Err((ErrorCode::InvalidRequest, "after `shutdown`, only `exit` is accepted".into()))
            }
        }
    }

    fn ask(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        match method {
            "textDocument/completion" => {
                let params: CompletionParams = parsed(params)?;
                let (document, at) = self.place(&params.text_document_position_params)?;
                value(completion::complete(document, at, self.insert))
            }
            "textDocument/hover" => {
                let params: HoverParams = parsed(params)?;
                let (document, at) = self.place(&params.text_document_position_params)?;
                value(hover::hover(document, at))
            }
            "textDocument/definition" => {
                let params: DefinitionParams = parsed(params)?;
                let (document, at) = self.place(&params.text_document_position_params)?;
                value(definition::definition(&self.documents, document, at))
            }
            "textDocument/documentSymbol" => {
                let params: DocumentSymbolParams = parsed(params)?;
                value(symbols::symbols(self.document(&params.text_document.uri)?))
            }
            "textDocument/signatureHelp" => {
                let params: SignatureHelpParams = parsed(params)?;
                let (document, at) = self.place(&params.text_document_position_params)?;
                value(signature::help(document, at))
            }
            "textDocument/codeAction" => {
                let params: CodeActionParams = parsed(params)?;
                let document = self.document(&params.text_document.uri)?;
                value(fixes::actions(document, params.context.diagnostics))
            }
            "textDocument/formatting" => {
                let params: DocumentFormattingParams = parsed(params)?;
                value(formatting::edits(self.document(&params.text_document.uri)?))
            }
            _ => Err((ErrorCode::MethodNotFound, format!("`{method}` is not supported"))),
        }
    }

    /// The document that a request is about, and the byte.
    fn place(&self, params: &TextDocumentPositionParams) -> Result<(&Document, usize), Refusal> {
        let document = self.document(&params.text_document.uri)?;
        Ok((document, position::offset(&document.text, params.position)))
    }

    fn document(&self, uri: &Uri) -> Result<&Document, Refusal> {
        let unknown = || (ErrorCode::InvalidParams, format!("`{uri}` is not open"));
        self.documents.get(uri).ok_or_else(unknown)
    }

    /// A message that cannot be understood is ignored, as the protocol requires.
    fn notification(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            "textDocument/didOpen" => {
                let Ok(params) = parsed::<DidOpenTextDocumentParams>(params) else { return };
                let item = params.text_document;
                self.documents.put(item.uri.clone(), item.version, item.text);
                self.checker.check_all(&self.documents);
            }
            "textDocument/didChange" => {
                let Ok(params) = parsed::<DidChangeTextDocumentParams>(params) else { return };
                let document = params.text_document;
                // The server asked for the whole text each time.
                if let Some(
                    TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change),
                ) = params.content_changes.into_iter().next_back()
                {
                    let uri = document.text_document_identifier.uri;
                    self.documents.put(uri.clone(), document.version, change.text);
                    self.checker.check(&self.documents, &uri);
                }
            }
            "textDocument/didClose" => {
                let Ok(params) = parsed::<DidCloseTextDocumentParams>(params) else { return };
                self.documents.remove(&params.text_document.uri);
                self.checker.check_all(&self.documents);
            }
            // Files that no editor shows may have changed with it.
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                self.checker.check_all(&self.documents);
            }
            _ => {}
        }
    }
}

/// What the editor can insert. Its other capabilities make no difference here.
fn insert(params: &Value) -> Insert {
    let path = "/capabilities/textDocument/completion/completionItem/snippetSupport";
    match params.pointer(path) {
        Some(Value::Bool(true)) => Insert::Snippets,
        Some(_) | None => Insert::Names,
    }
}

/// What the server can do.
fn introduction() -> InitializeResult {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::Full),
        save: Some(true.into()),
        ..TextDocumentSyncOptions::default()
    };
    let triggers = [".", "{", "[", "(", "\""].map(str::to_owned).to_vec();
    let completion =
        CompletionOptions { trigger_characters: Some(triggers), ..CompletionOptions::default() };
    InitializeResult {
        capabilities: ServerCapabilities {
            position_encoding: Some(PositionEncodingKind::UTF16),
            text_document_sync: Some(sync.into()),
            completion_provider: Some(completion),
            hover_provider: Some(true.into()),
            definition_provider: Some(true.into()),
            document_symbol_provider: Some(true.into()),
            document_formatting_provider: Some(true.into()),
            signature_help_provider: Some(signature_help()),
            code_action_provider: Some(code_actions().into()),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: "jailgen".into(),
            version: Some(env!("CARGO_PKG_VERSION").into()),
        }),
    }
}

fn signature_help() -> SignatureHelpOptions {
    let triggers = [" ", "(", "{", "\""].map(str::to_owned).to_vec();
    SignatureHelpOptions { trigger_characters: Some(triggers), ..SignatureHelpOptions::default() }
}

fn code_actions() -> CodeActionOptions {
    let kinds = vec![CodeActionKind::QuickFix];
    CodeActionOptions { code_action_kinds: Some(kinds), ..CodeActionOptions::default() }
}

fn parsed<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| (ErrorCode::InvalidParams, error.to_string()))
}

fn value(result: impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(result).map_err(|error| (ErrorCode::InternalError, error.to_string()))
}
