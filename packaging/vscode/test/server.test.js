// The language server, started as the extension starts it, and asked as VS Code asks it: over the packages that the
// extension's client is made of.
"use strict";

const assert = require("node:assert");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { test, before, after } = require("node:test");
const { pathToFileURL } = require("node:url");
const rpc = require("vscode-jsonrpc/node");
const lsp = require("vscode-languageserver-protocol");
const { command, documents } = require("../src/server");

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), "jailgen-vscode-"));
const uri = (name) => pathToFileURL(path.join(FOLDER, name)).href;
let server, connection, capabilities;
const shown = new Map();

before(async () => {
  const { command: program, args } = command(process.env.JAILGEN);
  server = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  connection = rpc.createMessageConnection(new rpc.StreamMessageReader(server.stdout), new rpc.StreamMessageWriter(server.stdin));
  connection.onNotification(lsp.PublishDiagnosticsNotification.type, ({ uri: about, version, diagnostics }) => {
    shown.set(`${about} ${version}`, diagnostics);
  });
  connection.listen();
  const item = { snippetSupport: true, documentationFormat: ["markdown"] };
  ({ capabilities } = await connection.sendRequest(lsp.InitializeRequest.type, {
    processId: process.pid,
    rootUri: pathToFileURL(FOLDER).href,
    capabilities: { textDocument: { completion: { completionItem: item }, publishDiagnostics: { dataSupport: true } } },
    workspaceFolders: null,
  }));
  await connection.sendNotification(lsp.InitializedNotification.type, {});
});

after(async () => {
  await connection.sendRequest(lsp.ShutdownRequest.type);
  await connection.sendNotification(lsp.ExitNotification.type);
  const code = await new Promise((done) => server.on("exit", done));
  fs.rmSync(FOLDER, { recursive: true });
  assert.strictEqual(code, 0);
});

let version = 0;

/** Opens a text in which `|` marks a place. */
async function open(name, marked) {
  const before = marked.split("|")[0].split("\n");
  const position = { line: before.length - 1, character: before.at(-1).length };
  version += 1;
  const textDocument = { uri: uri(name), languageId: "jail", version, text: marked.replace("|", "") };
  await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, { textDocument });
  return { textDocument: { uri: uri(name) }, position, version };
}

async function diagnostics({ textDocument, version: of }) {
  const key = `${textDocument.uri} ${of}`;
  while (!shown.has(key)) await new Promise((done) => setTimeout(done, 10));
  return shown.get(key);
}

test("the server offers what the extension shows", () => {
  for (const name of ["completion", "hover", "definition", "documentSymbol", "documentFormatting", "signatureHelp", "codeAction"]) {
    assert.ok(capabilities[`${name}Provider`], name);
  }
  assert.ok(documents().every(({ language }) => language === "jail"));
});

test("an error is shown, and its fix removes it", async () => {
  const text = 'jail "a" pkgs.hello [ (readonyl "/x") ]\n';
  const faults = await diagnostics(await open("a.jail", text));
  assert.deepStrictEqual(faults.map(({ code }) => code), ["unknown-combinator"]);
  const [action] = await connection.sendRequest(lsp.CodeActionRequest.type, {
    textDocument: { uri: uri("a.jail") },
    range: faults[0].range,
    context: { diagnostics: faults },
  });
  const [{ range, newText }] = action.edit.changes[uri("a.jail")];
  const fixed = text.slice(0, range.start.character) + newText + text.slice(range.end.character);
  assert.deepStrictEqual(await diagnostics(await open("a.jail", fixed)), []);
});

test("words, snippets and the call are completed", async () => {
  const place = await open("b.jail", 'jail "b" pkgs.hello [ (seccomp "|") ]');
  const words = await connection.sendRequest(lsp.CompletionRequest.type, place);
  assert.deepStrictEqual(words.map(({ label }) => label), ["default", "strict"]);
  const help = await connection.sendRequest(lsp.SignatureHelpRequest.type, place);
  assert.strictEqual(help.signatures[help.activeSignature].label, "seccomp CALLS");
  const calls = await connection.sendRequest(lsp.CompletionRequest.type, await open("b.jail", "[ (ro-b|) ]"));
  const call = calls.find(({ label }) => label === "ro-bind");
  assert.strictEqual(call.textEdit.newText, 'ro-bind "${1:from}" "${2:to}"');
});

test("a document is laid out", async () => {
  const { textDocument } = await open("c.jail", 'jail "c"   pkgs.hello [network]');
  const options = { tabSize: 2, insertSpaces: true };
  const [edit] = await connection.sendRequest(lsp.DocumentFormattingRequest.type, { textDocument, options });
  assert.strictEqual(edit.newText, 'jail "c" pkgs.hello [ network ]\n');
});
