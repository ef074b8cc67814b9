//! Linked worktrees of git: what they share with their repository is there,
//! where both sides say so.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use jail_plan::{Access, InsideOp, Step};

use crate::jail::{Caller, Jail, Ran, bind, callers, step};

/// A jail with `git-worktree`, which can commit.
fn with_worktree(caller: Caller) -> Jail {
    let jail = Jail::new(caller).op(InsideOp::Worktree).set("HOME", "/tmp");
    let names = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"];
    let mails = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"];
    let jail = names.iter().fold(jail, |jail, name| jail.set(name, "n").outside(name, "n"));
    mails.iter().fold(jail, |jail, name| jail.set(name, "e@x").outside(name, "e@x"))
}

/// Outside, as the caller; it must go well.
fn prepare(jail: &Jail, script: &str) {
    let made = jail.outside_sh(&format!("set -e\n{script}"));
    assert_eq!(made.code, Some(0), "{script}: {}", made.stderr);
}

/// A script in a jail that was started in this folder.
fn run_in(jail: &Jail, folder: &Path, script: &str) -> Ran {
    Ran::of(jail.command(jail.wrapper()).current_dir(folder).args(["-c", script]))
}

const COMMIT: &str = "git commit -q --allow-empty -m inside && git log -1 --format=%s";
const REPOSITORY: &str =
    "git init -q -b main ~/repository && cd ~/repository && git commit -q --allow-empty -m first";

/// Where users have linked worktrees: how each is made, and where it is.
const GENUINE: &[(&str, &str)] = &[
    ("git worktree add -q ~/beside -b side", "beside"),
    ("git worktree add -q .worktrees/x -b side", "repository/.worktrees/x"),
    ("git worktree add -q .claude/worktrees/x -b side", "repository/.claude/worktrees/x"),
    (
        "git clone -q --bare . ~/bare.git && cd ~/bare.git && git worktree add -q ~/of-bare",
        "of-bare",
    ),
    (
        "git clone -q --bare . ~/bare.git && cd ~/bare.git && git worktree add -q side -b side",
        "bare.git/side",
    ),
    (
        "git init -q ~/part && git -C ~/part commit -q --allow-empty -m part \
         && git -c protocol.file.allow=always submodule --quiet add ~/part sub && git commit -q -m sub \
         && cd sub && git worktree add -q ~/of-part -b side",
        "of-part",
    ),
    (
        "git worktree add -q ~/relative -b side \
         && echo 'gitdir: ../repository/.git/worktrees/relative' >~/relative/.git \
         && echo ../../../../relative/.git >.git/worktrees/relative/gitdir",
        "relative",
    ),
];

/// A jail in `project`, a linked worktree of the repository `home/repository`.
fn in_a_worktree(caller: Caller) -> Jail {
    let jail = with_worktree(caller);
    prepare(&jail, &format!("{REPOSITORY} && git worktree add -q \"$OLDPWD\" -b side"));
    jail
}

#[test]
fn git_works_in_a_linked_worktree_and_the_rest_of_its_repository_is_not_there() {
    for caller in callers() {
        let jail = in_a_worktree(caller);
        let home = jail.home();
        jail.sh("git commit -q --allow-empty -m inside && git log --format=%s")
            .prints("inside\nfirst");
        jail.outside_sh("git log --format=%s").prints("inside\nfirst");
        let beside = home.join("repository/file");
        std::fs::write(&beside, "x").expect("a file");
        let seen = jail.sh(&format!("cat {}", beside.display()));
        assert_ne!(seen.code, Some(0), "{}", seen.stdout);
    }
}

#[test]
fn without_the_grant_git_finds_no_repository() {
    for caller in callers() {
        let mut jail = in_a_worktree(caller);
        jail.plan.inside.retain(|step| !matches!(step.op, InsideOp::Worktree));
        let seen = jail.sh("git log --format=%s");
        assert_ne!(seen.code, Some(0), "{}", seen.stdout);
    }
}

