# What the Rust packages are built from: documents and tests do not rebuild them.
{ lib }:
let
  root = ../.;
  wanted = [
    "Cargo.lock"
    "Cargo.toml"
    "clippy.toml"
    "src"
    "templates"
  ];
in
builtins.path {
  name = "jailgen-source";
  path = root;
  filter =
    path: _type:
    let
      below = lib.removePrefix "${toString root}/" (toString path);
      top = builtins.head (lib.splitString "/" below);
    in
    builtins.elem top wanted;
}
