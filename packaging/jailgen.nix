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

  # As `make install` has it; the kit is what was compiled in.
  postInstall = ''
    jailgen=$out/bin/jailgen
    mkdir -p "$out/share/bash-completion/completions" "$out/share/zsh/site-functions" \
      "$out/share/fish/vendor_completions.d" "$out/share/jailgen/apparmor.d" "$out/share/man/man1"
    "$jailgen" --quiet man -o "$out/share/man/man1"
    "$jailgen" completions bash >"$out/share/bash-completion/completions/jailgen"
    "$jailgen" completions zsh >"$out/share/zsh/site-functions/_jailgen"
    "$jailgen" completions fish >"$out/share/fish/vendor_completions.d/jailgen.fish"
    "$jailgen" doctor --apparmor >"$out/share/jailgen/apparmor.d/jail-stub"
  '';

  # They want real user namespaces, a real Nix and the files that are left out of the source.
  doCheck = false;

  meta = {
    description = "Compiles declarative jails to Nix wrappers";
    license = lib.licenses.mit;
    mainProgram = "jailgen";
    platforms = lib.platforms.linux;
  };
}
