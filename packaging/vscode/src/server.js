// How the language server is started. Nothing here needs VS Code, so the tests start it the same way.
"use strict";

/** The languages whose documents go to the server. */
const LANGUAGES = ["jail"];

/** The command that the settings ask for. */
function command(path) {
  return { command: path || "jailgen", args: ["lsp"] };
}

/** The documents that the server is asked about: saved specs, and those that were never saved. */
function documents() {
  return LANGUAGES.flatMap((language) => [
    { scheme: "file", language },
    { scheme: "untitled", language },
  ]);
}

module.exports = { command, documents };
