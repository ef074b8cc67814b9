# stdenv: a shell, the usual tools and mkDerivation. There is no compiler in it.
{
  lib,
  config,
  system,
  programs,
}:
let
  shell = "${programs.bash}/bin/bash";
  platform = lib.systems.elaborate system;
  makeDerivation = import ./make-derivation.nix { inherit lib config; };

  # A machine that lacks one of them (patch, for instance) has a stdenv without it.
  initialPath = builtins.concatMap (name: lib.optional (programs ? ${name}) programs.${name}) [
    "bash"
    "coreutils"
    "gnused"
    "gnugrep"
    "gawk"
    "findutils"
    "diffutils"
    "gnutar"
    "gzip"
    "xz"
    "bzip2"
    "gnupatch"
  ];

  # Nothing of these is for the builder.
  notForTheBuilder = [
    "meta"
    "passthru"
    "pos"
    "finalPackage"
    "strictDeps"
    "nativeCheckInputs"
    "realBuilder"
  ];

  toArguments =
    attributes:
    removeAttrs attributes notForTheBuilder
    // {
      inherit system;
      stdenv = package;
      # `nix develop` works with derivations whose builder is called bash.
      builder = attributes.realBuilder or shell;
      args =
        attributes.args or [
          "-e"
          (attributes.builder or ./builder.sh)
        ];
      outputs = attributes.outputs or [ "out" ];
      nativeBuildInputs =
        attributes.nativeBuildInputs or [ ]
        ++ lib.optionals (attributes.doCheck or false) (attributes.nativeCheckInputs or [ ]);
      buildInputs = attributes.buildInputs or [ ] ++ attributes.propagatedBuildInputs or [ ];
    };

  mkDerivation = makeDerivation toArguments;

  package = derivation {
    name = "stdenv-linux";
    inherit system shell;
    builder = shell;
    args = [
      "-e"
      ./build-stdenv.sh
    ];
    PATH = lib.makeBinPath initialPath;
    setup = ./setup.sh;
    defaultBuilder = ./builder.sh;
  };
in
package
// {
  inherit
    lib
    system
    shell
    initialPath
    mkDerivation
    ;
  hostPlatform = platform;
  buildPlatform = platform;
  targetPlatform = platform;
  inherit (platform)
    isLinux
    isDarwin
    isx86_64
    isAarch64
    ;
  shellPackage = programs.bash;
}
