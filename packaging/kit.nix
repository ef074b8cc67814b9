# How an emitted flake names the flake that built its jailgen: by revision where there is one, else by
# the source in the store.
{ self }:
let
  github = {
    type = "github";
    owner = "jailgen";
    repo = "jailgen";
    inherit (self) rev;
  };
  path = {
    type = "path";
    path = "${self}";
  };
  original = if self ? rev then github else path;
in
{
  inherit original;
  url =
    if self ? rev then "github:${github.owner}/${github.repo}/${github.rev}" else "path:${path.path}";
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
