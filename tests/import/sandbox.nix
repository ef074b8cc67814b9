# A sandbox of agent-sandbox.nix.
let
  pkgs = import <nixpkgs> { config.allowUnfreePredicate = pkg: pkgs.lib.getName pkg == "reviewer"; };
  sandbox = import (fetchTarball "https://example.com/agent-sandbox.tar.gz") { inherit pkgs; };
  tools = sandbox.commonTools ++ [ pkgs.nodejs ];
in
pkgs.mkShell {
  packages = [
    (sandbox.mkSandbox {
      pkg = pkgs.bashInteractive;
      binName = "bash";
      outName = "reviewer-sandboxed";
      allowedPackages = tools;
      allowNix = true;
      rwDirs = [ "$HOME/.reviewer" ];
      roFiles = [ "~/.config/git/config" ];
      env = {
        REVIEWER_TOKEN = "$REVIEWER_TOKEN";
        REVIEWER_HOME = "$HOME/.reviewer";
        REVIEWER_MODE = "strict";
        REVIEWER_KEY = "$(cat /run/secrets/reviewer)";
      };
      allowedDomains = {
        "example.com" = "*";
        "api.example.org" = [
          "GET"
          "HEAD"
        ];
      };
      allowedLocalPorts = [ 5432 ];
    })
    (sandbox.mkSandbox {
      pkg = pkgs.coreutils;
      binName = "ls";
      outName = "open-ls";
      allowedPackages = [ ];
    })
    (sandbox.mkSandbox {
      pkg = pkgs.coreutils;
      binName = "cat";
      outName = "listed-cat";
      allowedPackages = [ pkgs.git ];
      allowedDomains = [ "example.net" ];
    })
  ];
}
