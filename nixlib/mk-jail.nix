# Makes the wrapper of a policy: a derivation whose one program is the sealed plan.
#
# Evaluation is pure and builds nothing. The builder is `jailgen seal` itself, so the wrapper needs
# neither bash nor stdenv.
{ system, tools }:
let
  storePaths = import ./store-paths.nix;

  # policy  an attribute set as `jailgen emit` writes it: version, name, grants, places
  mkJail =
    policy:
    derivation {
      inherit (policy) name;
      inherit policy system;
      builder = tools.jailgen;
      args = [ "seal" ];
      stub = "${tools.stub}/bin/jail-stub";

      # The builder reads `.attrs.json`, which also holds the reference graph of these paths.
      __structuredAttrs = true;
      exportReferencesGraph.closure = storePaths (builtins.toJSON policy);

      # Sealing takes milliseconds; asking another machine for it takes longer.
      preferLocalBuild = true;
      allowSubstitutes = false;
    }
    // {
      meta = {
        inherit (policy) name;
        description = "${policy.name}, in a jail";
        mainProgram = policy.name;
      };
      passthru = {
        inherit policy;
      };
    };
in
mkJail
