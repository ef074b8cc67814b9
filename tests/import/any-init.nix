# The library under other names, and in other ways: pinned sources, a folder, a flake-parts module.
{ inputs, ... }:
{
  perSystem =
    {
      config,
      pkgs,
      system,
      inputs',
      ...
    }:
    let
      sources = import ./npins;
      sandbox = (import "${sources.jail}/lib").init pkgs;
      fetched = import (builtins.fetchGit { url = "https://example.com/jail"; }) { };
      old = fetched.init pkgs;
      other = inputs.bubble.lib.init pkgs;
      homeBind = with sandbox.combinators; path: rw-bind (noescape path) (noescape path);
    in
    {
      packages.editor = sandbox "editor" pkgs.bashInteractive [ (homeBind "~/projects") ];
      packages.old = old "old" pkgs.coreutils (c: [ c.network ]);
      devShells.default = pkgs.mkShell {
        packages = [
          (other "agent" inputs'.llm-agents.packages.opencode (with other.combinators; [ mount-cwd ]))
        ];
      };
    };
}
