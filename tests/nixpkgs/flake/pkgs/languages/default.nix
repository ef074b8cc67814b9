# Python with its packages, and Go.
{
  lib,
  final,
  machine,
  programs,
}:
let
  python3 =
    if programs ? python3 then
      lib.makeOverridable (import ./python.nix {
        inherit lib final;
        inherit (machine) python;
        interpreter = programs.python3;
      }) { }
    else
      throw "the machine that this stand-in nixpkgs was made on has no Debian `python3`";
in
{
  inherit python3;
  python311 = python3;
  python312 = python3;
  python313 = python3;
  python314 = python3;
  python3Minimal = python3;
  python3Packages = python3.pkgs;
  python312Packages = python3.pkgs;
  python313Packages = python3.pkgs;

  go = final.callPackage ./go.nix { };
  buildGoModule = arguments: throw "the stand-in nixpkgs has no Go compiler";
}
