jail-nix:
{ pkgs, config, ... }:
let
  jail = jail-nix.lib.init pkgs;
in
{
  imports = [ ./more.nix ];
  home.packages = [ (jail "from-module" pkgs.coreutils [ ]) ];
}