#[test]
fn a_pointer_that_the_payload_wrote_gives_it_no_other_repository() {
    for caller in callers() {
        let jail = in_a_worktree(caller);
        let other = jail.home().join("other");
        let made = jail.outside_sh(
            "git init -q ~/other && mkdir -p ~/other/.git/worktrees/side && cd ~/other/.git/worktrees/side
            echo ../.. > commondir && echo /elsewhere/.git > gitdir",
        );
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let point = |target: &Path| {
            let line = format!("gitdir: {}\n", target.display());
            std::fs::write(jail.project().join(".git"), line).expect("the pointer");
        };
        point(&other.join(".git/worktrees/side"));
        jail.sh("echo ran").stopped(&["which has no worktree here", "git worktree repair"]);
        // A link on the way, which a jail could have made.
        std::os::unix::fs::symlink(&other, jail.home().join("link")).expect("a link");
        point(&jail.home().join("link/.git/worktrees/side"));
        jail.sh("echo ran").stopped(&["ELOOP"]);
        // What is not a pointer to a worktree grants nothing and hinders nothing.
        for harmless in [other.join(".git/modules/x"), other.join(".git"), "../x".into()] {
            point(&harmless);
            jail.sh(&format!("ls {} 2>/dev/null || echo nothing", other.display()))
                .prints("nothing");
        }
    }
}

#[test]
fn an_ordinary_repository_and_a_folder_without_one_are_no_worktrees() {
    for caller in callers() {
        let jail = Jail::new(caller).op(InsideOp::Worktree);
        jail.sh("echo ran").prints("ran");
        let git = Command::new("git").args(["init", "-q"]).arg(jail.project()).status();
        assert!(git.expect("git").success());
        jail.sh("echo ran").prints("ran");
    }
}

#[test]
fn genuine_worktrees_work_wherever_they_are_and_again() {
    for caller in callers() {
        for (script, place) in GENUINE {
            let jail = with_worktree(caller);
            prepare(&jail, &format!("{REPOSITORY} && {script}"));
            let folder = jail.home().join(place);
            // The second launch finds the repository among what a jail could write.
            for _ in 0..2 {
                run_in(&jail, &folder, COMMIT).prints("inside");
            }
            // Without the grant there is no repository.
            let mut without = with_worktree(caller);
            without.plan.inside.retain(|step| !matches!(step.op, InsideOp::Worktree));
            let seen = run_in(&without, &folder, "git log -1 --format=%s 2>&1");
            assert_ne!(seen.code, Some(0), "{place}: {}", seen.stdout);
        }
    }
}

#[test]
fn genuine_worktrees_work_when_a_jail_has_worked_in_the_repository_before() {
    for caller in callers() {
        for (script, place) in GENUINE {
            let jail = with_worktree(caller);
            prepare(&jail, REPOSITORY);
            run_in(&jail, &jail.home().join("repository"), COMMIT).prints("inside");
            prepare(&jail, &format!("cd ~/repository && {script}"));
            for _ in 0..2 {
                run_in(&jail, &jail.home().join(place), COMMIT).prints("inside");
            }
        }
    }
}

/// What makes a folder look like a repository, and the three files that make one of
/// its worktrees of `worktree`.
fn forge(jail: &Jail, repository: &Path, administrative: &Path, worktree: &Path) {
    let [repository, administrative, worktree] =
        [repository, administrative, worktree].map(|path| path.display().to_string());
    prepare(
        jail,
        &format!(
            "mkdir -p {repository}/objects {repository}/refs {administrative} {worktree}
            echo 'ref: refs/heads/main' >{repository}/HEAD
            echo 'gitdir: {administrative}' >{worktree}/.git
            echo {worktree}/.git >{administrative}/gitdir; echo ../.. >{administrative}/commondir"
        ),
    );
}

