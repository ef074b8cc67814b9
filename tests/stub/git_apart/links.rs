//! What a session leaves in a repository leads the next launch to nothing outside: links are not
//! followed out of what a jail may write.

use std::path::{Path, PathBuf};

use jail_plan::GitChanges;

use super::{has_git, in_repository, prepare};
use crate::jail::callers;

/// What one session leaves. `~o` is a folder of the host that no jail sees.
const LEFT: &[&str] = &[
    "git init -q --bare .git/modules/x && ln -sf ~o/secret .git/modules/x/config",
    "git init -q --bare .git/modules/x && ln -sf ~o/secret .git/modules/x/config.worktree",
    "mkdir -p .git/worktrees/x && ln -s ~o/secret .git/worktrees/x/config.worktree",
    "git init -q --bare .git/modules/x && rm -rf .git/modules/x/hooks && ln -s ~o/ignored .git/modules/x/hooks",
    "ln -s ~o .git/modules",
    "ln -s ~o .git/worktrees",
    "git init -q --bare .git/modules/x && rm -rf .git/modules/x/info && ln -s ~o .git/modules/x/info",
    "git init -q --bare .git/modules/x && rm -rf .git/modules/x/objects && ln -s ~o .git/modules/x/objects",
    "git init -q --bare .git/modules/x && rm -rf .git/modules/x/objects/info && ln -s ~o .git/modules/x/objects/info",
    "git init -q --bare .git/modules/x && ln -s ~o out && git config -f .git/modules/x/config core.hooksPath ../../../out/ignored",
];

#[test]
fn no_link_that_a_session_leaves_leads_the_next_launch_out() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        for left in LEFT {
            let jail = in_repository(caller, GitChanges::Merged);
            let outside = jail.home().join("outside");
            let at = outside.display().to_string();
            prepare(
                &jail,
                "mkdir -p ~/outside/ignored ~/outside/d && cd ~/outside && printf '[a]\\nb = s3cret\\n' >secret \
                 && cp secret d/config.worktree && echo '*' >ignored/.gitignore && cp secret ignored/pre-commit \
                 && git init -q r && git -C r config a.b s3cret",
            );
            let before = everything(&outside);
            let ran = jail.sh(&left.replace("~o", &at));
            assert_eq!(ran.code, Some(0), "{left}: {ran:?}");
            let ran = jail.sh("grep -r s3cret /run/jailgen .git || echo nothing");
            assert_eq!(ran.stdout, "nothing\n", "{left}: {ran:?}");
            assert_eq!(everything(&outside), before, "{left}");
            // The control: what is kept apart is kept apart still.
            jail.sh("echo x >.git/commondir || echo held").prints("held");
        }
    }
}

/// All names below a folder.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one")) {
            if entry.file_type().expect("a kind").is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    found
}
