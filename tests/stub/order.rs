//! The working folder lies over what is mounted around it, wherever the plan says so.

use jail_plan::{Access, InsideOp, Missing, Step, Tmpfs};

use crate::jail::{Caller, Jail, bind, bind_to, callers, literal, step, tmpfs};

/// A jail whose working folder is below /tmp, and these operations after it.
fn followed_by(caller: Caller, further: impl FnOnce(&Jail) -> Vec<InsideOp>) -> Jail {
    let jail = Jail::new(caller);
    jail.file("project/own", "own");
    jail.file("home/file", "of the home folder");
    let further = further(&jail);
    jail.change(|plan| plan.inside.extend(further.into_iter().map(step)))
}

#[test]
fn an_empty_folder_around_the_working_folder_leaves_that_one_in_it() {
    for caller in callers() {
        let jail = followed_by(caller, |_| vec![tmpfs("/tmp")]);
        jail.sh("cat own; echo; ls ..; echo x >made").prints("own\nproject");
        assert!(jail.project().join("made").exists());
        jail.sh("cat ../home/file || echo refused").prints("refused");
        // The control: outside it is there.
        jail.outside_sh("cat ../home/file").prints("of the home folder");
    }
}

#[test]
fn a_read_only_folder_around_the_working_folder_leaves_that_one_writable_and_nothing_else() {
    for caller in callers() {
        let jail = followed_by(caller, |_| vec![bind("/tmp", Access::ReadOnly)]);
        jail.sh("echo x >made; cat ../home/file").prints("of the home folder");
        assert!(jail.project().join("made").exists());
        jail.sh("echo x >../home/file || echo refused").prints("refused");
        jail.outside_sh("echo y >../home/file; cat ../home/file").prints("y");
    }
}

#[test]
fn what_lies_in_the_working_folder_stays_over_it() {
    for caller in callers() {
        let jail = followed_by(caller, |jail| {
            vec![
                bind(jail.project().join("own"), Access::ReadOnly),
                tmpfs("/tmp"),
                bind("/usr/bin", Access::ReadOnly),
            ]
        });
        jail.sh("echo x >own || echo refused; cat own; echo x >other; cat other")
            .prints("refused\nownx");
        // What is mounted at its own place is meant to cover it.
        let jail = followed_by(caller, |jail| {
            vec![tmpfs("/tmp"), tmpfs(jail.project().to_str().expect("UTF-8"))]
        });
        jail.sh("ls; echo x >own").prints("");
        assert_eq!(std::fs::read_to_string(jail.project().join("own")).expect("a file"), "own");
    }
}

#[test]
fn a_working_folder_without_a_place_in_what_is_around_it_names_both_grants() {
    for caller in callers() {
        let around = bind_to("/usr/bin", "/tmp", Access::ReadOnly, Missing::Fail);
        let jail =
            Jail::new(caller).change(|plan| plan.inside.push(Step::new("ro-bind#7", around)));
        jail.sh("echo ran").stopped(&[
            "(folder)",
            "the tree around it is read-only",
            "wanted by `test` at demo.jail:4:3",
            "in what is put there by `ro-bind`\n",
            "workspace",
        ]);
        // The control: where a place can be made.
        let jail = followed_by(caller, |_| {
            let (to, mode, size) = (literal("/tmp"), 0o755, None);
            vec![InsideOp::Tmpfs(Tmpfs { to, mode, size })]
        });
        jail.sh("echo ran").prints("ran");
    }
}
