# A module with options of its own: what only the configuration around it knows becomes a hole.
{
  config,
  lib,
  pkgs,
  jail-nix,
  tools,
  ...
}:
let
  cfg = config.programs.reviewer;
  jail = jail-nix.lib.init pkgs;
  linter = tools.packages.${pkgs.system}.lint;
in
{
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [
      (jail "reviewer" pkgs.bashInteractive (c: [
        c.mount-cwd
        (c.add-pkg-deps ([ pkgs.git linter ] ++ cfg.extraPackages))
      ]))
      (jail "offline" pkgs.coreutils (c: [ c.mount-cwd ]))
    ];
  };
}
