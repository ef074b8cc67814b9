# The kit as a folder: what an emitted flake needs of jailgen, for `jailgen build --kit path:…`. `make kit` puts together the same
# of what cargo built.
{
  stdenv,
  runCommand,
  jailgen,
  jail-broker,
  jail-host,
  jail-probe,
  jail-stub,
}:
let
  inherit (stdenv.hostPlatform) system;
in
# Nix copies a flake of another name once more.
runCommand "source" { meta.description = "The Nix library and the tools of jailgen, as a flake"; }
  ''
    tools=$out/tools/${system}
    mkdir -p "$tools/jail-stub/bin" "$tools/jail-host/bin" "$tools/jail-broker/bin"
    cp ${../templates/kit/flake.nix} "$out/flake.nix"
    cp -R ${../nixlib} "$out/nixlib"
    cp ${jail-stub}/bin/jail-stub "$tools/jail-stub/bin/jail-stub"
    cp ${jail-host}/bin/jail-host "$tools/jail-host/bin/jail-host"
    cp ${jail-broker}/bin/jail-broker "$tools/jail-broker/bin/jail-broker"
    cp ${jail-probe}/bin/jail-probe "$tools/jail-probe"
    cp ${jailgen}/bin/jailgen "$tools/jailgen"
  ''
