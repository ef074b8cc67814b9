# Common options, a factory, and jails for two languages with their caches.
{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    jail-nix.url = "github:alexdavid/jail.nix";
    flake-utils.url = "github:numtide/flake-utils";
  };
  outputs =
    { self, nixpkgs, jail-nix, flake-utils }:
    flake-utils.lib.eachDefaultSystem (
      system:
      let
        pkgs = import nixpkgs { inherit system; };
        jail = jail-nix.lib.init pkgs;

        # The policy that all jails share.
        commonJailOptions = with jail.combinators; [
          network
          time-zone
          mount-cwd
          mount-dev
          mount-proc
          no-new-session
        ];

        makeJailedAgent =
          { name, packages }:
          jail name pkgs.bashInteractive (
            with jail.combinators;
            (
              commonJailOptions
              ++ [
                (readwrite (noescape "~/.cache/${name}"))
                (readwrite (noescape "~/.local/share/${name}"))
                (add-pkg-deps packages)
              ]
            )
          );

        makeJailedGo =
          { extraPkgs ? [ ] }:
          jail "jailed-go" pkgs.go (
            with jail.combinators;
            commonJailOptions
            ++ [
              # Builds stay fast.
              (readwrite (noescape "~/.cache/go-build"))
              (add-pkg-deps ([ pkgs.go pkgs.gopls pkgs.git ] ++ extraPkgs))
            ]
          );

        makeJailedPython =
          { pythonPkgs ? [ ] }:
          let
            pythonEnv = pkgs.python3.withPackages (ps: with ps; [ numpy requests ] ++ pythonPkgs);
          in
          jail "jailed-python" pythonEnv (
            with jail.combinators;
            commonJailOptions
            ++ [
              (mount "tmpfs" "/tmp")
              (add-pkg-deps [ pythonEnv pkgs.bashInteractive ])
            ]
          );
      in
      {
        packages.python = makeJailedPython { };
        devShells.default = pkgs.mkShell {
          packages = [
            pkgs.nixd
            (makeJailedAgent {
              name = "basic-agent";
              packages = [ pkgs.curl pkgs.git ];
            })
            (makeJailedGo { extraPkgs = [ pkgs.gcc ]; })
          ];
        };
      }
    );
}
