//! Agents and daemons of the user's.

use super::desktop::session;
use super::row::{Probe, ROW, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "gpg-agent",
        spec: "gpg-agent",
        host: session!(
            "mkdir -p ~/.gnupg/private-keys-v1.d; echo public >~/.gnupg/pubring.kbx; echo secret >~/.gnupg/private-keys-v1.d/key; listen ~/run/gnupg/S.gpg-agent; listen ~/run/gnupg/S.gpg-agent.extra"
        ),
        env: &[("XDG_RUNTIME_DIR", "$HOME/run")],
        probes: &[
            Probe::Grants(
                "[ -S ~/.gnupg/S.gpg-agent ] && cat ~/.gnupg/pubring.kbx && echo lock >~/.gnupg/lock",
            ),
            Probe::Works("[ \"$(stat -c %a ~/.gnupg)\" = 700 ]"),
            Probe::Refuses("cat ~/.gnupg/private-keys-v1.d/key"),
            Probe::Refuses("[ -S ~/run/gnupg/S.gpg-agent ]"),
            Probe::Refuses("[ -S ~/run/other ]"),
            Probe::Left("! [ -e ~/.gnupg/lock ]"),
        ],
        ..ROW
    },
    Row {
        name: "nix-daemon",
        spec: "nix-daemon",
        host: session!("listen ~/run/nix"),
        env: &[("NIX_DAEMON_SOCKET_PATH", "$HOME/run/nix")],
        probes: &[
            Probe::Grants(
                "[ -S /nix/var/nix/daemon-socket/socket ] && [ \"$NIX_REMOTE\" = daemon ]",
            ),
            Probe::Grants(
                "for path in /nix/store/*; do case $path in *-source) exit 0; esac; done; exit 1",
            ),
            Probe::Refuses("ls /nix/var/nix/db"),
            Probe::Denies("touch /nix/store/x"),
        ],
        ..ROW
    },
    Row {
        name: "ssh-agent",
        spec: "ssh-agent (add-pkg-deps [ pkgs.openssh ])",
        // Named in two steps: the agent's process is the script's child and ends with it.
        host: "mkdir -p ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id; ssh-agent -D -a ~/agent >/dev/null & until [ -S ~/agent ]; do sleep 0.01; done; SSH_AUTH_SOCK=~/agent ssh-add -q ~/.ssh/id",
        env: &[("SSH_AUTH_SOCK", "$HOME/agent")],
        probes: &[
            Probe::Works(
                "ssh-add -l | while read -r _ print _; do [ -n \"$print\" ]; done && ssh-add -l",
            ),
            Probe::Grants("[ -S \"$SSH_AUTH_SOCK\" ]"),
            Probe::Refuses("cat ~/.ssh/id"),
        ],
        ..ROW
    },
];
