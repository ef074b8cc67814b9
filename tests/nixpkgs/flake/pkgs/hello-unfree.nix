# A package with an unfree licence, which nixpkgs has under this name for the same purpose.
{ hello, lib }:
hello.overrideAttrs (old: {
  pname = "example-unfree-package";
  meta = old.meta // {
    license = lib.licenses.unfree;
  };
})
