# The launcher: static, without a C library, with its own start (ARCHITECTURE.md).
{ lib, rustPlatform }:
rustPlatform.buildRustPackage {
  pname = "jail-stub";
  version = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package.version;
  src = import ./source.nix { inherit lib; };
  cargoLock.lockFile = ../Cargo.lock;

  # The hooks of rustPlatform know nothing of profiles of one package with link arguments.
  buildPhase = ''
    runHook preBuild
    cargo rustc --offline --profile stub --package jail-stub --bin jail-stub --target-dir target -- \
      -C relocation-model=static -C link-args='-nostartfiles -nostdlib -static -no-pie'
    runHook postBuild
  '';
  installPhase = ''
    runHook preInstall
    find target -path '*/stub/jail-stub' -exec install -D -m 755 {} "$out/bin/jail-stub" \;
    test -x "$out/bin/jail-stub"
    runHook postInstall
  '';
  doCheck = false;

  meta = {
    description = "Starts a program in a jail, as a plan says";
    license = lib.licenses.mit;
    mainProgram = "jail-stub";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
