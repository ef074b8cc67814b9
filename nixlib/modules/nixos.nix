# The NixOS module: `programs.jailgen.jails.<name> = { spec = ./x.jail; }` puts the jail's command into the system's path.
{ library }:
{ config, ... }:
{
  imports = [ (import ./jails.nix { inherit library; }) ];

  config.environment.systemPackages = config.programs.jailgen.wrappers;
}
