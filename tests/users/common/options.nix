# What 23-imported.jail shares with others of its team.
{ pkgs }:
{
  permissions = [
    mount-cwd
    (set-env "TEAM" "blue")
    (add-pkg-deps [
      pkgs.jq
      pkgs.coreutils
    ])
  ];
}
