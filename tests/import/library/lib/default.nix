{
  pkgs,
  jail-nix,
  workspace,
}:
let
  lib = pkgs.lib;
  jail = jail-nix.lib.init pkgs;
  common = with jail.combinators; [
    mount-cwd
    (try-readwrite (noescape workspace))
    (set-env "PROMPT" (lib.fileContents ./prompt.txt))
  ];
in
{
  makeAgent =
    {
      name,
      extraPkgs ? [ ],
    }:
    jail "jailed-${name}" pkgs.bashInteractive (
      with jail.combinators; common ++ [ (add-pkg-deps extraPkgs) ]
    );
}
