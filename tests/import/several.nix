# Jails that a function makes of a list or of a set.
{
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  outputs =
    { nixpkgs, jail-nix, ... }:
    let
      inherit (nixpkgs) lib;
      systems = [ "x86_64-linux" ];
      forAll = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      packages = forAll (
        pkgs:
        let
          jail = jail-nix.lib.init pkgs;
          tools = {
            jsons = pkgs.jq;
            files = pkgs.coreutils;
          };
          wrap = name: package: jail "jailed-${name}" package (c: [ c.mount-cwd ]);
        in
        lib.mapAttrs wrap tools
        // {
          one = jail "one" pkgs.hello (c: [ c.network ]);
        }
      );
      devShells = forAll (
        pkgs:
        let
          jail = jail-nix.lib.init pkgs;
        in
        {
          default = pkgs.mkShell {
            packages = map (name: jail "shell-${name}" pkgs.bashInteractive (c: [ c.mount-cwd ])) [
              "a"
              "b"
            ];
          };
        }
      );
    };
}