/// Files that no jail may read by this.
fn secret(jail: &Jail, path: &str) -> PathBuf {
    jail.file(path, "secret")
}

#[test]
fn a_folder_that_says_it_is_its_own_repositorys_worktree_is_none() {
    for caller in callers() {
        let jail = with_worktree(caller);
        let home = jail.home();
        let keys = secret(&jail, "home/keys");
        let read = format!("cat {}", keys.display());
        // All three files lie in the working folder, whose parent is called `worktrees`: the home
        // folder would be granted.
        let folder = home.join("worktrees/x");
        forge(&jail, &home, &folder, &folder);
        run_in(&jail, &folder, &read).stopped(&["(worktree)", "your home folder is or lies in"]);
        // What is above the home folder, as well.
        let above = jail.folder.path();
        let folder = above.join("worktrees/x");
        prepare(&jail, "mkdir -p ~/w");
        std::fs::create_dir_all(&folder).expect("a folder");
        for path in [above.to_path_buf(), above.join("worktrees"), folder.clone()] {
            std::os::unix::fs::chown(path, caller.uid, caller.uid).expect("for the caller");
        }
        forge(&jail, above, &folder, &folder);
        run_in(&jail, &folder, &read).stopped(&["your home folder is or lies in"]);
        // And what is neither: the settings of an agent, with what makes a repository or without.
        let settings = home.join("project/.claude");
        let folder = settings.join("worktrees/x");
        forge(&jail, &settings, &folder, &folder);
        let read = format!("cat {}/HEAD", settings.display());
        run_in(&jail, &folder, &read).stopped(&["lies in the worktree itself"]);
        std::fs::remove_file(settings.join("HEAD")).expect("a file");
        run_in(&jail, &folder, &read).stopped(&["which is not a repository"]);
        // The control: without a pointer the same folders are there to work in.
        std::fs::remove_file(folder.join(".git")).expect("the pointer");
        run_in(&jail, &folder, "echo ran").prints("ran");
    }
}

#[test]
fn a_repository_that_jails_could_have_forged_is_not_given() {
    for caller in callers() {
        let jail = with_worktree(caller);
        let (other, project) = (jail.home().join("other"), jail.project());
        prepare(&jail, "mkdir ~/other");
        forge(&jail, &other.join(".git"), &other.join(".git/worktrees/side"), &project);
        let list = format!("ls {}", other.join(".git").display());
        // The control: no jail has ever worked in either, so the user's own git has written both.
        jail.sh(&list).prints("HEAD\nobjects\nrefs\nworktrees");
        let jail = with_worktree(caller);
        let (other, project) = (jail.home().join("other"), jail.project());
        let list = format!("ls {}", other.join(".git").display());
        prepare(&jail, "mkdir ~/other");
        for folder in [&other, &project] {
            run_in(&jail, folder, "echo ran").prints("ran");
        }
        forge(&jail, &other.join(".git"), &other.join(".git/worktrees/side"), &project);
        jail.sh(&list).stopped(&["(worktree)", "a jail could have written this", "trust forget"]);
        // Granted by its path it gives nothing more.
        let granted = jail.op(bind(other.join(".git"), Access::ReadWrite));
        granted.sh(&list).prints("HEAD\nobjects\nrefs\nworktrees");
    }
}

