# The derivation of a wrapper. Evaluation is pure and builds nothing. The builder is `jailgen seal` itself, so
# that the wrapper needs neither bash nor stdenv.
{ system, tools }:
let
  storePaths = import ./store-paths.nix;

  # Whether a value holds a path, which would be copied into the store, where every user can read it. Terms hold none; a policy
  # that was written by hand may.
  holdsPath =
    value:
    if builtins.isList value then
      builtins.any holdsPath value
    else if builtins.isAttrs value then
      builtins.any holdsPath (
        if value ? __toString then
          [ (value.__toString value) ]
        else if value ? outPath then
          [ value.outPath ]
        else
          builtins.attrValues value
      )
    else
      builtins.isPath value;
in
# what  `{ policy }` or `{ term }`: what is sealed
# with  what else the builder needs, in which no package is named: see build-jail.nix
name: what: with':
if holdsPath what then
  throw "jailgen: the jail `${name}` is made of a path, which Nix would copy into the store: write a string, such as `\"/etc/hosts\"` for `/etc/hosts`"
else
  derivation (
    what
    // with'
    // {
      inherit name system;
      builder = tools.jailgen;
      args = [ "seal" ];
      stub = "${tools.stub}/bin/jail-stub";

      # In the wrapper only where there is work for it, so that no other closure keeps it.
      host = "${tools.host}/bin/jail-host";

      # Likewise, where hosts are reached by name. An older kit has none.
      broker = if tools ? broker then "${tools.broker}/bin/jail-broker" else "";

      # The builder reads `.attrs.json`, which also holds the reference graph of these paths.
      __structuredAttrs = true;
      exportReferencesGraph.closure = storePaths (builtins.toJSON what);

      # Sealing takes milliseconds; asking another machine for it takes longer.
      preferLocalBuild = true;
      allowSubstitutes = false;
    }
  )
