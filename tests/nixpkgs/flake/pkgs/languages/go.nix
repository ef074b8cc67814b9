# A stand-in for Go: it compiles nothing, and keeps its caches where Go would. So a test sees
# which folders a Go jail must be able to write.
{
  stdenv,
  lib,
  coreutils,
}:
stdenv.mkDerivation {
  pname = "go";
  version = "1.0-standin";
  dontUnpack = true;
  installPhase = ''
    mkdir -p "$out/bin" "$out/share/go"
    substitute() {
      sed -e "s|@out@|$out|g" -e "s|@path@|${lib.makeBinPath [ coreutils ]}|g" "$1"
    }
    substitute ${./go.sh} >"$out/bin/go"
    chmod +x "$out/bin/go"
  '';
  meta = {
    description = "A script in the place of Go";
    mainProgram = "go";
    license = lib.licenses.bsd3;
  };
}
