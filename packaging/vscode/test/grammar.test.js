// The grammar, with the library that VS Code colours with.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const ROOT = path.join(__dirname, "..");
const EXAMPLES = path.join(ROOT, "../../examples");

async function grammar() {
  const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm);
  const file = path.join(ROOT, "syntaxes/jail.tmLanguage.json");
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(file, "utf8"), file),
  });
  return registry.loadGrammar("source.jail");
}

/** Each line's tokens: their text, and their innermost scope without the language's name. */
function tokens(rules, text) {
  let stack = textmate.INITIAL;
  const all = [];
  for (const line of text.split("\n")) {
    const { tokens: found, ruleStack } = rules.tokenizeLine(line, stack);
    stack = ruleStack;
    for (const { startIndex, endIndex, scopes } of found) {
      all.push({ text: line.slice(startIndex, endIndex), scope: scopes.at(-1).replace(/\.jail$/, ""), depth: scopes.length });
    }
  }
  return { all, depth: stack.depth };
}

const loaded = grammar();

test("words have their colours", async () => {
  const rules = await loaded;
  const text = `# why
let
  tools = [ pkgs.git 12 ./a/b ]; /* é */
in
jail "a-\${name}" pkgs.hello [
  (readonly "/x\\"y")
  (add-runtime ''it''s \${x} '''quoted''' '')
]`;
  const { all, depth } = tokens(rules, text);
  const scope = (word) => all.find((token) => token.text === word)?.scope;
  const expected = {
    "# why": "comment.line.number-sign",
    let: "keyword.control",
    in: "keyword.control",
    tools: "entity.other.attribute-name",
    pkgs: "support.constant",
    12: "constant.numeric",
    "./a/b": "string.unquoted.path",
    "/*": "comment.block",
    jail: "support.function",
    name: "variable.other",
    readonly: "variable.other",
    '\\"': "constant.character.escape",
    "add-runtime": "variable.other",
    "'''": "constant.character.escape",
  };
  for (const [word, wanted] of Object.entries(expected)) assert.strictEqual(scope(word), wanted, word);
  assert.strictEqual(depth, 1, "a bracket or a string is still open at the end");
});

test("nothing is open at the end of an example", async () => {
  const rules = await loaded;
  const examples = fs.readdirSync(EXAMPLES).filter((name) => name.endsWith(".jail"));
  assert.ok(examples.length > 5);
  for (const name of examples) {
    const { depth } = tokens(rules, fs.readFileSync(path.join(EXAMPLES, name), "utf8"));
    assert.strictEqual(depth, 1, name);
  }
});
