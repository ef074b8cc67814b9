// The extension as it is built: it starts the server, opens a document, and shows an error.
"use strict";

const assert = require("node:assert");
const Module = require("node:module");
const path = require("node:path");
const { test } = require("node:test");

const load = Module._load;
Module._load = (name, ...rest) => load(name === "vscode" ? require.resolve("./vscode.js") : name, ...rest);
const vscode = require("./vscode.js");
const { activate, deactivate } = require(path.join(__dirname, "../out/extension.js"));

test("the extension shows what the server says", { timeout: 60000 }, async () => {
  const { opened, shown, settings } = vscode.stand;
  settings.path = process.env.JAILGEN;
  const seen = new Promise((done) => {
    shown.event(({ uri, all }) => all.length > 0 && done([uri.toString(), all]));
  });
  await activate({ subscriptions: [] });
  const uri = vscode.Uri.file("/nowhere/a.jail");
  const text = 'jail "a" pkgs.hello [ (readonyl "/x") ]';
  const document = { uri, languageId: "jail", version: 1, getText: () => text, isClosed: false };
  vscode.workspace.textDocuments.push(document);
  opened.fire(document);
  const [about, [fault]] = await seen;
  assert.strictEqual(about, uri.toString());
  assert.match(fault.message, /unknown combinator `readonyl`/);
  assert.strictEqual(fault.range.start.character, 23);
  await deactivate();
});
