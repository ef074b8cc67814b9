# What both front ends make of each spec. The test fills in where things are.
let
  system = builtins.currentSystem;
  pkgs = import "@nixpkgs@" { inherit system; };
  inherit (pkgs) lib;
  agents = (builtins.getFlake "@llmAgents@").packages.${system};
  nixlib = import "@nixlib@" { toolsFor = system: (builtins.getFlake "@kit@").tools.${system}; };
  jail = nixlib.init { inherit pkgs agents; };

  # What emitted files are written with.
  scope = {
    inherit pkgs lib;
    inputs.jailgen.lib = nixlib;
    agents = pkgs // agents;
  };

  wrapperOf = spec: name: if lib.isDerivation spec then spec else spec.${name};

  # A package as terms have it.
  package = package: {
    package = {
      out = "${package}";
      bin = "${lib.getBin package}";
      program = lib.getExe package;
    };
  };

  both =
    spec: name: term: policy:
    let
      nix = wrapperOf (jail.buildJail spec) name;
      file = jail.mkJail (import policy scope);
    in
    {
      terms = {
        file = import term (scope // { inherit package; });
        nix = nix.passthru.term.jail;
      };
      wrappers = {
        inherit file nix;
      };
    };

  jails = {
    # @jails@
  };
in
rec {
  wrappers = builtins.mapAttrs (_: it: it.wrappers) jails;
  terms = builtins.mapAttrs (_: it: it.terms) jails;
  compared = {
    inherit terms;
    paths = builtins.mapAttrs (
      _: it: builtins.mapAttrs (_: wrapper: wrapper.outPath) it.wrappers
    ) jails;
  };
}
