# How an emitted flake names the flake that built its jailgen: by revision where it is published and has one, else
# by the source in the store.
#
#   published  the repository (repository.nix)
{
  self,
  published ? import ./repository.nix,
}:
let
  isPublished = self ? rev && published != null;
  github = {
    type = "github";
    inherit (published) owner repo;
    inherit (self) rev;
  };
  path = {
    type = "path";
    path = "${self}";
  };
  original = if isPublished then github else path;
in
{
  inherit original;
  url =
    if isPublished then "github:${github.owner}/${github.repo}/${github.rev}" else "path:${path.path}";
  locked = original // {
    inherit (self) narHash;
  };
  # Its inputs are those of the emitted flake, which pins them.
  follows = [
    "llm-agents"
    "nixpkgs"
  ];
  version = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package.version;
}
