# The compiler and command line.
#
#   kit    the kit that this jailgen names in what it emits, as src/jailgen/src/kit describes it
#   probe  the static program with which `audit` and `doctor` try things
{
  lib,
  rustPlatform,
  kit,
  probe,
}:
rustPlatform.buildRustPackage {
  pname = "jailgen";
  version = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package.version;
  src = import ./source.nix { inherit lib; };
  cargoLock.lockFile = ../Cargo.lock;

  cargoBuildFlags = [
    "--package"
    "jailgen"
  ];
  JAILGEN_KIT = builtins.toJSON kit;
  JAILGEN_PROBE = "${probe}/bin/jail-probe";

  # They want real user namespaces, a real Nix and the files that are left out of the source.
  doCheck = false;

  meta = {
    description = "Compiles declarative jails to Nix wrappers";
    license = lib.licenses.mit;
    mainProgram = "jailgen";
    platforms = lib.platforms.linux;
  };
}
