// As much of VS Code's interface as the client needs to start, to open a document and to show what the server says.
// VS Code itself cannot be had here. What is not named below is an empty class, with whatever members are asked for.
"use strict";

class Disposable {
  constructor(end = () => undefined) {
    this.end = end;
  }
  dispose() {
    this.end();
  }
  static from(...all) {
    return new Disposable(() => all.forEach((one) => one.dispose()));
  }
}

class EventEmitter {
  listeners = new Set();
  event = (listener, self, disposables) => {
    const bound = listener.bind(self);
    this.listeners.add(bound);
    const end = new Disposable(() => this.listeners.delete(bound));
    disposables?.push(end);
    return end;
  };
  fire(value) {
    for (const listener of [...this.listeners]) listener(value);
  }
  dispose() {
    this.listeners.clear();
  }
}

class CancellationTokenSource {
  token = { isCancellationRequested: false, onCancellationRequested: new EventEmitter().event };
  cancel() {}
  dispose() {}
}

class Uri {
  constructor(text) {
    Object.assign(this, { text, scheme: text.split(":")[0], fsPath: decodeURIComponent(text.replace(/^file:\/\//, "")) });
    this.path = this.fsPath;
  }
  static parse = (text) => new Uri(text);
  static file = (path) => new Uri(`file://${path}`);
  toString() {
    return this.text;
  }
}

class Position {
  constructor(line, character) {
    Object.assign(this, { line, character });
  }
}

class Range {
  constructor(...at) {
    const [start, end] = at.length === 4 ? [new Position(at[0], at[1]), new Position(at[2], at[3])] : at;
    Object.assign(this, { start, end });
  }
}

class Diagnostic {
  constructor(range, message, severity) {
    Object.assign(this, { range, message, severity });
  }
}

const opened = new EventEmitter();
const shown = new EventEmitter();
const settings = { path: undefined };

/** A class and a set of words in one: what is not named is made when it is asked for. */
function anything() {
  const known = new Map();
  return new Proxy(class {}, {
    get(target, name) {
      if (name in target || typeof name === "symbol") return target[name];
      if (!known.has(name)) known.set(name, anything());
      return known.get(name);
    },
  });
}

function withDefaults(named) {
  const event = new EventEmitter().event;
  return new Proxy(named, {
    get(target, name) {
      if (name in target || typeof name === "symbol" || name === "then") return target[name];
      if (/^on(Did|Will)/.test(name)) return event;
      if (/^(register|create)/.test(name)) return () => new Disposable();
      return undefined;
    },
  });
}

const workspace = withDefaults({
  textDocuments: [],
  notebookDocuments: [],
  workspaceFolders: undefined,
  isTrusted: true,
  onDidOpenTextDocument: opened.event,
  getConfiguration: () => ({ get: (name, otherwise) => settings[name] ?? otherwise }),
  createFileSystemWatcher: () => withDefaults({ dispose() {} }),
});
const quiet = () => undefined;
const said = ["append", "appendLine", "show", "dispose", "trace", "debug", "info", "warn", "error"];
const channel = withDefaults(Object.fromEntries(said.map((name) => [name, quiet])));
const window = withDefaults({
  tabGroups: { all: [], onDidChangeTabs: new EventEmitter().event },
  visibleTextEditors: [],
  createOutputChannel: () => channel,
  showErrorMessage: async (text) => console.error(text),
});
const languages = withDefaults({
  createDiagnosticCollection: () => ({ set: (uri, all) => shown.fire({ uri, all }), delete() {}, clear() {}, dispose() {} }),
  match: (selector, document) => Number([selector].flat().some((one) => one.language === document.languageId)),
});

const named = {
  CancellationTokenSource,
  Disposable,
  EventEmitter,
  Uri,
  Position,
  Range,
  Diagnostic,
  workspace,
  window,
  languages,
  commands: withDefaults({}),
  env: { appName: "Visual Studio Code", language: "en" },
  version: "1.100.0",
};

module.exports = new Proxy(named, {
  get(target, name) {
    if (!(name in target) && typeof name !== "symbol") target[name] = anything();
    return target[name];
  },
});
module.exports.stand = { opened, shown, settings };
