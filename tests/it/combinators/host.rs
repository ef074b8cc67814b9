//! What runs on the host.

use super::row::{Probe, ROW, Row};

/// A configuration with more than an identity, part of it for this folder only.
const IDENTITY: &str = "git init -q .; git config --global user.name 'Ann \"A\" O\\Neil; $HOME # x'; git config --global user.signingKey key
git config --global core.sshCommand ssh; git config --global includeIf.gitdir:~/project/.path ~/include
git config --file ~/include user.email here@example.org; git config user.name Agent";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "add-cleanup",
        spec: "(add-runtime \"LEFT=from-before; echo made >~/made\") (add-cleanup \"echo $LEFT >~/left; rm ~/made\")",
        probes: &[
            Probe::Works("true"),
            Probe::Left("[ \"$(cat ~/left)\" = from-before ] && ! [ -e ~/made ] && rm ~/left"),
            // Whatever ended the program.
            Probe::Denies("kill -KILL $$"),
            Probe::Left("[ \"$(cat ~/left)\" = from-before ]"),
            Probe::Refuses("cat ~/left"),
        ],
        ..ROW
    },
    Row {
        name: "add-cleanup",
        case: "after-a-failure",
        spec: "(add-runtime \"KEPT=1; [ -z \\\"\\${ROW_FAIL-}\\\" ]\") (add-cleanup \"echo $KEPT >~/cleaned\")",
        probes: &[
            Probe::Stops { env: &[("ROW_FAIL", "1")], says: "exit status 1" },
            Probe::Left("[ \"$(cat ~/cleaned)\" = 1 ]"),
        ],
        ..ROW
    },
    Row {
        name: "add-runtime",
        spec: "(add-runtime ''
            echo rubbish; NAME='a b
            $(touch ~/evaluated)'
            mkdir -p ~/given ~/other; echo given >~/given/file; echo other >~/other/file
          '')
          (add-runtime ''RUNTIME_ARGS+=(--ro-bind ~/given /given --setenv ADDED \"$NAME\")'')
          (set-env \"NAME\" (noescape \"$NAME\"))",
        probes: &[
            Probe::Grants("[ \"$(cat /given/file)\" = given ] && [ \"$ADDED\" = \"$NAME\" ] && [ ${#NAME} -gt 20 ]"),
            Probe::Refuses("cat ~/other/file"),
            Probe::Denies("echo x >/given/file"),
            Probe::Left("! [ -e ~/evaluated ]"),
        ],
        ..ROW
    },
    Row {
        name: "add-runtime",
        case: "with-wrong-arguments",
        spec: "(add-runtime \"RUNTIME_ARGS+=(--cap-add ALL)\")",
        probes: &[Probe::Stops { env: &[], says: "`--cap-add` cannot be given to a jail" }],
        ..ROW
    },
    Row {
        name: "git-identity",
        spec: "git-identity (add-pkg-deps [ pkgs.git ])",
        host: IDENTITY,
        probes: &[
            Probe::Grants("[ \"$(git config user.name)\" = 'Ann \"A\" O\\Neil; $HOME # x' ]"),
            Probe::Grants("[ \"$(git config user.email)\" = here@example.org ]"),
            Probe::Works(
                "cd /tmp && git init -q r && cd r && git commit -q --allow-empty -m x && git config user.name Local && [ \"$(git log --format=%ae)\" = here@example.org ] && [ \"$(git config user.name)\" = Local ]",
            ),
            Probe::Refuses("git config user.signingKey || git config core.sshCommand"),
            Probe::Refuses("cat ~/.gitconfig || cat ~/include"),
            Probe::Denies("echo x >>/etc/gitconfig"),
        ],
        ..ROW
    },
    Row {
        name: "git-identity",
        case: "of-nobody",
        spec: "git-identity (add-pkg-deps [ pkgs.git ])",
        host: "git init -q .; git config user.name Agent; git config extensions.unknown 1; git config core.repositoryFormatVersion 1",
        probes: &[
            Probe::Works("! [ -e /etc/gitconfig ]"),
            Probe::Denies("git config user.name"),
        ],
        ..ROW
    },
    Row {
        name: "git-identity",
        case: "beneath-the-hosts",
        spec: "(readonly \"/etc\") git-identity",
        host: IDENTITY,
        probes: &[Probe::Works("! grep -s here@example.org /etc/gitconfig"), Probe::Refuses("cat ~/.gitconfig")],
        ..ROW
    },
    Row {
        name: "jail-to-host-channel",
        spec: "(add-runtime \"export TOKEN=from-before\")
          (jail-to-host-channel \"host-cat\" ''[ \"$1\" = -- ] && cat \"$HOME/for-the-jail\" - && echo \"$TOKEN\" >&2 && exit 7'')",
        host: "echo data >~/for-the-jail",
        probes: &[
            Probe::Grants("out=$(echo in | host-cat -- 2>~/errors); [ $? = 7 ] && [ \"$out\" = \"data
in\" ] && [ \"$(cat ~/errors)\" = from-before ]"),
            Probe::Refuses("cat ~/for-the-jail"),
            Probe::Denies("host-cat other"),
            Probe::Denies("rm /run/jailgen/host"),
            Probe::Denies("ln -sf /bin/sh /run/jailgen/bin/host-cat"),
        ],
        ..ROW
    },
    Row {
        name: "open-urls-in-browser",
        spec: "open-urls-in-browser",
        host: "printf '#!/bin/sh\\nprintf %%s \"$1\" >\"$HOME/opened\"\\n' >~/browser; chmod +x ~/browser",
        env: &[("BROWSER", "$HOME/browser")],
        probes: &[
            Probe::Grants("xdg-open 'https://example.org/?a=b&c=$(id)'"),
            Probe::Left("[ \"$(cat ~/opened)\" = 'https://example.org/?a=b&c=$(id)' ] && rm ~/opened"),
            Probe::Works("\"$BROWSER\" http://example.org/"),
            Probe::Left("[ \"$(cat ~/opened)\" = http://example.org/ ] && rm ~/opened"),
            Probe::Denies("xdg-open file:///etc/passwd"),
            Probe::Denies("xdg-open --help"),
            Probe::Denies("xdg-open https://a.org https://b.org"),
            Probe::Left("! [ -e ~/opened ]"),
            Probe::Refuses("cat ~/browser"),
        ],
        ..ROW
    },
];
