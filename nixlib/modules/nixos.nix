# The NixOS module: `programs.jailgen.jails.<name> = { spec = ./x.jail; }` puts the jail's command into the system's path;
# `dedicatedUsers` makes users for jails.
{ library }:
{ config, ... }:
{
  imports = [
    (import ./jails.nix { inherit library; })
    ./dedicated-users.nix
  ];

  config.environment.systemPackages = config.programs.jailgen.wrappers;
}
