// The client: it starts `jailgen lsp` and connects it with the editor.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { command, documents } = require("./server");

let client;

function start() {
  const path = vscode.workspace.getConfiguration("jailgen").get("path");
  client = new LanguageClient("jailgen", "jailgen", command(path), {
    documentSelector: documents(),
    // What a spec imports may change on disk.
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{jail,nix}") },
  });
  return client.start();
}

async function restart() {
  const old = client;
  client = undefined;
  // A server that never ran cannot be stopped.
  await old?.stop().catch(() => undefined);
  return start();
}

function activate(context) {
  const changed = (event) => (event.affectsConfiguration("jailgen.path") ? restart() : undefined);
  context.subscriptions.push(vscode.workspace.onDidChangeConfiguration(changed));
  return start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
