# Texts and scripts as packages.
{
  lib,
  stdenv,
  final,
}:
let
  shell = stdenv.shell;
  checkSyntax = ''${shell} -n "$target"'';
in
{
  writeTextFile =
    {
      name,
      text,
      executable ? false,
      destination ? "",
      checkPhase ? "",
      meta ? { },
      passthru ? { },
      allowSubstitutes ? false,
      preferLocalBuild ? true,
      derivationArgs ? { },
    }:
    final.runCommand name
      (
        {
          inherit
            text
            checkPhase
            destination
            passthru
            allowSubstitutes
            preferLocalBuild
            ;
          isExecutable = executable;
          passAsFile = [ "text" ];
          meta =
            lib.optionalAttrs (executable && lib.hasPrefix "/bin/" destination) {
              mainProgram = lib.removePrefix "/bin/" destination;
            }
            // meta;
        }
        // derivationArgs
      )
      ''
        target=$out$destination
        mkdir -p "$(dirname "$target")"
        if [ -e "''${textPath:-}" ]; then
          cp "$textPath" "$target"
        else
          printf '%s' "$text" >"$target"
        fi
        if [ -n "$isExecutable" ]; then
          chmod +x "$target"
        fi
        eval "$checkPhase"
      '';

  writeText = name: text: final.writeTextFile { inherit name text; };
  writeTextDir =
    path: text:
    final.writeTextFile {
      inherit text;
      name = builtins.baseNameOf path;
      destination = "/${path}";
    };
  writeScript =
    name: text:
    final.writeTextFile {
      inherit name text;
      executable = true;
    };
  writeScriptBin =
    name: text:
    final.writeTextFile {
      inherit name text;
      executable = true;
      destination = "/bin/${name}";
    };
  writeShellScript =
    name: text:
    final.writeTextFile {
      inherit name;
      executable = true;
      text = "#!${shell}\n${text}\n";
      checkPhase = checkSyntax;
    };
  writeShellScriptBin =
    name: text:
    final.writeTextFile {
      inherit name;
      executable = true;
      destination = "/bin/${name}";
      text = "#!${shell}\n${text}\n";
      checkPhase = checkSyntax;
    };

  # nixpkgs checks such scripts with shellcheck; here the shell's own syntax check has to do.
  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
      runtimeEnv ? { },
      meta ? { },
      passthru ? { },
      checkPhase ? null,
      excludeShellChecks ? [ ],
      extraShellCheckFlags ? [ ],
      bashOptions ? [
        "errexit"
        "nounset"
        "pipefail"
      ],
      derivationArgs ? { },
      inheritPath ? true,
    }:
    let
      options = lib.concatMapStrings (option: "set -o ${option}\n") bashOptions;
      variables = lib.concatStrings (
        lib.mapAttrsToList (variable: value: ''
          ${variable}=${lib.escapeShellArg value}
          export ${variable}
        '') (if runtimeEnv == null then { } else runtimeEnv)
      );
      path = lib.optionalString (runtimeInputs != [ ] || !inheritPath) ''
        export PATH="${lib.makeBinPath runtimeInputs}${lib.optionalString inheritPath ":$PATH"}"
      '';
    in
    final.writeTextFile {
      inherit name passthru derivationArgs;
      executable = true;
      destination = "/bin/${name}";
      text = "#!${shell}\n${options}${variables}${path}\n${text}\n";
      checkPhase = if checkPhase == null then checkSyntax else checkPhase;
      meta = {
        mainProgram = name;
      }
      // meta;
    };
}
