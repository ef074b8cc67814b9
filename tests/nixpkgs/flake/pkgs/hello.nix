# The greeting, as a package that goes through mkDerivation's phases and can be overridden.
{
  stdenv,
  lib,
  greeting ? "Hello, world!",
}:
stdenv.mkDerivation (finalAttrs: {
  pname = "hello";
  version = "2.12-standin";
  inherit greeting;
  dontUnpack = true;
  installPhase = ''
    runHook preInstall
    mkdir -p "$out/bin"
    cat >"$out/bin/hello" <<SCRIPT
    #!/bin/sh
    case "\''${1:-}" in
      --version) echo 'hello (stand-in) ${finalAttrs.version}' ;;
      *) echo '$greeting' ;;
    esac
    SCRIPT
    chmod +x "$out/bin/hello"
    runHook postInstall
  '';
  meta = {
    description = "The greeting of the stand-in nixpkgs";
    mainProgram = "hello";
    license = lib.licenses.gpl3Plus;
  };
})
