# Combinators and first permissions of the flake's own.
{
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  outputs =
    { nixpkgs, jail-nix, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      jail = jail-nix.lib.extend {
        inherit pkgs;
        additionalCombinators =
          builtin: with builtin; {
            # A folder of the home at its own place.
            in-home = path: try-readwrite (noescape "~/${path}");
            tools = add-pkg-deps [
              pkgs.git
              pkgs.jq
            ];
          };
        basePermissions = c: [
          c.base
          c.fake-passwd
          c.bind-nix-store-runtime-closure
          c.time-zone
        ];
      };
    in
    {
      packages.x86_64-linux = {
        shell = jail "shell" pkgs.bashInteractive (c: [
          c.mount-cwd
          c.tools
          (c.in-home ".cache/shell")
        ]);
        plain = jail "plain" pkgs.coreutils (with jail.combinators; [ tools ]);
        bare = jail "bare" pkgs.coreutils null;
      };
    };
}
