//! Files of the host that the payload replaces: what it does to its own arrives
//! outside, and nothing else does.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Child, Stdio};

use jail_plan::{Access, HostText, InsideOp, SharedFile};

use crate::jail::{Caller, Jail, bind, bind_to, callers, expand, literal, tmpfs};

fn shared(to: HostText) -> InsideOp {
    InsideOp::SharedFile(SharedFile { from: expand("~/.agent.json"), to })
}

/// With a file of the host, and a home in memory with the jail's own at /h/agent.
fn jail(caller: Caller) -> Jail {
    let jail = Jail::new(caller);
    let file = jail.file("home/.agent.json", "old");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o640)).expect("the mode");
    jail.op(tmpfs("/h")).op(shared(literal("/h/agent")))
}

fn held(jail: &Jail) -> String {
    std::fs::read_to_string(jail.home().join(".agent.json")).expect("a file")
}

/// The same, as a program that makes the system calls alone: `mv` would
/// copy where it cannot rename.
const RENAME_ALONE: &str = r#"
cd /h
cat agent
perl -e '
    open my $new, ">", "t" or die;
    print $new "new\n";
    close $new;
    rename "t", "agent" or die;
'
"#;

/// Starts the jail, and waits until `$R` has run in it. It goes on; the process outside is `$!`.
const START_AND_REPLACE: &str = r#"
"$W" -c "($R); touch done; sleep 20" >/dev/null 2>&1 &
until [ -e done ]; do sleep 0.05; done
"#;

/// As editors and agents save a file.
const REPLACE: &str = "cd /h && cat agent && echo new >.agent.tmp && mv -T .agent.tmp agent";

#[test]
fn what_a_program_writes_or_renames_arrives() {
    for caller in callers() {
        for script in [
            REPLACE,
            "cat /h/agent; echo new >/h/agent",
            "cd /h; cat agent; rm agent; echo new >agent",
            "cd /h; cat agent; echo new >a; ln -f a agent",
            RENAME_ALONE,
        ] {
            let jail = jail(caller);
            jail.sh(script).prints("old");
            assert_eq!(held(&jail), "new\n", "{script}");
            let meta = std::fs::metadata(jail.home().join(".agent.json")).expect("a file");
            assert_eq!(meta.permissions().mode() & 0o777, 0o640);
            jail.outside_sh("ls -A ~").prints(".agent.json");
            // And again, from what is there now.
            jail.sh("cat /h/agent").prints("new");
        }
    }
}

#[test]
fn it_arrives_whatever_ends_the_payload() {
    for caller in callers() {
        let jail = jail(caller);
        let ran = jail.sh(&format!("{REPLACE}; kill -9 $$"));
        assert_eq!(ran.signal, Some(9), "{ran:?}");
        assert_eq!(held(&jail), "new\n");
        let jail = self::jail(caller);
        // The jail's init, and with it everything inside.
        let first = r#"
            for child in $(cat /proc/$!/task/$!/children); do
                [ "$(cat /proc/$child/comm)" = jail-host ] || kill -9 $child
            done
            wait $!
            cat ~/.agent.json
        "#;
        let jail = jail.outside("R", REPLACE);
        jail.outside_sh(&format!("{START_AND_REPLACE}{first}")).prints("new");
        // The process outside, a moment after the change.
        let outside = r"
            sleep 1
            kill -9 $!
            cat ~/.agent.json
        ";
        let jail = self::jail(caller).outside("R", REPLACE);
        jail.outside_sh(&format!("{START_AND_REPLACE}{outside}")).prints("new");
    }
}

#[test]
fn both_sides_see_each_others_changes_while_it_runs() {
    for caller in callers() {
        let jail = jail(caller);
        let script = r#"
            "$W" -c '
                echo one >/h/t
                mv -T /h/t /h/agent
                until grep -q two /h/agent; do sleep 0.05; done
                echo seen
            ' &
            until grep -q one ~/.agent.json; do sleep 0.05; done
            echo two >~/t
            mv -T ~/t ~/.agent.json
            wait
        "#;
        jail.outside_sh(script).prints("seen");
        assert_eq!(held(&jail), "two\n");
    }
}

