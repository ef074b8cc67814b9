# The C library: needs nothing, and has its programs in a second output, as in nixpkgs. So
# `${pkgs.glibc}/bin/ldd` is a mistake here too, and `${lib.getBin pkgs.glibc}/bin/ldd` is not.
{
  lib,
  system,
  loader,
  entry,
  finishDerivation,
}:
let
  isProgram = lib.hasPrefix "bin/";
  table = lib.concatMapStrings (columns: lib.concatStringsSep "\t" columns + "\n");
in
finishDerivation {
  inherit system loader;
  inherit (entry) pname version;
  meta = {
    description = "The C library of the machine that runs jailgen's tests";
    license = lib.licenses.free;
  };

  outputs = [
    "out"
    "bin"
  ];
  builder = "/bin/sh";
  args = [ ./build-glibc.sh ];
  PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

  copied = table (
    lib.mapAttrsToList (to: from: [
      "${if isProgram to then "bin" else "out"}/${to}"
      from
    ]) entry.files
  );
  programs = map (lib.removePrefix "bin/") (builtins.filter isProgram entry.elf);
}
