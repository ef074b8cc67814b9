# The systems that flakes are written for. This machine's is built, the others evaluate.
let
  linux = [
    "x86_64-linux"
    "aarch64-linux"
  ];
  darwin = [
    "x86_64-darwin"
    "aarch64-darwin"
  ];
in
{
  flakeExposed = linux ++ darwin;
  doubles = {
    inherit linux darwin;
    all = linux ++ darwin;
  };
  platforms = {
    inherit linux darwin;
    unix = linux ++ darwin;
    all = linux ++ darwin;
  };

  # A platform as `stdenv.hostPlatform` has it.
  elaborate =
    system:
    let
      parts = builtins.match "([^-]+)-(.+)" system;
      cpu = builtins.elemAt parts 0;
      kernel = builtins.elemAt parts 1;
      isLinux = kernel == "linux";
      isDarwin = kernel == "darwin";
    in
    {
      inherit system isLinux isDarwin;
      isUnix = true;
      isx86_64 = cpu == "x86_64";
      isAarch64 = cpu == "aarch64";
      isMusl = false;
      isStatic = false;
      libc = if isLinux then "glibc" else "libSystem";
      config = if isLinux then "${cpu}-unknown-linux-gnu" else "${cpu}-apple-darwin";
    };
}
