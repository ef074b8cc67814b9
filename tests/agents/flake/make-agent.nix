# One agent from the folder that npm installed it in. As for the packages of the stand-in nixpkgs, the builder reads the
# machine, which evaluation may not; the checksum that npm has of the package stands for what it reads.
{
  stdenv,
  lib,
  glibc,
  nodejs,
  debianLibraries,
}:
{
  name,
  version,
  program,
  checksum,
  kind,
  # The folder `node_modules`, and the file below it that is started.
  modules,
  entry,
  patchelf,
  # The program of another Node.js than that of nixpkgs, or nothing.
  node,
}:
stdenv.mkDerivation {
  pname = name;
  dontUnpack = true;
  inherit
    version
    program
    checksum
    kind
    modules
    entry
    patchelf
    node
    nodejs
    ;
  loader = "${glibc}/lib/${
    if stdenv.isx86_64 then "ld-linux-x86-64.so.2" else "ld-linux-aarch64.so.1"
  }";
  libraries = lib.makeLibraryPath [
    glibc
    debianLibraries."libstdc++6"
    debianLibraries.libgcc-s1
  ];

  installPhase = builtins.readFile ./install.sh;
  meta.mainProgram = program;
}
