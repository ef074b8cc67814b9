//! The base.

use super::row::{Probe, ROW, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "base",
        spec: "(add-pkg-deps [ pkgs.gnugrep ])",
        host: "echo private >~/notes; echo shared >/tmp/row-base-$(id -u)",
        env: &[("ROW_TOKEN", "1"), ("COLORTERM", "truecolor"), ("TERM", "xterm")],
        probes: &[
            Probe::Works("[ -r /proc/self/status ] && : </dev/null && : >/dev/shm/x"),
            Probe::Works("echo x >~/x && echo x >/tmp/x && echo x >/var/tmp/x"),
            Probe::Works("/bin/sh -c : && /bin/bash -c : && /usr/bin/env true"),
            Probe::Works("[ \"$COLORTERM $TERM\" = 'truecolor xterm' ]"),
            Probe::Works("[ \"$TZ\" = UTC ] && [ \"$USER\" = row ] && [ -x \"$SHELL\" ]"),
            Probe::Works("[ \"$(cat /etc/hostname)\" = row-base ] && grep -q row-base /etc/hosts"),
            Probe::Refuses("cat ~/notes"),
            Probe::Refuses("cat /tmp/row-base-$(id -u)"),
            Probe::Refuses("cat /etc/os-release"),
            Probe::Refuses("[ -n \"$ROW_TOKEN\" ]"),
            Probe::Denies("echo x >/x || mkdir /usr/x"),
            Probe::Denies("echo x >/proc/sys/kernel/hostname"),
            Probe::Left("rm /tmp/row-base-$(id -u); ! [ -e ~/x ]"),
        ],
        ..ROW
    },
    Row {
        name: "bind-nix-store-runtime-closure",
        spec: "(set-env \"JQ\" \"${pkgs.jq}\")",
        probes: &[
            Probe::Grants("[ -x \"$JQ\"/bin/jq ]"),
            Probe::Refuses(
                "for path in /nix/store/*; do case $path in *-source) exit 0; esac; done; exit 1",
            ),
            Probe::Denies("touch /nix/store/x || touch \"$JQ\"/x"),
        ],
        ..ROW
    },
    Row {
        name: "fake-passwd",
        spec: "(add-pkg-deps [ pkgs.gnugrep ])",
        probes: &[
            Probe::Works("id -un && grep -q \":$(id -u):\" /etc/passwd && [ -s /etc/group ]"),
            Probe::Works("grep -q '^hosts:.*dns' /etc/nsswitch.conf"),
            Probe::Refuses("grep -q '^daemon:' /etc/passwd"),
        ],
        ..ROW
    },
];
