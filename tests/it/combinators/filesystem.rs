//! Files.

use super::row::{Example, Probe, ROW, Row, is_root};

const FILES: &str =
    "mkdir -p ~/data/deep; echo a >~/data/file; echo b >~/data/deep/file; echo c >~/other";

/// A tree with links of every kind.
const LINKS: &str = "mkdir -p ~/tree/a/b/c ~/elsewhere/inner-folder; cd ~/tree; echo h >.hidden; echo f >a/b/c/file; : >empty
echo o >~/elsewhere/file; echo i >~/elsewhere/inner-folder/inner
ln -s ~/elsewhere/file out; ln -s ../elsewhere/inner-folder folder; ln -s .hidden near; ln -s ~/nowhere gone
ln -s ~/tree/out ~/elsewhere/inner-folder/chain; ln -s .. ~/elsewhere/inner-folder/loop; cd ~/project";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "bind-device",
        spec: "(bind-device \"/dev/full\") (readonly \"/dev/zero\")",
        probes: &[
            Probe::Works("[ -c /dev/full ] && ! echo x >/dev/full && read -rn1 -d '' </dev/full"),
            Probe::Denies("[ -e /dev/mem ] || [ -e /dev/kmsg ] || [ -e /dev/fuse ]"),
        ],
        example: Example::MayStop("/dev/kvm"),
        ..ROW
    },
    Row {
        name: "bind-pkg",
        spec: "(bind-pkg \"/opt/jq\" pkgs.jq)",
        probes: &[
            Probe::Grants("/opt/jq/bin/jq --version || ls /opt/jq"),
            Probe::Denies("touch /opt/jq/x"),
        ],
        ..ROW
    },
    Row {
        name: "caches",
        spec: "(caches [ \"npm\" \"go\" ])",
        host: "mkdir -p ~/.npm ~/go/pkg/mod; echo own >~/.npm/package; echo own >~/go/pkg/mod/module",
        probes: &[
            Probe::Refuses("cat ~/.npm/package || cat ~/go/pkg/mod/module"),
            Probe::Works(
                "echo kept >$npm_config_cache/package && echo kept >$GOMODCACHE/module && [ $npm_config_cache = ~/.npm ]",
            ),
            Probe::Grants("[ \"$(cat ~/.npm/package ~/go/pkg/mod/module | uniq)\" = kept ]"),
            Probe::Denies("ls ~/.cache/jailgen"),
            Probe::Left("[ \"$(cat ~/.npm/package ~/go/pkg/mod/module | uniq)\" = own ]"),
            Probe::Left(
                "cd ~/.cache/jailgen/row-caches && [ \"$(stat -c %a . npm go/mod | uniq)\" = 700 ] && [ \"$(cat npm/package)\" = kept ]",
            ),
        ],
        ..ROW
    },
    Row {
        name: "follow-links",
        spec: "(state-dir (noescape \"~/.agent\")) (private-copies (noescape \"~/.agent\") [ \"settings.json\" ]) follow-links",
        // As home-manager writes it; and a link that an earlier session may have made.
        host: "mkdir ~/.agent; for j in /nix/store/*-jq-*-bin/bin/jq; do [ -x $j ] && break; done
echo \"{\\\"command\\\": \\\"$j\\\"}\" >~/.agent/settings.json
for g in /nix/store/*-gnugrep-*/bin/grep; do [ -x $g ] && break; done; ln -s $g ~/.agent/planted",
        probes: &[
            Probe::Grants(
                "settings=$(<~/.agent/settings.json) && jq=${settings#*: ?} && [ \"$(${jq%??} -n 1)\" = 1 ]",
            ),
            Probe::Works("[ -r ~/.agent/planted ]"),
            Probe::Refuses("~/.agent/planted --version"),
            Probe::Denies("touch /nix/store/x"),
        ],
        unable: || (!is_root()).then(|| ("root", "Nix's records are for root only".into())),
        ..ROW
    },
    Row {
        name: "mount",
        spec: "(mount \"tmpfs\" \"/var/cache\") (mount \"proc\" \"/p\") (mount \"devtmpfs\" \"/d\")",
        probes: &[
            Probe::Grants("echo x >/var/cache/x && [ -r /p/self/status ] && : >/d/null"),
            Probe::Denies("[ -e /d/sda ] || [ -e /d/kmsg ] || [ -e /d/mem ]"),
            Probe::Denies("[ -d /p/$PPID ] && [ \"$PPID\" -gt 3 ]"),
        ],
        ..ROW
    },
    Row {
        name: "mount-dev",
        spec: "reset mount-dev bind-nix-store-runtime-closure",
        probes: &[
            Probe::Works(": </dev/null && read -rn1 -d '' </dev/zero && [ -d /dev/pts ]"),
            Probe::Denies("[ -e /dev/kmsg ] || [ -e /dev/mem ] || [ -e /dev/fuse ]"),
        ],
        example: NO_PROGRAM,
        ..ROW
    },
    Row {
        name: "mount-proc",
        spec: "reset mount-proc bind-nix-store-runtime-closure",
        probes: &[
            Probe::Works("[ -r /proc/self/status ] && [ -d /proc/$$ ]"),
            Probe::Denies("echo x >/proc/sys/kernel/hostname || echo h >/proc/sysrq-trigger"),
            Probe::Denies("[ -d \"/proc/$(($$ + 1000))\" ] || [ -e /dev/null ]"),
        ],
        example: NO_PROGRAM,
        ..ROW
    },
    Row {
        name: "persist-home",
        spec: "(persist-home \"rows\")",
        host: "echo private >~/notes",
        probes: &[
            Probe::Works("echo kept >~/kept"),
            Probe::Grants("[ \"$(cat ~/kept)\" = kept ]"),
            Probe::Refuses("cat ~/notes"),
            Probe::Left(
                "[ \"$(cat ~/.local/share/jailgen/home/rows/kept)\" = kept ] && ! [ -e ~/kept ]",
            ),
        ],
        ..ROW
    },
    Row {
        name: "persist-project-home",
        spec: "(persist-project-home \"rows\") (readonly (noescape \"~/project\"))",
        host: "echo private >~/notes; mkdir -p ~/.local/share/jailgen/project-home/rows/other; echo b >~/.local/share/jailgen/project-home/rows/other/kept",
        probes: &[
            Probe::Works("echo kept >~/kept"),
            Probe::Grants("[ \"$(cat ~/kept)\" = kept ]"),
            Probe::Refuses("cat ~/notes"),
            Probe::Refuses("cat ~/.local/share/jailgen/project-home/rows/other/kept"),
            Probe::Left(
                "cd ~/.local/share/jailgen/project-home/rows && [ \"$(cat *-homes-row%2Dpersist%2Dproject%2Dhome-project/kept)\" = kept ]",
            ),
        ],
        ..ROW
    },
    Row {
        name: "readonly",
        spec: "(readonly (noescape \"~/data\"))",
        host: FILES,
        probes: &[
            Probe::Grants("[ \"$(cat ~/data/file ~/data/deep/file)\" = $'a\\nb' ]"),
            Probe::Refuses("echo x >>~/data/file"),
            Probe::Refuses("touch ~/data/deep/new && rm ~/data/deep/new"),
            Probe::Refuses("cat ~/other"),
        ],
        example: Example::MayStop("/etc/os-release"),
        ..ROW
    },
    Row {
        name: "readonly",
        case: "missing",
        spec: "(readonly (noescape \"~/missing\"))",
        host: "mkdir -p ~/missing",
        probes: &[
            Probe::Grants("[ -d ~/missing ]"),
            Probe::Stops { env: &[("HOME", "/nowhere")], says: "rows.jail:" },
        ],
        ..ROW
    },
    Row {
        name: "readonly-paths-from-var",
        spec: "(readonly-paths-from-var \"ROW_PATHS\" \":\")",
        host: FILES,
        env: &[("ROW_PATHS", "$HOME/data:$HOME/missing:/nowhere")],
        probes: &[
            Probe::Grants("cat ~/data/file"),
            Probe::Refuses("echo x >>~/data/file"),
            Probe::Refuses("cat ~/other"),
            Probe::Denies("[ -e ~/missing ] || [ -n \"$ROW_PATHS\" ]"),
        ],
        ..ROW
    },
    Row {
        name: "readwrite",
        spec: "(readwrite (noescape \"~/data\"))",
        host: FILES,
        probes: &[
            Probe::Grants("cat ~/data/file && echo written >~/data/new"),
            Probe::Refuses("cat ~/other"),
            Probe::Left("[ \"$(cat ~/data/new)\" = written ]"),
        ],
        example: Example::MayStop("go-build"),
        ..ROW
    },
    Row {
        name: "ro-bind",
        spec: "(ro-bind (noescape \"~/data\") \"/data\")",
        host: FILES,
        probes: &[
            Probe::Grants("[ \"$(cat /data/file)\" = a ]"),
            Probe::Denies("echo x >>/data/file"),
            Probe::Refuses("cat ~/data/file"),
        ],
        example: Example::MayStop("/srv/models"),
        ..ROW
    },
    Row {
        name: "rw-bind",
        spec: "(rw-bind (noescape \"~/data\") \"/data\")",
        host: FILES,
        probes: &[
            Probe::Grants("cat /data/file && echo written >/data/new"),
            Probe::Refuses("cat ~/data/file"),
            Probe::Left("[ \"$(cat ~/data/new)\" = written ]"),
        ],
        example: Example::MayStop("notes"),
        ..ROW
    },
    Row {
        name: "runtime-deep-ro-bind",
        spec: "(runtime-deep-ro-bind (noescape \"~/tree\"))",
        host: LINKS,
        probes: &[
            Probe::Says {
                script: "[ \"$(cat ~/tree/.hidden ~/tree/a/b/c/file ~/tree/out ~/tree/folder/inner ~/tree/folder/chain)\" = $'h\\nf\\no\\ni\\no' ]",
                says: "a symbolic link leads nowhere: ",
            },
            Probe::Grants(
                "[ -e ~/tree/empty ] && ! [ -s ~/tree/empty ] && [ -L ~/tree/near ] && [ \"$(cat ~/tree/near)\" = h ]",
            ),
            Probe::Works(
                "! [ -L ~/tree/out ] && ! [ -L ~/tree/folder ] && [ -L ~/tree/gone ] && ! [ -e ~/tree/gone ]",
            ),
            Probe::Works("[ -L ~/tree/folder/loop ]"),
            Probe::Refuses("echo x >>~/tree/out"),
            Probe::Refuses("echo x >~/tree/a/new && rm ~/tree/a/new"),
            Probe::Refuses("cat ~/elsewhere/file"),
            Probe::Denies("rm ~/tree/near || mkdir ~/tree/folder/new"),
            Probe::Left("[ -L ~/tree/out ] && [ -L ~/tree/near ] && ! [ -e ~/tree/folder/new ]"),
        ],
        example: Example::MayStop("/etc/ssl"),
        ..ROW
    },
    Row {
        name: "runtime-deep-ro-bind",
        case: "planted",
        spec: "(readwrite (noescape \"~/tree\")) (runtime-deep-ro-bind (noescape \"~/tree\"))",
        host: LINKS,
        probes: &[Probe::Stops {
            env: &[],
            says: "is a symbolic link in a folder that a jail could write",
        }],
        ..ROW
    },
    Row {
        name: "runtime-deep-ro-bind",
        case: "without-links",
        spec: "(runtime-deep-ro-bind (noescape \"~/elsewhere\")) (runtime-deep-ro-bind (noescape \"~/tree/out\"))",
        host: LINKS,
        probes: &[
            Probe::Grants("[ \"$(cat ~/elsewhere/file ~/tree/out)\" = $'o\\no' ]"),
            Probe::Refuses("echo x >>~/elsewhere/file"),
        ],
        ..ROW
    },
    Row {
        name: "state-dir",
        spec: "(state-dir (noescape \"~/.config/row\"))",
        host: "mkdir -p ~/.config/other; echo private >~/.config/other/file",
        probes: &[
            Probe::Works("echo kept >~/.config/row/file"),
            Probe::Grants("[ \"$(cat ~/.config/row/file)\" = kept ]"),
            Probe::Refuses("cat ~/.config/other/file"),
            Probe::Left("[ \"$(stat -c %a ~/.config/row)\" = 700 ] && cat ~/.config/row/file"),
        ],
        ..ROW
    },
    Row {
        name: "state-file",
        spec: "(state-file (noescape \"~/.row.json\"))",
        host: "echo private >~/.other.json",
        probes: &[
            Probe::Works("echo kept >~/.row.json"),
            Probe::Grants("[ \"$(cat ~/.row.json)\" = kept ]"),
            Probe::Refuses("cat ~/.other.json"),
            Probe::Works("echo new >~/new && mv -T ~/new ~/.row.json"),
            Probe::Left(
                "[ \"$(stat -c %a ~/.row.json)\" = 600 ] && [ \"$(cat ~/.row.json)\" = new ] && ! [ -e ~/new ]",
            ),
            // What is not a file of the caller's does not get out.
            Probe::Says { script: "ln -sf ~/.other.json ~/.row.json", says: "was not taken back" },
            Probe::Left("[ \"$(cat ~/.row.json)\" = new ] && ! [ -L ~/.row.json ]"),
        ],
        ..ROW
    },
    Row {
        name: "state-file",
        case: "kept-home",
        spec: "(persist-home \"row-of-state\") (state-file (noescape \"~/.row.json\")) (add-pkg-deps [ pkgs.python3 ])",
        host: "echo first >~/.row.json; chmod 644 ~/.row.json",
        probes: &[
            Probe::Works(
                "[ \"$(cat ~/.row.json)\" = first ] && python3 -c 'import os; n = os.environ[\"HOME\"] + \"/.row.json\"; open(n + \".tmp\", \"w\").write(\"second\"); os.replace(n + \".tmp\", n)'",
            ),
            Probe::Left("[ \"$(cat ~/.row.json)\" = second ] && echo third >~/.row.json"),
            Probe::Works("[ \"$(cat ~/.row.json)\" = third ]"),
            Probe::Denies("[ \"$(cat ~/.row.json)\" = second ]"),
        ],
        ..ROW
    },
    Row {
        name: "separate-state-dir",
        spec: "(separate-state-dir (noescape \"~/.agent\"))",
        host: "mkdir ~/.agent; echo signed-in >~/.agent/token",
        probes: &[
            Probe::Refuses("cat ~/.agent/token"),
            Probe::Works("echo kept >~/.agent/token"),
            Probe::Grants("[ \"$(cat ~/.agent/token)\" = kept ]"),
            Probe::Left("[ \"$(cat ~/.agent/token)\" = signed-in ]"),
            Probe::Left(
                "s=~/.local/share/jailgen/state/row-separate-state-dir/.agent; [ \"$(stat -c %a $s)\" = 700 ] && [ \"$(cat $s/token)\" = kept ]",
            ),
        ],
        ..ROW
    },
    Row {
        name: "separate-state-file",
        spec: "(separate-state-file (noescape \"~/.agent.json\"))",
        host: "echo signed-in >~/.agent.json",
        probes: &[
            Probe::Refuses("cat ~/.agent.json"),
            Probe::Works("echo kept >~/.agent.json"),
            Probe::Grants("[ \"$(cat ~/.agent.json)\" = kept ]"),
            Probe::Left("[ \"$(cat ~/.agent.json)\" = signed-in ]"),
        ],
        ..ROW
    },
    Row {
        name: "private-copies",
        spec: "(state-dir (noescape \"~/.agent\")) (private-copies (noescape \"~/.agent\") [ \"settings.json\" \"hooks/\" ])",
        host: "mkdir -p ~/.agent/hooks; for f in settings.json token hooks/a; do echo own >~/.agent/$f; done",
        probes: &[
            Probe::Works("echo new >~/.agent/token && [ \"$(cat ~/.agent/hooks/a)\" = own ]"),
            Probe::Says {
                script: "echo evil >~/.agent/settings.json && echo evil >~/.agent/hooks/b && [ \"$(cat ~/.agent/settings.json)\" = evil ]",
                says: "`hooks/b`",
            },
            Probe::Works(
                "[ \"$(cat ~/.agent/settings.json)\" = own ] && [ ! -e ~/.agent/hooks/b ]",
            ),
            Probe::Denies("mv ~/.agent/token ~/.agent/settings.json"),
            Probe::Left(
                "[ \"$(cat ~/.agent/settings.json ~/.agent/hooks/a | uniq)\" = own ] && [ \"$(ls ~/.agent/hooks)\" = a ] && [ \"$(cat ~/.agent/token)\" = new ]",
            ),
        ],
        ..ROW
    },
    Row {
        name: "private-copies",
        case: "links",
        spec: "(state-dir (noescape \"~/.agent\")) (private-copies (noescape \"~/.agent\") [ \"settings.json\" \"rules.md\" \"hooks/\" \"skills/\" ])",
        // As home-manager makes them, and one that an earlier session may have made.
        host: "mkdir -p ~/.agent/hooks/deep; echo secret >~/secret; ln -s ~/secret ~/.agent/rules.md
for s in /nix/store/*-source; do [ -e $s/pkgs/default.nix ] && break; done
ln -s $s/flake.nix ~/.agent/settings.json; ln -s $s/pkgs ~/.agent/skills
ln -s $s/flake.nix ~/.agent/hooks/deep/a; ln -s ~/secret ~/.agent/hooks/b; cp $s/flake.nix ~/.agent/copy",
        probes: &[
            Probe::Works(
                "[ -s ~/.agent/copy ] && for f in settings.json hooks/deep/a; do [ \"$(<~/.agent/$f)\" = \"$(<~/.agent/copy)\" ] || exit 1; done",
            ),
            Probe::Works("[ -s ~/.agent/skills/default.nix ] && ! [ -x ~/.agent/hooks/deep/a ]"),
            Probe::Refuses("cat ~/.agent/rules.md || cat ~/.agent/hooks/b"),
            // Of the store, the jail has only what links lead to.
            Probe::Refuses("ls -d /nix/store/*-jq-*"),
            Probe::Says {
                script: "true",
                says: "`~/.agent/rules.md` to `~/secret`, and one more",
            },
            Probe::Says {
                script: "echo new >~/.agent/settings.json && rm -f ~/.agent/hooks/deep/a && echo new >~/.agent/hooks/deep/a",
                says: "`settings.json`, `hooks/deep/a`",
            },
            Probe::Denies("rm ~/.agent/skills || rm ~/.agent/rules.md"),
            Probe::Left("cd ~/.agent && [ -L settings.json ] && [ -L skills ] && [ -L hooks/deep/a ]"),
        ],
        ..ROW
    },
    Row {
        name: "private-copies",
        case: "links-to-what-is-granted",
        spec: "(state-dir (noescape \"~/.agent\")) (private-copies (noescape \"~/.agent\") [ \"settings.json\" ]) (readonly (noescape \"~/dotfiles\"))",
        host: "mkdir ~/.agent ~/dotfiles; echo own >~/dotfiles/settings; ln -s ../dotfiles/settings ~/.agent/settings.json",
        probes: &[
            Probe::Grants("[ \"$(<~/.agent/settings.json)\" = own ]"),
            Probe::Refuses("echo evil >~/.agent/settings.json"),
            Probe::Denies("rm ~/.agent/settings.json"),
        ],
        ..ROW
    },
    Row {
        name: "tmpfs",
        spec: "(tmpfs \"/var/cache\") (readonly (noescape \"~/data\")) (tmpfs (noescape \"~/data/deep\"))",
        host: FILES,
        probes: &[
            Probe::Grants("echo x >/var/cache/x && cat ~/data/file && echo x >~/data/deep/x"),
            Probe::Refuses("cat ~/data/deep/file"),
            Probe::Left("! [ -e ~/data/deep/x ]"),
        ],
        ..ROW
    },
    Row {
        name: "tmpfs-sized",
        spec: "(tmpfs-sized \"64K\" \"/var/cache\")",
        probes: &[
            Probe::Grants("head -c 30000 /dev/zero >/var/cache/x"),
            Probe::Denies("head -c 300000 /dev/zero >/var/cache/x"),
        ],
        // The rows' home folders may lie in /tmp, which the example covers.
        example: Example::MayStop("(start)"),
        ..ROW
    },
    Row {
        name: "try-readonly",
        spec: "(try-readonly (noescape \"~/data\")) (try-readonly (noescape \"~/missing\"))",
        host: FILES,
        probes: &[
            Probe::Grants("cat ~/data/file && ! [ -e ~/missing ]"),
            Probe::Refuses("echo x >>~/data/file"),
        ],
        ..ROW
    },
    Row {
        name: "try-readwrite",
        spec: "(try-readwrite (noescape \"~/data\")) (try-readwrite (noescape \"~/missing\"))",
        host: FILES,
        probes: &[
            Probe::Grants("echo x >>~/data/file && ! [ -e ~/missing ]"),
            Probe::Refuses("cat ~/other"),
        ],
        ..ROW
    },
    Row {
        name: "try-ro-bind",
        spec: "(try-ro-bind (noescape \"~/data\") \"/data\") (try-ro-bind (noescape \"~/missing\") \"/m\")",
        host: FILES,
        probes: &[
            Probe::Grants("cat /data/file && ! [ -e /m ]"),
            Probe::Denies("echo x >>/data/file"),
        ],
        ..ROW
    },
    Row {
        name: "try-rw-bind",
        spec: "(try-rw-bind (noescape \"~/data\") \"/data\") (try-rw-bind (noescape \"~/missing\") \"/m\")",
        host: FILES,
        probes: &[
            Probe::Grants("echo x >>/data/file && ! [ -e /m ]"),
            Probe::Refuses("cat ~/data/file"),
        ],
        ..ROW
    },
    Row {
        name: "whole-nix-store",
        spec: "whole-nix-store",
        probes: &[
            Probe::Grants(
                "for path in /nix/store/*; do case $path in *-source) exit 0; esac; done; exit 1",
            ),
            Probe::Denies("touch /nix/store/x"),
            Probe::Refuses("[ -e /nix/var ]"),
        ],
        ..ROW
    },
    Row {
        name: "write-text",
        spec: "(write-text \"/etc/motd\" \"Mind the $GAP.\\n\")",
        env: &[("GAP", "step")],
        probes: &[
            Probe::Grants("[ \"$(cat /etc/motd)\" = 'Mind the $GAP.' ]"),
            Probe::Denies("echo x >/etc/motd"),
        ],
        ..ROW
    },
];

/// It forgets the store, and nothing of it can be started then.
const NO_PROGRAM: Example = Example::NoJail;
