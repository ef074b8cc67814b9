{
  jail-nix,
  pkgs,
  jq,
  extra ? [ ],
}:
let
  jail = jail-nix.lib.init pkgs;
in
jail "tool" jq (c: [ (c.add-pkg-deps ([ jq ] ++ extra)) ])
