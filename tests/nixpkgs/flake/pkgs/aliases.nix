# nixpkgs' other names for what the machine has. An alias whose program the machine lacks
# throws when it is used, and says which Debian package would bring it.
{
  lib,
  final,
  programs,
}:
let
  other = {
    bashInteractive = "bash";
    bashNonInteractive = "bash";
    runtimeShellPackage = "bash";
    gawkInteractive = "gawk";
    gitMinimal = "git";
    gitFull = "git";
    nodejs_20 = "nodejs";
    nodejs_22 = "nodejs";
    nodejs_24 = "nodejs";
    nodejs-slim = "nodejs";
    perl540 = "perl";
    util-linuxMinimal = "util-linux";
    uutils-coreutils = "coreutils";
    binutils-unwrapped = "binutils";
    bintools = "binutils";
    curlMinimal = "curl";
    wget1 = "wget";
    nixVersions_stable = "nix";
  };

  # Attributes that must exist whatever the machine has: evaluating a spec that names one must
  # fail with a reason, not with "attribute missing", which is a mistake in the spec.
  expected = [
    "bubblewrap"
    "dbus"
    "gawk"
    "jq"
    "nodejs"
    "python3"
    "ripgrep"
    "socat"
    "strace"
    "xdg-dbus-proxy"
  ];

  find =
    name:
    programs.${name}
      or (throw "the machine that this stand-in nixpkgs was made on has no `${name}`: run scripts/install-nix --programs, then scripts/make-standin");
in
lib.genAttrs (builtins.filter (name: !(programs ? ${name})) expected) find
// lib.mapAttrs (_: find) other
// {
  runtimeShell = "${find "bash"}/bin/bash";

  # In nixpkgs, too, this is a set of single programs.
  unixtools = {
    procps = find "procps";
    ps = find "ps";
    top = find "procps";
    mount = find "util-linux";
    getopt = find "util-linux";
    getent = final.glibc;
  };

  glibcLocales = final.glibc;
  dockerTools.caCertificates = find "cacert";
  nixVersions = {
    stable = find "nix";
    latest = find "nix";
  };
  nodePackages = { };
  emptyDirectory = final.runCommand "empty-directory" { } "mkdir $out";
  emptyFile = final.runCommand "empty-file" { } "touch $out";
  writers = {
    writeBash = final.writeShellScript;
    writeBashBin = final.writeShellScriptBin;
  };
  shadow = final.runCommand "shadow-standin" { meta.mainProgram = "nologin"; } ''
    mkdir -p $out/bin
    printf '#!%s\necho "This account is not available."\nexit 1\n' ${final.runtimeShell} >$out/bin/nologin
    chmod +x $out/bin/nologin
  '';
}
