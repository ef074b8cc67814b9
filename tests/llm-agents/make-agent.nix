# One stand-in agent: agent.sh with the agent's entry of agents.nix filled in.
{
  lib,
  stdenv,
  coreutils,
}:
name:
{
  program,
  license,
  state,
  scratch ? [ ],
  needsScratch ? false,
  shell ? "bash",
  stateFile ? "",
  stateFileInside ? "",
  configVariable ? "",
  quietWithoutState ? false,
}:
stdenv.mkDerivation {
  pname = name;
  version = "1.0-standin";
  dontUnpack = true;

  settings = lib.concatStrings (
    lib.mapAttrsToList (variable: value: "${variable}=${lib.escapeShellArg value}\n") {
      inherit
        name
        program
        stateFile
        stateFileInside
        configVariable
        ;
      states = lib.concatStringsSep " " state;
      scratches = lib.concatStringsSep " " scratch;
      needsScratch = lib.boolToString needsScratch;
      shellKind = shell;
      quietWithoutState = lib.boolToString quietWithoutState;
      coreutils = "${coreutils}/bin";
    }
  );
  installPhase = ''
    mkdir -p "$out/bin"
    {
      printf '#!%s\n' "$shell"
      printf '%s' "$settings"
      cat ${./agent.sh}
    } >"$out/bin/$program"
    chmod +x "$out/bin/$program"
  '';
  inherit program;

  passthru.category = "AI Coding Agents";
  meta = {
    description = "A script in the place of ${name}, for jailgen's tests";
    mainProgram = program;
    inherit license;
  };
}
