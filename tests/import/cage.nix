# A cage of ai-cage.
{
  inputs.ai-cage.url = "github:rolfst/ai-cage";
  outputs =
    { nixpkgs, ai-cage, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      makeCage = ai-cage.lib.cage { inherit pkgs; };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [
          (makeCage {
            name = "review";
            profile = "aiAgent";
            argv = [ "${pkgs.bashInteractive}/bin/bash" ];
            packages = with pkgs; [
              coreutils
              git
            ];
            filesystem.ro = [ "$ORIG_HOME/.gitconfig" ];
            env.pass = [ "REVIEW_TOKEN" ];
          })
        ];
      };
    };
}
