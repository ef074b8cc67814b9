# What each stand-in agent does like the real one. Observed on the npm packages of the agents,
# run without a terminal:
#   state     folders in the home folder that it must be able to write
#   scratch   folders outside of it that it writes, `UID` being the user's number
#   needsScratch  whether it fails without them
#   shell     what it runs a command line with: a path, `bash` from PATH, $SHELL, or the shell
#             that /etc/passwd names
{ lib }:
let
  inherit (lib.licenses) asl20 mit unfree;
in
{
  amp = {
    program = "amp";
    license = unfree;
    state = [
      ".config/amp"
      ".local/share/amp"
    ];
  };
  claude-code = {
    program = "claude";
    license = unfree;
    state = [
      ".claude"
      ".config/anthropic"
    ];
    scratch = [ "/tmp/claude-UID" ];
    shell = "/bin/bash";
    # Rewritten at each start: a new file renamed over it, or in place where that is refused.
    stateFile = ".claude.json";
    # Taken instead where it is there, in the state folder.
    stateFileInside = ".config.json";
    configVariable = "CLAUDE_CONFIG_DIR";
    # Without its state it ends with status 0, having done nothing.
    quietWithoutState = true;
  };
  codex = {
    program = "codex";
    license = asl20;
    state = [ ".codex" ];
    scratch = [ "/var/tmp" ];
    shell = "passwd";
  };
  copilot-cli = {
    program = "copilot";
    license = unfree;
    state = [
      ".copilot"
      ".cache/copilot"
    ];
    scratch = [ "/tmp/node-compile-cache" ];
    shell = "/bin/bash";
  };
  crush = {
    program = "crush";
    license = mit;
    state = [
      ".config/crush"
      ".local/share/crush"
    ];
  };
  cursor-agent = {
    program = "cursor-agent";
    license = unfree;
    state = [
      ".cursor"
      ".config/cursor"
    ];
  };
  gemini-cli = {
    program = "gemini";
    license = asl20;
    state = [ ".gemini" ];
    scratch = [ "/tmp/gemini-shell-standin" ];
    needsScratch = true;
  };
  goose-cli = {
    program = "goose";
    license = asl20;
    state = [
      ".config/goose"
      ".local/share/goose"
      ".local/state/goose"
    ];
  };
  hermes-agent = {
    program = "hermes";
    license = mit;
    state = [ ".hermes" ];
  };
  opencode = {
    program = "opencode";
    license = mit;
    state = [
      ".config/opencode"
      ".local/share/opencode"
      ".local/state/opencode"
      ".cache/opencode"
    ];
    scratch = [ "/tmp" ];
    shell = "SHELL";
  };
  opencode2 = {
    program = "opencode2";
    license = mit;
    state = [
      ".config/opencode"
      ".local/share/opencode"
      ".local/state/opencode"
    ];
  };
  pi = {
    program = "pi";
    license = mit;
    state = [ ".pi/agent" ];
    shell = "/bin/bash";
  };
  qwen-code = {
    program = "qwen";
    license = asl20;
    state = [ ".qwen" ];
  };
}