#[test]
fn launches_at_the_same_time_share_it() {
    for caller in callers() {
        let jail = jail(caller).outside("R", REPLACE);
        let script = r#"
            "$W" -c '
                touch ready
                until grep -q new /h/agent; do sleep 0.05; done
                echo "$(cat /h/agent)er" >/h/t
                mv -T /h/t /h/agent
            ' &
            until [ -e ready ]; do sleep 0.05; done
            "$W" -c "$R
                until grep -q newer agent; do sleep 0.05; done
            " && wait
        "#;
        jail.outside_sh(script).prints("old");
        assert_eq!(held(&jail), "newer\n");
    }
}

/// Starts the jail `times` times at once, again and again, each time with the same script;
/// how the failed ones ended.
fn at_once(jail: &Jail, script: &str) -> Vec<String> {
    let wrapper = jail.wrapper();
    let mut failed = Vec::new();
    for _ in 0..3 {
        let start = |_| {
            let mut command = jail.command(&wrapper);
            command.args(["-c", script]).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let running: Vec<Child> = (0..16).map(start).collect();
        for child in running {
            let output = child.wait_with_output().expect("it ends");
            if !output.status.success() || !output.stderr.is_empty() {
                failed.push(String::from_utf8_lossy(&output.stderr).into_owned());
            }
        }
    }
    failed
}

#[test]
fn launches_that_begin_and_end_at_the_same_time_all_start() {
    for caller in callers() {
        let write = "cd /h && echo $$-$PPID-$(date +%N) >t.$(date +%N) && mv -T t.* agent; :";
        let none: [String; 0] = [];
        assert_eq!(at_once(&jail(caller), write), none, "in memory");
        let jail = Jail::new(caller);
        jail.file("home/.agent.json", "old");
        let kept = jail.file("home/kept/agent", "the home's own");
        let folder = kept.parent().expect("a folder");
        std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
        let jail = jail
            .op(bind_to(folder, "/h", Access::ReadWrite, jail_plan::Missing::Fail))
            .op(shared(literal("/h/agent")));
        assert_eq!(at_once(&jail, "date +%N >/h/agent"), none, "kept");
        let left = jail.outside_sh("ls -A ~/kept ~ | grep jailgen-[^o]");
        assert_eq!(left.stdout, "", "nothing of the copying stays");
    }
}

#[test]
fn what_nobody_changed_stays_the_same_file() {
    for caller in callers() {
        let jail = jail(caller);
        let before = std::fs::metadata(jail.home().join(".agent.json")).expect("a file");
        jail.sh("cat /h/agent; rm /h/agent").prints("old");
        let after = std::fs::metadata(jail.home().join(".agent.json")).expect("it stays");
        assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
    }
}

#[test]
fn a_home_that_is_kept_has_it_too() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let file = jail.file("home/.agent.json", "old");
        let kept = jail.file("home/kept/.agent.json", "the home's own");
        let folder = kept.parent().expect("a folder");
        std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
        let jail = jail
            .op(bind_to(folder, "/h", Access::ReadWrite, jail_plan::Missing::Fail))
            .op(shared(literal("/h/.agent.json")));
        jail.sh("cd /h; cat .agent.json; echo new >t; mv -T t .agent.json").prints("old");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), "new\n");
        jail.outside_sh("cd ~/kept; cat .agent.json .agent.json.jailgen-old; ls -A")
            .prints("new\nthe home's own.agent.json\n.agent.json.jailgen-old");
        std::fs::write(&file, "newest").expect("a file");
        jail.sh("cat /h/.agent.json").prints("newest");
        // What came first stays, whatever came afterwards.
        jail.outside_sh("cat ~/kept/.agent.json.jailgen-old").prints("the home's own");
    }
}

#[test]
fn a_file_in_a_folder_that_is_granted_is_simply_there() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.file("home/.agent.json", "old");
        let home = jail.home();
        let jail = jail.op(bind(&home, Access::ReadWrite)).op(shared(expand("~/.agent.json")));
        let jail = jail.set("HOME", home.to_str().expect("UTF-8"));
        // The folder of jailgen's settings was made, so that it could be covered.
        jail.sh("cd ~; cat .agent.json; echo new >t; mv -T t .agent.json; ls -A")
            .prints("old.agent.json\n.config");
        assert_eq!(held(&jail), "new\n");
    }
}

