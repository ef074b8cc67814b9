# Programs too big, or not in Debian, that specs name all the same: scripts that say what they
# are and repeat how they were called, so that a test sees that they ran and with what.
{
  lib,
  final,
  programs,
}:
let
  placeholder =
    name:
    {
      program ? name,
      version ? "0-standin",
      license ? lib.licenses.free,
    }:
    final.stdenv.mkDerivation {
      pname = name;
      inherit version program;
      dontUnpack = true;
      installPhase = ''
        mkdir -p "$out/bin"
        cat >"$out/bin/$program" <<'SCRIPT'
        #!/bin/sh
        echo "${program}: a stand-in of jailgen's tests, not the real program"
        for argument in "$@"; do
          echo "argument: $argument"
        done
        SCRIPT
        chmod +x "$out/bin/$program"
      '';
      meta = {
        description = "A script in the place of ${name}";
        mainProgram = program;
        inherit license;
      };
    };
in
lib.mapAttrs placeholder {
  aider-chat.program = "aider";
  alejandra = { };
  black = { };
  bun = { };
  cargo = { };
  cmake = { };
  deadnix = { };
  delve.program = "dlv";
  deno = { };
  direnv = { };
  fd = { };
  ffmpeg = { };
  fzf = { };
  gcc = { };
  gdb = { };
  gh = { };
  gnupg.program = "gpg";
  go-task.program = "task";
  golangci-lint = { };
  gopls = { };
  htop = { };
  lsof = { };
  neovim.program = "nvim";
  nil = { };
  nixd = { };
  nixfmt = { };
  nixfmt-tree.program = "treefmt";
  nixfmt-rfc-style.program = "nixfmt";
  nixpkgs-fmt = { };
  pandoc = { };
  pkg-config = { };
  pnpm = { };
  postgresql.program = "psql";
  pyright = { };
  rsync = { };
  ruff = { };
  rust-analyzer = { };
  rustc = { };
  rustfmt = { };
  clippy.program = "cargo-clippy";
  shellcheck = { };
  sqlite.program = "sqlite3";
  statix = { };
  terraform.license = lib.licenses.unfree;
  tmux = { };
  tree = { };
  treefmt = { };
  typescript.program = "tsc";
  typescript-language-server = { };
  uv = { };
  vim = { };
  xdg-utils.program = "xdg-open";
  yarn = { };
  yq-go.program = "yq";
}
// {
  libgcc = final.gcc;

  # The real one is a window manager between Xwayland and the compositor. Here Xwayland has one window for all.
  xwayland-satellite = final.writeShellScriptBin "xwayland-satellite" (
    if programs ? xwayland then
      ''
        exec ${programs.xwayland}/bin/Xwayland "$@" -shm
      ''
    else
      ''
        echo "the machine that this stand-in nixpkgs was made on has no Xwayland" >&2
        exit 1
      ''
  );

  # Evaluates, so that a flake with a Rust package can be shown and checked; building one
  # needs crates from the network, and says so.
  rustPlatform.buildRustPackage =
    arguments:
    final.stdenv.mkDerivation (
      final:
      {
        dontUnpack = true;
        installPhase = ''
          echo "the stand-in nixpkgs has no Rust: ${final.pname} cannot be built with it" >&2
          exit 1
        '';
      }
      // removeAttrs (if builtins.isFunction arguments then arguments final else arguments) [
        "cargoLock"
        "installPhase"
        "buildPhase"
      ]
    );
}
