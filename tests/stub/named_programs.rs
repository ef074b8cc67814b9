//! Programs of an agent's state that its settings name, and what these read: outside they stay as
//! they are, wherever they lie.

use jail_plan::git::COPIES;
use jail_plan::{Access, InsideOp, PrivateCopies};

use crate::jail::{Jail, bind, callers, expand, literal};
use crate::private::{apart, own, shared};

/// Programs that settings name lie in the folder `scripts` and next to the
/// settings; each reads another one.
const PROGRAMS: &str = "set -e; cd ~/.agent; mkdir scripts data tools
    echo '{\"line\": \"~/.agent/scripts/line.sh\", \"root\": \"sh ~/.agent/root.sh\", \"link\": \"~/.agent/linked.sh\"}' >settings.json
    echo '. ~/.agent/scripts/lib.sh' >scripts/line.sh; echo 'echo lib' >scripts/lib.sh; chmod 700 scripts/line.sh
    echo '. ~/.agent/near.sh; sh ~/.agent/data/run.sh' >root.sh; echo 'echo near' >near.sh
    echo '. ~/.agent/data/more' >data/run.sh; echo 'echo more' >data/more
    echo '. ~/.agent/tools/lib' >tools/real.sh; echo 'echo real' >tools/lib; chmod 700 tools/real.sh; ln -s tools/real.sh linked.sh
    echo said >history.jsonl; ln -s history.jsonl latest";

#[test]
fn what_lies_next_to_a_program_that_settings_name_is_not_changed_outside() {
    for caller in callers() {
        let later = "cd ~/.agent; for p in scripts/line.sh root.sh linked.sh; do sh $p; done";
        let evil = "cd ~/.agent; for f in scripts/lib.sh near.sh data/more tools/lib scripts/line.sh; do echo 'echo evil' >$f; done
            rm -f linked.sh tools/real.sh; ln -s login linked.sh 2>/dev/null; echo 'echo evil' >login; echo more >>latest; ln -sfn login latest
            mv scripts s2 2>/dev/null; mkdir -p scripts; for f in line lib; do echo 'echo evil' >scripts/$f.sh; done; sh root.sh";
        let jail = apart(caller);
        assert_eq!(jail.outside_sh(PROGRAMS).code, Some(0));
        let ran = jail.sh(evil);
        // Inside, the jail has what it has written.
        ran.prints("evil\nevil");
        jail.outside_sh(later).prints("lib\nnear\nmore\nreal");
        jail.outside_sh("cat ~/.agent/login ~/.agent/history.jsonl; readlink ~/.agent/latest")
            .prints("echo evil\nsaid\nmore\nlogin");
        assert!(!ran.stderr.contains("new in the session"), "{ran:?}");
        // The control: without copies all of it is executed.
        let control = shared(caller).op(InsideOp::RemountReadOnly(literal("/")));
        assert_eq!(control.outside_sh(PROGRAMS).code, Some(0));
        control.sh(evil).prints("evil\nevil");
        assert_eq!(control.outside_sh(later).stdout.matches("evil").count(), 4);
    }
}

#[test]
fn what_is_made_next_to_a_program_that_lies_among_state_is_told() {
    for caller in callers() {
        for (made, words) in [
            ("echo evil >json.py", Some("`~/.agent/json.py`")),
            ("mkdir __pycache__ && echo evil >__pycache__/x.pyc", Some("`~/.agent/__pycache__`")),
            ("mkdir y && echo evil >y/__init__.py", Some("`~/.agent/y`")),
            ("ln -s login near", Some("`~/.agent/near`")),
            ("echo x >\"$(printf 'a\\033[2J.sh')\"", Some("`~/.agent/a")),
            ("echo x >session.jsonl; mkdir todos; echo x >todos/a.md", None),
        ] {
            let jail = apart(caller);
            jail.file("home/.agent/settings.json", "{\"line\": \"python3 ~/.agent/line.py\"}");
            jail.file("home/.agent/line.py", "import json");
            let ran = jail.sh(&format!("cd ~/.agent; {made}"));
            assert_eq!(ran.code, Some(0), "{ran:?}");
            let told = "new in the session, next to programs that settings on the host name: ";
            let told = words.map(|words| format!("{told}{words}"));
            match told {
                Some(told) => assert!(ran.stderr.contains(&told), "{made}: {ran:?}"),
                None => assert!(!ran.stderr.contains("new in the session"), "{made}: {ran:?}"),
            }
            assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
        }
    }
}

