# A flake that gives functions to others: they become functions of the spec.
{
  inputs.jail-nix.url = "github:alexdavid/jail.nix";
  inputs.llm-agents.url = "github:numtide/llm-agents.nix";
  outputs =
    { nixpkgs, jail-nix, llm-agents, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      jail = jail-nix.lib.init pkgs;

      # Every agent is made by this one.
      mkAgent =
        {
          name,
          package,
          extraPkgs ? [ ],
          options ? [ ],
        }:
        jail "jailed-${name}" package (
          with jail.combinators;
          [
            network
            mount-cwd
            (add-pkg-deps ([ pkgs.git ] ++ extraPkgs))
          ]
          ++ options
        );

      mkCrush = args: mkAgent ({ name = "crush"; package = llm-agents.packages.${system}.crush; } // args);
    in
    {
      lib.${system} = {
        inherit mkAgent mkCrush;
        mkShell =
          {
            extraPkgs ? [ pkgs.jq ],
          }:
          jail "jailed-shell" pkgs.bashInteractive (c: [ (c.add-pkg-deps extraPkgs) ]);
      };
      packages.${system}.opencode = mkAgent {
        name = "opencode";
        package = llm-agents.packages.${system}.opencode;
      };
    };
}
