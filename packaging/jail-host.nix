# The helper: an ordinary program but for being static, because it also runs inside jails, where there
# are no libraries.
{ lib, rustPlatform }:
rustPlatform.buildRustPackage {
  pname = "jail-host";
  version = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package.version;
  src = import ./source.nix { inherit lib; };
  cargoLock.lockFile = ../Cargo.lock;

  cargoBuildFlags = [
    "--package"
    "jail-host"
  ];
  RUSTFLAGS = "-C target-feature=+crt-static";
  doCheck = false;

  meta = {
    description = "What the launch of a jail needs on the host beyond system calls";
    license = lib.licenses.mit;
    mainProgram = "jail-host";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