#[test]
fn a_link_on_the_way_to_a_program_does_not_stop_the_launch_and_stays() {
    for caller in callers() {
        // In the folder, by another link, out of the folder, and in a circle.
        let made = "set -e; cd ~/.agent; mkdir -p kept/real ../dots
            ln -s kept one; ln -s one/real two; ln -s ../dots out; ln -s round round
            echo 'echo in' >kept/real/in.sh; echo 'echo out' >../dots/out.sh
            echo '{\"a\": \"sh ~/.agent/two/in.sh\", \"b\": \"~/.agent/out/out.sh\", \"c\": \"~/.agent/round/x.sh\"}' >settings.json";
        let jail = apart(caller);
        assert_eq!(jail.outside_sh(made).code, Some(0));
        let evil =
            "cd ~/.agent; mkdir -p evil; echo 'echo evil' >evil/in.sh; cp evil/in.sh evil/out.sh
            for l in two one out; do rm -f $l; ln -sfn evil $l; done 2>/dev/null
            mv kept k2; mkdir -p kept/real; echo 'echo evil' >kept/real/in.sh; echo ran";
        let ran = jail.sh(&format!("({evil}) 2>/dev/null"));
        ran.prints("ran");
        jail.outside_sh("cd ~/.agent; sh two/in.sh; sh out/out.sh; readlink one two out")
            .prints("in\nout\nkept\none/real\n../dots");
        // The control.
        let control = shared(caller).op(InsideOp::RemountReadOnly(literal("/")));
        assert_eq!(control.outside_sh(made).code, Some(0));
        control.sh(&format!("({evil}) 2>/dev/null")).prints("ran");
        control.outside_sh("cd ~/.agent; sh two/in.sh; sh out/out.sh").prints("evil\nevil");
    }
}

#[test]
fn a_state_folder_may_be_a_link_and_a_folder_in_it_may_lead_to_another_one() {
    for caller in callers() {
        // As with dotfiles: the state folder is a link, and so is a folder of a second one.
        let jail = Jail::new(caller);
        jail.file("home/dots/agent/settings.json", "{\"l\": \"~/.agent/bin/l.sh\"}");
        jail.file("home/dots/agent/bin/l.sh", "echo line");
        jail.file("home/.other/hooks/start", "echo start");
        own(&jail.home(), caller);
        let made = jail.outside_sh("ln -s dots/agent ~/.agent; ln -s ../../.other ~/dots/agent/deep; ln -s ../../.other/hooks ~/dots/agent/hooks");
        assert_eq!(made.code, Some(0));
        let home = jail.home();
        let copies = |folder: &str, names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            InsideOp::PrivateCopies(PrivateCopies {
                to: literal(COPIES),
                folder: expand(folder),
                names,
            })
        };
        let jail = jail
            .op(bind(home.join(".agent"), Access::ReadWrite))
            .op(bind(home.join(".other"), Access::ReadWrite))
            .set("HOME", home.to_str().expect("UTF-8"))
            .op(copies("~/.agent", &["settings.json", "hooks/", "deep/hooks/"]))
            .op(copies("~/.other", &["settings.json"]))
            .op(InsideOp::RemountReadOnly(literal("/")));
        jail.sh("cd ~/.agent; for f in settings.json bin/l.sh ~/.other/hooks/start ~/.other/settings.json; do echo 'echo evil' >$f; done; cat bin/l.sh")
            .prints("echo evil");
        jail.outside_sh("sh ~/.agent/bin/l.sh; sh ~/.agent/hooks/start; ls ~/.other; cat ~/.agent/settings.json")
            .prints("line\nstart\nhooks\n{\"l\": \"~/.agent/bin/l.sh\"}");
    }
}

#[test]
fn what_there_is_no_room_to_copy_is_read_only_and_said() {
    for caller in callers() {
        let jail = apart(caller);
        // A script reads its neighbours, among state.
        let made = "cd ~/.agent; echo '{\"line\": \"sh ~/.agent/root.sh\"}' >settings.json; echo '. ~/.agent/n90.sh' >root.sh
            head -c 1000000 /dev/zero | tr '\\0' '\\n' >n1.sh; for n in $(seq 2 90); do cp n1.sh n$n.sh; done; echo last >z.sh";
        assert_eq!(jail.outside_sh(made).code, Some(0));
        let evil = "cd ~/.agent; echo evil >settings.json; n=0; for f in n*.sh z.sh; do (echo evil >$f) 2>/dev/null || n=$((n+1)); done; echo $((n > 20 && n < 40))";
        let ran = jail.sh(evil);
        assert_eq!(ran.stdout, "1\n", "{ran:?}");
        assert!(
            ran.stderr.contains("there is more than one launch copies (64 MiB, 4,096 files)")
                && ran.stderr.contains("`~/.agent/"),
            "{ran:?}"
        );
        jail.outside_sh("cd ~/.agent; grep -l evil * | wc -l").prints("0");
        // The control: where there is room, nothing is said, and the jail writes its copies.
        jail.outside_sh("cd ~/.agent; rm n[3-9]*.sh");
        let ran = jail.sh(&evil.replace("n > 20 && n < 40", "n"));
        assert_eq!(ran.stdout, "0\n", "{ran:?}");
        assert!(!ran.stderr.contains("one launch copies"), "{ran:?}");
    }
}
