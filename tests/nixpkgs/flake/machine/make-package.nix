# One derivation that copies files of the machine and points them at the store.
#
# Its builder is the machine's own shell and reads the machine's own files, which a builder
# may do where the sandbox is off (or lets /bin, /usr and /lib in) and evaluation may not.
# What it reads is no input that Nix knows of: the version in the name stands for it.
{
  lib,
  system,
  glibc,
  programs,
  loader,
  finishDerivation,
}:
let
  # Where the interpreters of scripts are: which package, and which program there.
  interpreters = {
    sh = [
      "bash"
      "bin/sh"
    ];
    bash = [
      "bash"
      "bin/bash"
    ];
    dash = [
      "bash"
      "bin/sh"
    ];
    node = [
      "nodejs"
      "bin/node"
    ];
    python3 = [
      "python3"
      "bin/python3"
    ];
  };

  table = lib.concatMapStrings (columns: lib.concatStringsSep "\t" columns + "\n");
in
{
  pname,
  version,
  files,
  links,
  drop,
  unwanted,
  elf,
  scripts,
  libraries,
  ownLibraries,
  environment,
  mainProgram,
}:
let
  # The first output is the one that `${pkgs.jq}` means, as in nixpkgs.
  outputs =
    if ownLibraries == { } then
      [ "out" ]
    else
      [
        "bin"
        "out"
      ];
  mainOutput = builtins.head outputs;
  inMain = path: "${mainOutput}/${path}";
  inOut = path: "out/${path}";

  # A package cannot name itself (npm's scripts are for the node beside them); the builder
  # knows where it is.
  interpreterPath =
    interpreter:
    let
      package = builtins.elemAt interpreters.${interpreter} 0;
      program = builtins.elemAt interpreters.${interpreter} 1;
    in
    if package == pname then "SELF/${program}" else "${programs.${package}}/${program}";
in
finishDerivation {
  inherit
    pname
    version
    system
    outputs
    mainOutput
    loader
    drop
    unwanted
    libraries
    ;
  meta = {
    description = "Copied from the machine that runs jailgen's tests";
    license = lib.licenses.free;
  }
  // lib.optionalAttrs (mainProgram != null) { inherit mainProgram; };

  builder = "/bin/sh";
  args = [ ./build.sh ];
  PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

  copied = table (
    lib.mapAttrsToList (to: from: [
      (inMain to)
      from
    ]) files
    ++ lib.mapAttrsToList (to: from: [
      (inOut to)
      from
    ]) ownLibraries
  );
  linked = table (
    lib.mapAttrsToList (to: target: [
      (inMain to)
      target
    ]) links
  );
  elfFiles = table (
    map (path: [ (inMain path) ]) elf ++ map (path: [ (inOut path) ]) (builtins.attrNames ownLibraries)
  );
  scripts = table (
    lib.mapAttrsToList (path: interpreter: [
      (inMain path)
      (interpreterPath interpreter)
    ]) scripts
  );
  environment = table (
    lib.mapAttrsToList (variable: path: [
      variable
      path
    ]) environment
  );
  wrapperShell = lib.optionalString (environment != { }) "${programs.bash}/bin/bash";
  cLibrary = lib.optionalString (elf != [ ]) "${glibc}";
}
