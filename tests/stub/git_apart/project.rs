//! `mount-project`: the root of the repository is the working folder, and the program starts
//! where the launch was started.

use std::path::Path;

use jail_plan::{GitChanges, HostOp, RefuseFolder, Step};

use super::{apart, has_git, plain, prepare, run_in};
use crate::jail::{Caller, Jail, by, callers};

fn with_project(caller: Caller) -> Jail {
    plain(caller).op(apart(GitChanges::Reported)).change(|plan| {
        let refuse = HostOp::RefuseFolder(RefuseFolder { home_allowed: false });
        plan.before = vec![Step::new(by(), HostOp::EnterProject), Step::new(by(), refuse)];
    })
}

const REPOSITORY: &str =
    "git init -q -b main .; echo 1 >f; git add f; git commit -qm one; mkdir -p a/b";

#[test]
fn the_root_of_the_repository_is_granted_and_the_program_starts_in_the_subfolder() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = with_project(caller);
        prepare(&jail, REPOSITORY);
        let below = jail.project().join("a/b");
        let look = "pwd; git log --format=%s; cat ../../f; git config a.b c; echo x >../../new";
        run_in(&jail, &below, look).prints(&format!("{}\none\n1", below.display()));
        jail.outside_sh("git config a.b || cat new").prints("x");
        // No more than the repository.
        jail.file("other/file", "secret");
        let beside = run_in(&jail, &below, "cat ../../../other/file || echo refused");
        beside.prints("refused");
        // Outside of a repository it is the folder alone.
        prepare(&jail, "rm -rf .git");
        run_in(&jail, &below, "ls ../../f 2>/dev/null || pwd").prints(&below.display().to_string());
    }
}

#[test]
fn a_submodule_belongs_to_the_repository_that_says_so_and_to_no_other() {
    if !has_git() {
        return;
    }
    let submodule = "git init -q -b main ~/part && git -C ~/part commit -q --allow-empty -m part
        git -c protocol.file.allow=always submodule --quiet add ~/part sub && git commit -q -m sub";
    for caller in callers() {
        let jail = with_project(caller);
        prepare(&jail, &format!("{REPOSITORY}\n{submodule}"));
        let sub = jail.project().join("sub");
        let look = "pwd; git log --format=%s; git status --short; cat ../f";
        run_in(&jail, &sub, look).prints(&format!("{}\npart\n1", sub.display()));
        // A folder that says that it is one, and of which the repository does not know.
        prepare(&jail, "mkdir forged; echo 'gitdir: ../.git/modules/sub' >forged/.git");
        run_in(&jail, &jail.project().join("forged"), "cat ../f || echo refused").prints("refused");
    }
}

#[test]
fn neither_the_home_folder_nor_what_is_above_it_is_a_project() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = with_project(caller);
        let below = jail.home().join("work");
        prepare(&jail, "mkdir ~/work; echo secret >~/secret; cd ~; git init -q");
        let look = |folder: &Path| run_in(&jail, folder, "cat ../secret || echo refused");
        look(&below).prints("refused");
        prepare(&jail, "cd ~/..; rm -rf home/.git; git init -q 2>/dev/null || mkdir .git || true");
        look(&below).prints("refused");
    }
}
