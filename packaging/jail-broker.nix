# The broker: an ordinary program but for being static, because wrappers keep it and nothing else of it.
{ lib, rustPlatform }:
rustPlatform.buildRustPackage {
  pname = "jail-broker";
  version = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package.version;
  src = import ./source.nix { inherit lib; };
  cargoLock.lockFile = ../Cargo.lock;

  cargoBuildFlags = [
    "--package"
    "jail-broker"
  ];
  RUSTFLAGS = "-C target-feature=+crt-static";
  doCheck = false;

  meta = {
    description = "Carries what a jail may reach on the network, by name";
    license = lib.licenses.mit;
    mainProgram = "jail-broker";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
