# What all jails of the team have. The names of combinators and `pkgs` are in scope here as in the spec itself.
{
  options = [
    no-new-session
    (set-hostname "jail")
    (try-readonly (noescape "~/.config/git/config"))
    (try-fwd-env "COLORTERM")
  ];

  # What the agent itself asks for, and the team's own services.
  hosts = [
    "@opencode"
    "git.example.com"
  ];

  packages = with pkgs; [
    bashInteractive
    coreutils
    curl
    diffutils
    findutils
    git
    gnugrep
    gnused
    jq
    ripgrep
  ];

  # An agent's own folders: configuration, data, state.
  state =
    agent:
    compose (
      map (folder: state-dir (noescape "~/${folder}/${agent}")) [
        ".config"
        ".local/share"
        ".local/state"
      ]
    );
}
