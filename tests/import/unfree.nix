# Unfree packages by name, the Android SDK's licence, and a second nixpkgs.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";
  inputs.nixpkgs-unstable.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  outputs =
    { nixpkgs, nixpkgs-unstable, jail-nix, ... }:
    let
      system = "x86_64-linux";
      allowed = [ "google-chrome" ];
      pkgs = import nixpkgs {
        inherit system;
        config = {
          android_sdk.accept_license = true;
          allowUnfreePredicate = pkg: builtins.elem (nixpkgs.lib.getName pkg) allowed;
        };
      };
      unstable = import nixpkgs-unstable { inherit system; };
      jail = jail-nix.lib.init pkgs;
    in
    {
      packages.${system}.browser = jail "browser" unstable.hello (with jail.combinators; [
        gui
        (add-pkg-deps [ pkgs.git ])
      ]);
    };
}
