# What a spec cannot say is reported, each with its line.
{
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  outputs =
    { self, nixpkgs, jail-nix }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      jail = jail-nix.lib.extend {
        inherit pkgs;
        additionalCombinators = builtin: { offline = builtin.reset; };
      };
    in
    {
      packages.x86_64-linux = {
        many = map (name: jail name pkgs.hello [ ]) [ "a" "b" ];
        versioned = jail "versioned" pkgs.hello (c: [ (c.set-env "REV" self.rev) ]);
        one = jail "one" pkgs.hello (c: [ c.mount-cwd ]);
      };
    };
}
