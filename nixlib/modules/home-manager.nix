# The home-manager module: `programs.jailgen.jails.<name> = { spec = ./x.jail; }` puts the jail's command into the user's path.
{ library }:
{ config, ... }:
{
  imports = [ (import ./jails.nix { inherit library; }) ];

  config.home.packages = config.programs.jailgen.wrappers;
}