#[test]
fn a_repository_around_its_worktree_covers_nothing_that_is_read_only_in_it() {
    let bare =
        "git clone -q --bare . ~/bare.git && cd ~/bare.git && git worktree add -q side -b side";
    for caller in callers() {
        let jail = with_worktree(caller);
        prepare(
            &jail,
            &format!("{REPOSITORY} && {bare} && mkdir side/kept && echo host >side/kept/f"),
        );
        let folder = jail.home().join("bare.git/side");
        let write =
            "echo jail >kept/f; cat kept/f; echo jail >\"$PWD/kept/f\"; cat \"$PWD/kept/f\"";
        // Before and after the grant of the repository.
        let read_only = || bind(folder.join("kept"), Access::ReadOnly);
        let mut before = with_worktree(caller);
        before.folder = jail.folder;
        let last = before.plan.inside.len() - 1;
        before.plan.inside.insert(last, step(read_only()));
        run_in(&before, &folder, write).prints("host\nhost");
        run_in(&before, &folder, COMMIT).prints("inside");
        before.plan.inside.remove(last);
        run_in(&before, &folder, write).prints("jail\njail");
        std::fs::write(folder.join("kept/f"), "host\n").expect("a file");
        before.plan.inside.push(step(read_only()));
        run_in(&before, &folder, write).prints("host\nhost");
        // The repository straight before the folder, which comes last.
        let kept = before.plan.inside.pop();
        let is_folder = |step: &Step<InsideOp>| matches!(step.op, InsideOp::Folder(_));
        let at = before.plan.inside.iter().position(is_folder).expect("the folder");
        let moved = before.plan.inside.remove(at);
        before.plan.inside.extend([moved].into_iter().chain(kept));
        run_in(&before, &folder, write).prints("host\nhost");
    }
}

#[test]
fn what_one_jail_may_write_anyway_is_not_given_to_the_next_by_a_pointer() {
    for caller in callers() {
        // One jail has an agent's settings and the project, and makes the one a
        // repository of the other.
        let mut jail = with_worktree(caller);
        let (settings, project) = (jail.home().join("settings"), jail.project());
        prepare(&jail, "mkdir ~/settings");
        let token = secret(&jail, "home/settings/token");
        jail.plan.inside.push(step(bind(&settings, Access::ReadWrite)));
        jail.sh("echo ran").prints("ran");
        forge(&jail, &settings, &settings.join("worktrees/x"), &project);
        // The control: it works on, with what it has.
        let read = format!("cat {}", token.display());
        jail.sh(&read).prints("secret");
        // A jail that has the project alone gets no settings by what the other has had.
        jail.plan.inside.pop();
        jail.sh(&read).stopped(&["(worktree)", "a jail could have written this"]);
    }
}

#[test]
fn a_repository_whose_parts_lead_elsewhere_is_none() {
    for caller in callers() {
        for (part, words) in [
            ("objects", "which is not a repository"),
            ("refs", "which is not a repository"),
            ("HEAD", "which is not a repository"),
            ("objects/info/alternates", "leads elsewhere"),
            ("commondir", "leads elsewhere"),
        ] {
            let jail = with_worktree(caller);
            prepare(&jail, &format!("{REPOSITORY} && git worktree add -q ~/beside -b side"));
            let folder = jail.home().join("beside");
            run_in(&jail, &folder, COMMIT).prints("inside");
            let part = jail.home().join("repository/.git").join(part);
            let away = jail.home().join("away");
            let _ = std::fs::rename(&part, &away);
            symlink(&away, &part).expect("a link");
            run_in(&jail, &folder, "echo ran").stopped(&["(worktree)", words]);
        }
    }
}

#[test]
fn a_pointer_that_is_a_link_or_leads_through_one_is_none() {
    for caller in callers() {
        for (script, words) in [
            ("cd .git/worktrees/beside && mv gitdir g && ln -s g gitdir", "no worktree here"),
            ("cd .git/worktrees/beside && mv commondir c && ln -s c commondir", "no worktree here"),
            ("cd .git && mv worktrees w && ln -s w worktrees", "no worktree here"),
            ("mv .git g && ln -s g .git", "ELOOP"),
        ] {
            let jail = with_worktree(caller);
            prepare(&jail, &format!("{REPOSITORY} && git worktree add -q ~/beside -b side"));
            prepare(&jail, &format!("cd ~/repository && {script}"));
            run_in(&jail, &jail.home().join("beside"), "echo ran").stopped(&["(worktree)", words]);
        }
    }
}
