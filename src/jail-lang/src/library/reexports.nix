# Nix's own functions, which nixpkgs' library names too. `lib` is the whole library: each entry is read when it is first
# needed (`mod.rs`).
lib: {
  addErrorContext = builtins.addErrorContext;

  appendContext = builtins.appendContext;

  baseNameOf = builtins.baseNameOf;

  ceil = builtins.ceil;

  convertHash = builtins.convertHash;

  dirOf = builtins.dirOf;

  div = builtins.div;

  flakeRefToString = builtins.flakeRefToString;

  floor = builtins.floor;

  fromTOML = builtins.fromTOML;

  genericClosure = builtins.genericClosure;

  getContext = builtins.getContext;

  hasContext = builtins.hasContext;

  hashFile = builtins.hashFile;

  mul = builtins.mul;

  parseDrvName = builtins.parseDrvName;

  parseFlakeRef = builtins.parseFlakeRef;

  placeholder = builtins.placeholder;

  readDir = builtins.readDir;

  readFileType = builtins.readFileType;

  toFile = builtins.toFile;

  toString = builtins.toString;

  toXML = builtins.toXML;

  tryEval = builtins.tryEval;

  unsafeDiscardOutputDependency = builtins.unsafeDiscardOutputDependency;

  unsafeDiscardStringContext = builtins.unsafeDiscardStringContext;

  unsafeGetAttrPos = builtins.unsafeGetAttrPos;

}
