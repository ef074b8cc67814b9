//! What a launch learns of git and reports: the name for commits, and why there is no repository.

use std::os::unix::fs::symlink;

use jail_plan::{Access, InsideOp, Missing};

use crate::jail::{Caller, Jail, Ran, bind, bind_to, callers, literal, skipped};

/// A jail that knows the name for commits.
fn identified(caller: Caller) -> Jail {
    Jail::new(caller).op(InsideOp::GitIdentity(literal("/etc/gitconfig")))
}

const SHOW: &str = "cat /etc/gitconfig 2>/dev/null || echo nobody";

#[test]
fn the_name_and_the_address_come_along_and_nothing_else() {
    for caller in callers() {
        let jail = identified(caller);
        jail.sh(SHOW).prints("nobody");
        jail.file("home/.config/git/config", "[user]\nname = Old\nemail = a@example.org\n");
        jail.file(
            "home/.gitconfig",
            "[core]\n\tsshCommand = secret\n[user]\n\tname = \"A \\\"B\\\" C\\\\D; # x\"\n\tsigningKey = key\n",
        );
        let expected = "[user]\nname = \"A \\\"B\\\" C\\\\D; # x\"\nemail = \"a@example.org\"";
        jail.sh(SHOW).prints(expected);
        jail.sh("cat ~/.gitconfig || echo refused").prints("refused");
        jail.sh("echo x >>/etc/gitconfig || echo refused").prints("refused");
        jail.outside_sh("cat ~/.gitconfig | grep -c secret").prints("1");
        // Another file, as git itself would read.
        let other = jail.file("home/other", "[user]\nname = Other\n");
        let jail = jail.outside("GIT_CONFIG_GLOBAL", other.to_str().expect("UTF-8"));
        jail.sh(SHOW).prints("[user]\nname = \"Other\"");
        identified(caller).outside("HOME", "relative").sh(SHOW).prints("nobody");
    }
}

#[test]
fn what_the_configuration_includes_counts_where_git_would_count_it() {
    for caller in callers() {
        let jail = identified(caller);
        let home = jail.home();
        jail.file("home/always", "[user]\nname = Always\n[include]\npath = ../home/more\n");
        jail.file("home/more", "[user]\nemail = more@example.org\n[include]\npath = always\n");
        jail.file("home/work", "[user]\nname = Work\n");
        let write = |condition: &str| {
            let include = "[include]\npath = ~/always\n";
            jail.file(
                "home/.gitconfig",
                &format!("{include}[includeIf \"{condition}\"]\npath = work\n"),
            );
        };
        let always = "[user]\nname = \"Always\"\nemail = \"more@example.org\"";
        let work = "[user]\nname = \"Work\"\nemail = \"more@example.org\"";
        let project = jail.project().display().to_string();
        write(&format!("gitdir:{project}/"));
        jail.sh(SHOW).prints(always);
        std::fs::create_dir(jail.project().join(".git")).expect("a repository");
        jail.sh(SHOW).prints(work);
        for (condition, expected) in [
            (format!("gitdir:{project}/.git"), work),
            (format!("gitdir/i:{}/", project.to_uppercase()), work),
            (format!("gitdir:{}/", project.to_uppercase()), always),
            ("gitdir:project/".into(), work),
            ("gitdir:./".into(), always),
            ("gitdir:~/".into(), always),
            (format!("gitdir:{}/", home.display()), always),
            ("onbranch:main".into(), always),
        ] {
            write(&condition);
            jail.sh(SHOW).prints(expected);
        }
        // A worktree is where its repository keeps it.
        std::fs::remove_dir(jail.project().join(".git")).expect("it is empty");
        jail.file("project/.git", "gitdir: ../home/r/.git/worktrees/w\n");
        jail.file("home/r/.git/worktrees/w/gitdir", &format!("{project}/.git\n"));
        write("gitdir:~/r/");
        jail.sh(SHOW).prints(work);
        // As `worktree.useRelativePaths` has it.
        jail.file("home/r/.git/worktrees/w/gitdir", "../../../../../project/.git\n");
        jail.sh(SHOW).prints(work);
        // An agent can write the file: what it names says nothing if that is of another folder.
        jail.file("home/r/.git/worktrees/w/gitdir", "/elsewhere/.git\n");
        jail.sh(SHOW).prints(always);
        jail.file("project/.git", "gitdir: ../home/r/.git\n");
        jail.file("home/r/.git/config", "[core]\n\tbare = false\n");
        jail.sh(SHOW).prints(always);
        write(&format!("gitdir:{project}/"));
        jail.sh(SHOW).prints(work);
        // A submodule is where the repository around it keeps it.
        write("gitdir:~/r/");
        jail.file("home/r/.git/config", &format!("[core]\n\tworktree = {project}\n"));
        jail.sh(SHOW).prints(work);
        // So is a link the folder that it is in.
        std::fs::remove_file(jail.project().join(".git")).expect("a file");
        symlink(home.join("r/.git"), jail.project().join(".git")).expect("a link");
        jail.sh(SHOW).prints(always);
    }
}

