{ pkgs, jail, ... }:
{
  home.packages = [ (jail "from-imports" pkgs.coreutils [ ]) ];
}
