# The environment that `nix develop` gives for a derivation, as a file of `NAME=VALUE`, each with a NUL behind it. The derivation's own
# builder makes it, with the derivation's own attributes, when the set-up of its stdenv is done; nothing of it is built.
let
  script = builtins.path {
    name = "dev-shell.sh";
    path = ./dev-shell.sh;
  };
in
shell:
if !(shell ? drvAttrs) then
  throw "jailgen: `add-dev-shell` takes a derivation, such as `pkgs.mkShell { … }` or a flake's `devShells.<system>.default`"
else
  derivation (
    removeAttrs shell.drvAttrs [
      "allowedReferences"
      "allowedRequisites"
      "disallowedReferences"
      "disallowedRequisites"
      "outputHash"
      "outputHashAlgo"
      "outputHashMode"
      "outputs"
    ]
    // {
      name = "${shell.name or "shell"}-environment";
      args = [ script ];
    }
  )