#[test]
fn a_configuration_that_a_jail_could_have_planted_or_that_is_no_file_says_nothing() {
    for caller in callers() {
        let jail = identified(caller);
        let secret = jail.file("home/secret", "[user]\nname = Secret\n");
        let config = jail.home().join(".gitconfig");
        // A link of the user's own is followed, as git follows it.
        symlink(&secret, &config).expect("a link");
        jail.sh(SHOW).prints("[user]\nname = \"Secret\"");
        // One in a folder that the jail may write is not.
        let writable = bind_to(jail.home(), "/granted", Access::ReadWrite, Missing::Fail);
        let jail = jail.op(writable);
        jail.sh(SHOW).prints("nobody");
        std::fs::remove_file(&config).expect("the link");
        jail.outside_sh("mkfifo ~/.gitconfig").prints("");
        jail.sh(SHOW).prints("nobody");
        jail.outside_sh("rm ~/.gitconfig; mkdir ~/.gitconfig").prints("");
        jail.sh(SHOW).prints("nobody");
    }
}

#[test]
fn the_configuration_is_read_as_git_itself_reads_it() {
    if std::process::Command::new("git").arg("--version").output().is_err() {
        return skipped("git", "there is no git to compare with");
    }
    let texts = [
        "[user]name=A B",
        "[USER]\n  Name = \"A  \" B \\\n  C ; comment\n",
        "[user]\nname = a\n[user]\nname = b # last\n[user \"x\"]\nname = c\n",
        "[user]\n\tname = \"tab\\there \\\"quoted\\\" \\\\\"\n",
        "[core]\n\teditor = vi -c '#'\n[user]\n\tname = Zoë \u{1f600}\n",
        "# x\r\n[user]\r\nname = crlf\r\n",
        "[user]\nname\n[user]\nname = after a flag\n",
        "[user]\n name =\n",
        "[include]\npath = ~/other\n[user]\nname = here\n",
        "[user]\nname = here\n[include]\npath = other\n",
        "[includeIf \"gitdir:/nowhere/\"]\npath = other\n",
    ];
    for caller in callers() {
        let jail = identified(caller);
        jail.file("home/other", "[user]\n\tname = included\n");
        let mut named = 0;
        for text in texts {
            jail.file("home/.gitconfig", text);
            let asked = "git -C / config --global --includes --get user.name; true";
            let expected = jail.outside_sh(asked);
            assert_eq!(expected.stderr, "", "{text}");
            let name =
                jail.sh("sed -n 's/^name = \"\\(.*\\)\"$/\\1/p' /etc/gitconfig 2>/dev/null; true");
            let name = name.stdout.replace("\\\"", "\"").replace("\\\\", "\\");
            assert_eq!(
                name.trim_end_matches('\n'),
                expected.stdout.trim_end_matches('\n'),
                "{text}"
            );
            named += usize::from(!name.trim().is_empty());
        }
        // Some texts have no name; if none had one, nothing would have been compared.
        assert!(named > texts.len() / 2, "{named}");
    }
}

/// A jail with git, started in this folder of the project.
fn started_in(jail: &Jail, folder: &str) -> Ran {
    let mut command = jail.command(jail.wrapper());
    Ran::of(command.current_dir(jail.project().join(folder)).args(["-c", "pwd"]))
}

fn with_git(caller: Caller) -> Jail {
    let jail =
        Jail::new(caller).change(|plan| plan.closure.names.push("0123456789-git-2.50.1".into()));
    jail.file("project/.git/HEAD", "");
    jail.file("project/a/b/file", "");
    jail
}

#[test]
fn a_folder_of_a_repository_is_told_about_once() {
    const TOLD: &str = "git finds no repository in this folder of ";
    for caller in callers() {
        let jail = with_git(caller);
        assert_eq!(started_in(&jail, ".").stderr, "", "the top is the repository");
        let first = started_in(&jail, "a/b");
        let top = jail.project().display().to_string();
        assert!(first.stderr.contains(&format!("{TOLD}{top}, ")), "{first:?}");
        let advice = format!(
            "`(readonly \"{top}/.git\") (set-env \"GIT_DISCOVERY_ACROSS_FILESYSTEM\" \"1\")`"
        );
        assert!(first.stderr.contains(&advice), "{first:?}");
        assert!(first.stderr.contains("grant all of it with `mount-project`"), "{first:?}");
        assert_eq!(first.stderr.lines().count(), 1, "{first:?}");
        assert_eq!(started_in(&jail, "a/b").stderr, "", "once");
        assert!(started_in(&jail, "a").stderr.contains(TOLD), "another folder");
    }
}

#[test]
fn nothing_is_told_where_git_has_its_repository_or_is_not_there() {
    for caller in callers() {
        let jail = with_git(caller);
        let git = bind(jail.project().join(".git"), Access::ReadOnly);
        let jail = jail.op(git).set("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1");
        assert_eq!(started_in(&jail, "a").stderr, "", "as it was told");
        let jail = with_git(caller);
        let whole = bind(jail.project(), Access::ReadOnly);
        assert_eq!(started_in(&jail.op(whole), "a").stderr, "", "granted");
        let jail = with_git(caller).change(|plan| plan.closure.names.clear());
        assert_eq!(started_in(&jail, "a").stderr, "", "no git");
        let jail = with_git(caller);
        std::fs::remove_dir_all(jail.project().join(".git")).expect("it is there");
        assert_eq!(started_in(&jail, "a").stderr, "", "no repository");
        let jail = with_git(caller);
        jail.file(".git/HEAD", "");
        jail.file("home/a/b/file", "");
        assert_eq!(started_in(&jail, "../home/a/b").stderr, "", "above the home folder");
        jail.file("home/.git/HEAD", "");
        assert!(started_in(&jail, "../home/a/b").stderr.contains("/home, "), "the control");
    }
}
