# The agents that nixpkgs has itself. They are those of tests/llm-agents, put beside this file
# when the stand-in is made, under nixpkgs' names and with its licence check.
{ lib, final }:
let
  agents = import ../agents/agents.nix { inherit lib; };
  makeAgent = final.callPackage ../agents/make-agent.nix { };
  build = name: makeAgent name agents.${name};
in
{
  amp-cli = build "amp";
  claude-code = build "claude-code";
  codex = build "codex";
  crush = build "crush";
  cursor-cli = build "cursor-agent";
  gemini-cli = build "gemini-cli";
  github-copilot-cli = build "copilot-cli";
  goose-cli = build "goose-cli";
  opencode = build "opencode";
  pi-coding-agent = build "pi";
  qwen-code = build "qwen-code";
}
