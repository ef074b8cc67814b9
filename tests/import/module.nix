# Part of a system's configuration, which gets the library as an argument.
{ pkgs, lib, jail-nix, ... }:
let
  jail = jail-nix.lib.init pkgs;
  inherit (jail) combinators;
  secretsOf = name: "/run/secrets/${name}";
in
{
  environment.systemPackages = lib.optionals true [
    (jail "jailed-review" pkgs.bashInteractive (c: [
      c.network
      c.mount-cwd
      (c.try-readonly (secretsOf "review"))
      (c.set-env "REVIEW" "1")
    ]))
    (jail "jailed-offline" pkgs.coreutils [
      combinators.mount-cwd
      (combinators.tmpfs "/scratch")
    ])
  ];
}
