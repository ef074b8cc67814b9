# What `jailgen audit` takes into a jail: static, because there are no libraries that it could count on.
{
  lib,
  rustPlatform,
  glibc,
}:
rustPlatform.buildRustPackage {
  pname = "jail-probe";
  version = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package.version;
  src = import ./source.nix { inherit lib; };
  cargoLock.lockFile = ../Cargo.lock;

  cargoBuildFlags = [
    "--package"
    "jail-probe"
  ];
  buildInputs = lib.optional (glibc ? static) glibc.static;
  RUSTFLAGS = "-C target-feature=+crt-static";
  doCheck = false;

  meta = {
    description = "Tries what a jail must refuse";
    license = lib.licenses.mit;
    mainProgram = "jail-probe";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
