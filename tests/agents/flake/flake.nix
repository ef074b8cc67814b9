# The shape of the llm-agents flake, with real agents in it: their npm packages as `tests/agents/run` has installed them
# on this machine. agents.json next to this file, written by install.py, says where.
{
  description = "Real agents for jailgen's make test-agents";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  # The real flake has more inputs; a lock file that was made for it must do for this one.
  outputs =
    { nixpkgs, ... }:
    let
      installed = builtins.fromJSON (builtins.readFile ./agents.json);
      pkgs = import nixpkgs { inherit (installed) system; };
    in
    {
      packages.${installed.system} = nixpkgs.lib.mapAttrs (
        name: agent: pkgs.callPackage ./make-agent.nix { } (agent // { inherit name; })
      ) installed.agents;
    };
}