#[test]
fn a_link_of_the_users_stays_and_what_it_leads_to_is_replaced() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let real = jail.file("home/dotfiles/agent", "old");
        let folder = real.parent().expect("a folder");
        std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
        std::os::unix::fs::symlink("dotfiles/agent", jail.home().join(".agent.json")).expect("it");
        let jail = jail.op(tmpfs("/h")).op(shared(literal("/h/agent")));
        jail.sh(REPLACE).prints("old");
        assert_eq!(std::fs::read_to_string(real).expect("a file"), "new\n");
        jail.outside_sh("readlink ~/.agent.json").prints("dotfiles/agent");
    }
}

#[test]
fn what_is_no_file_of_the_callers_is_not_taken_back() {
    for caller in callers() {
        for (script, why) in [
            ("rm agent; ln -s /proc/self/environ agent", "no regular file"),
            ("rm agent; ln -s agent.other agent; echo x >agent.other", "no regular file"),
            ("rm agent; mkfifo agent", "no regular file"),
            ("rm agent; mkdir agent", "no regular file"),
            ("truncate -s 65M agent", "larger than"),
            ("chmod 0 agent; echo x >t; chmod 0 t; mv -T t agent", "EACCES"),
        ] {
            let jail = jail(caller);
            let ran = jail.sh(&format!("cd /h; {script}; sleep 0.4"));
            assert_eq!(ran.code, Some(0), "{script}: {ran:?}");
            if why == "EACCES" && caller.is_root() {
                assert_eq!(held(&jail), "x\n");
                continue;
            }
            assert_eq!(held(&jail), "old", "{script}");
            for words in [why, "was not taken back", ".agent.json", "demo.jail:4:3"] {
                assert!(ran.stderr.contains(words), "{script}: no `{words}` in {}", ran.stderr);
            }
            jail.outside_sh("ls -A ~").prints(".agent.json");
        }
    }
}

#[test]
fn folders_that_are_moved_lead_nowhere_else() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.file("home/.agent.json", "old");
        let other = jail.file("home/other/agent", "other");
        let jail = jail
            .op(tmpfs("/h"))
            .op(bind(other.parent().expect("a folder"), Access::ReadOnly))
            .op(shared(literal("/h/config/agent")));
        // The folder of the jail's own file is replaced by a link to another one.
        let there = other.parent().expect("a folder").display();
        jail.sh(&format!(
            "cd /h; mv config gone; ln -s {there} config; echo new >gone/agent; sleep 0.4"
        ))
        .prints("");
        assert_eq!(held(&jail), "new\n");
        assert_eq!(std::fs::read_to_string(other).expect("a file"), "other");
    }
}

#[test]
fn where_nothing_can_be_written_beside_it_it_is_bound() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.file("home/.agent.json", "old");
        let root = InsideOp::RemountReadOnly(literal("/"));
        let jail = jail.op(shared(literal("/etc/agent"))).op(root);
        let script = r"
            cat /etc/agent
            echo new >/etc/agent
            touch /etc/beside 2>/dev/null || echo ro
        ";
        jail.sh(script).prints("oldro");
        assert_eq!(held(&jail), "new\n");
        // A second name would keep the old content, and a folder is not a file.
        let jail = self::jail(caller);
        jail.outside_sh("ln ~/.agent.json ~/second").prints("");
        assert_ne!(jail.sh(REPLACE).code, Some(0));
        jail.sh("echo more >>/h/agent").prints("");
        jail.outside_sh("cat ~/second").prints("oldmore");
        let jail = Jail::new(caller);
        std::fs::create_dir(jail.home().join(".agent.json")).expect("a folder");
        jail.op(tmpfs("/h"))
            .op(shared(literal("/h/agent")))
            .sh("")
            .stopped(&["EISDIR", "state-dir"]);
    }
}
