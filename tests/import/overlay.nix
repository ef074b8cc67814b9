# An overlay that puts packages into jails.
{
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  outputs =
    { self, nixpkgs, jail-nix }:
    {
      overlays.default =
        final: prev:
        jail-nix.lib.mkOverlay {
          inherit final prev;
          packages =
            combinators: with combinators; {
              nodejs = [
                network
                mount-cwd
              ];
              coreutils = c: [ (c.add-pkg-deps [ prev.git ]) ];
            };
        };
    };
}
