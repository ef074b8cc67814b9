# The derivation of a wrapper. Evaluation is pure and builds nothing. The builder is `jailgen seal` itself, so
# that the wrapper needs neither bash nor stdenv.
{ system, tools }:
let
  storePaths = import ./store-paths.nix;
in
# what  `{ policy }` or `{ term }`: what is sealed
name: what:
derivation (
  what
  // {
    inherit name system;
    builder = tools.jailgen;
    args = [ "seal" ];
    stub = "${tools.stub}/bin/jail-stub";

    # In the wrapper only where there is work for it, so that no other closure keeps it.
    host = "${tools.host}/bin/jail-host";

    # The builder reads `.attrs.json`, which also holds the reference graph of these paths.
    __structuredAttrs = true;
    exportReferencesGraph.closure = storePaths (builtins.toJSON what);

    # Sealing takes milliseconds; asking another machine for it takes longer.
    preferLocalBuild = true;
    allowSubstitutes = false;
  }
)
