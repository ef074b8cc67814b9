//! An editor: it starts the server, uses the protocol with it, and waits for the answers.

use std::io::{BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Scratch;

/// Nothing takes this long; a server that sends nothing is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// An editor with a server of its own.
pub(super) struct Editor {
    pub(super) scratch: Scratch,
    child: Child,
    pub(super) stdin: Option<ChildStdin>,
    inbox: Receiver<Value>,
    last_id: i64,
    version: i64,
}

impl Editor {
    /// An editor that has not sent anything.
    pub(super) fn silent(scratch: Scratch) -> Self {
        let mut child = start(&scratch);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, inbox) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read_message(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { scratch, child, stdin, inbox, last_id: 0, version: 0 }
    }

    /// An editor that does not listen: its end of the server's output is closed.
    pub(super) fn deaf() -> Self {
        let scratch = Scratch::new();
        let mut child = start(&scratch);
        drop(child.stdout.take());
        let (stdin, (_, inbox)) = (child.stdin.take(), channel());
        Self { scratch, child, stdin, inbox, last_id: 0, version: 0 }
    }

    /// An editor with these files, which has introduced itself.
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let mut editor = Self::silent(Scratch::with(files));
        editor.ask("initialize", json!({ "processId": null, "rootUri": null, "capabilities": {} }));
        editor.tell("initialized", json!({}));
        editor
    }

    pub(super) fn uri(&self, file: &str) -> String {
        format!("file://{}", self.scratch.path(file).display())
    }

    fn write(&mut self, message: &Value) {
        let body = message.to_string();
        let stdin = self.stdin.as_mut().unwrap();
        write!(stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        stdin.flush().unwrap();
    }

    pub(super) fn tell(&mut self, method: &str, params: Value) {
        self.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub(super) fn next(&self) -> Value {
        self.inbox.recv_timeout(PATIENCE).expect("an answer")
    }

    /// Sends a request and does not wait.
    pub(super) fn tell_with_id(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The response, whole: diagnostics that come in between are passed over.
    pub(super) fn response(&mut self, method: &str, params: Value) -> Value {
        let id = self.tell_with_id(method, params);
        loop {
            let message = self.next();
            if message["id"] == id {
                return message;
            }
        }
    }

    pub(super) fn ask(&mut self, method: &str, params: Value) -> Value {
        let mut response = self.response(method, params);
        assert!(response.get("error").is_none(), "{method}: {response}");
        response["result"].take()
    }

    /// Opens a document; its name is a file's, which need not exist.
    pub(super) fn open(&mut self, file: &str, text: &str) {
        self.version += 1;
        let uri = self.uri(file);
        self.tell(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": uri, "languageId": "nix", "version": self.version, "text": text } }),
        );
    }

    pub(super) fn change(&mut self, file: &str, text: &str) {
        self.version += 1;
        let document = json!({ "uri": self.uri(file), "version": self.version });
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [ { "text": text } ] }),
        );
    }

    /// Waits for diagnostics of a file that satisfy a condition, and gives the list.
    pub(super) fn diagnostics_until(
        &self,
        file: &str,
        is_it: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let uri = self.uri(file);
        loop {
            let message = self.next();
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics" && params["uri"] == uri {
                let list = params["diagnostics"].as_array().unwrap();
                if is_it(list) {
                    return list.clone();
                }
            }
        }
    }

    /// The diagnostics of the text that was sent last.
    pub(super) fn diagnostics(&self, file: &str) -> Vec<Value> {
        let uri = self.uri(file);
        loop {
            let message = self.next();
            let params = &message["params"];
            let is_last = params["uri"] == uri && params["version"] == self.version;
            if message["method"] == "textDocument/publishDiagnostics" && is_last {
                return params["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    /// Asks about the place that `|` marks in a text.
    pub(super) fn ask_at(&mut self, method: &str, marked: &str) -> Value {
        let text = marked.replacen('|', "", 1);
        self.open("asked.jail", &text);
        let position = position_of(marked);
        let document = json!({ "uri": self.uri("asked.jail") });
        self.ask(method, json!({ "textDocument": document, "position": position }))
    }

    /// Says good-bye as the protocol wants it: the exit status, and what was on standard error.
    pub(super) fn leave(mut self) -> (i32, String) {
        assert_eq!(self.ask("shutdown", Value::Null), Value::Null);
        self.tell("exit", Value::Null);
        self.end()
    }

    pub(super) fn end(mut self) -> (i32, String) {
        drop(self.stdin.take());
        let status = self.child.wait().unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status.code().unwrap_or(-1), stderr)
    }
}

fn start(scratch: &Scratch) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("jailgen"))
        .args(["lsp", "--stdio"])
        .current_dir(scratch.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn read_message(from: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(number) => length = number.parse().unwrap(),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

/// The position of `|`, counted independently of the server.
fn position_of(marked: &str) -> Value {
    let before = &marked[..marked.find('|').unwrap()];
    let line = before.matches('\n').count();
    let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
    json!({ "line": line, "character": character })
}
