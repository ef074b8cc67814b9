# Builders of small things: nixpkgs' trivial builders, mkShell, closureInfo, wrappers.
{
  lib,
  stdenv,
  programs,
  final,
}:
let
  writers = import ./writers.nix { inherit lib stdenv final; };
  joins = import ./joins.nix { inherit lib final; };

  runCommandWith =
    {
      name,
      stdenv ? final.stdenv,
      derivationArgs ? { },
      runLocal ? false,
    }:
    buildCommand:
    stdenv.mkDerivation (
      {
        inherit name buildCommand;
        passAsFile = [ "buildCommand" ] ++ derivationArgs.passAsFile or [ ];
      }
      // removeAttrs derivationArgs [ "passAsFile" ]
    );
  runCommand = name: derivationArgs: final.runCommandWith { inherit name derivationArgs; };
in
writers
// joins
// {
  inherit runCommandWith runCommand;
  runCommandLocal = runCommand;
  runCommandCC = runCommand;

  # The closure's paths, and what Nix registers them with.
  closureInfo =
    { rootPaths }:
    stdenv.mkDerivation {
      name = "closure-info";
      __structuredAttrs = true;
      exportReferencesGraph.closure = rootPaths;
      nativeBuildInputs = [
        programs.coreutils
        programs.jq
      ];
      buildCommand = ''
        mkdir -p "$out"
        jq -r '[.closure[].path] | sort | .[]' "$NIX_ATTRS_JSON_FILE" >"$out/store-paths"
        jq -r '[.closure[].narSize] | add' "$NIX_ATTRS_JSON_FILE" >"$out/total-nar-size"
        jq -r '
          .closure | sort_by(.path) | .[]
          | .path, .narHash, .narSize, "", (.references | length), .references[]
        ' "$NIX_ATTRS_JSON_FILE" >"$out/registration"
      '';
    };

  writeClosure =
    paths:
    runCommand "runtime-deps" { } ''
      cp ${final.closureInfo { rootPaths = paths; }}/store-paths $out
    '';

  mkShell = import ./mk-shell.nix { inherit lib stdenv; };
  mkShellNoCC = final.mkShell;

  makeWrapper = runCommand "make-wrapper-hook" { } ''
    mkdir -p $out/nix-support
    cp ${./make-wrapper.sh} $out/nix-support/setup-hook
  '';
  makeBinaryWrapper = final.makeWrapper;

  fetchurl = arguments: throw "the stand-in nixpkgs downloads nothing: ${arguments.url or "?"}";
  fetchzip = final.fetchurl;
  fetchgit = final.fetchurl;
  fetchFromGitHub = { owner, repo, ... }: final.fetchurl { url = "github:${owner}/${repo}"; };
}
