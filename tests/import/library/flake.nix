# A flake whose jails are made by a library of its own, in files below it.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  outputs =
    { nixpkgs, jail-nix, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      agents = import ./lib {
        inherit pkgs jail-nix;
        workspace = "~/work";
      };
    in
    {
      packages.${system} = {
        review = agents.makeAgent { name = "review"; };
        tool = pkgs.callPackage ./tools/tool.nix { inherit jail-nix; };
      };
      homeModules.default = import ./module.nix jail-nix;
    };
}
