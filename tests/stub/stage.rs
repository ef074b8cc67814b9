//! The working folder below a stage: what the jail writes is kept apart, and the folder stays as it
//! is.

use jail_plan::{HandOff, Host, HostOp, InsideOp, Mask, Plan, Stage, Step};

use crate::jail::{Caller, Jail, by, callers, literal};
use crate::programs::host;

const PARTS: [&str; 3] = ["upper", "work", "base"];

/// A jail whose folder has a stage, in the state folder.
fn staged(caller: Caller) -> Jail {
    let jail = Jail::new(caller);
    let state = jail.folder.path().join("state/jailgen/stages/test/default");
    let places = PARTS.map(|part| state.join(part).join("p"));
    let made = jail.command("mkdir").arg("-p").args(&places).status();
    assert!(made.is_ok_and(|status| status.success()));
    let [upper, work, base] = places.map(literal);
    let stage = Stage { upper, work, base };
    jail.change(|plan| {
        let program = host().to_str().expect("UTF-8").to_owned();
        plan.host = Some(Host { program, shell: None });
        plan.before.push(Step::new(by(), HostOp::HandOff(HandOff { quarantine: false })));
        stage_folder(plan, &stage);
    })
}

fn stage_folder(plan: &mut Plan, stage: &Stage) {
    for step in &mut plan.inside {
        if let InsideOp::Folder(folder) = &mut step.op {
            folder.stage = Some(stage.clone());
        }
    }
}

#[test]
fn the_folder_stays_as_it_is_and_the_stage_goes_on_at_the_next_launch() {
    for caller in callers() {
        let jail = staged(caller);
        jail.outside_sh("mkdir .git; for f in f .git/config gone; do echo base >$f; done")
            .prints("");
        let ran = jail
            .sh("echo x >f && rm gone && mkdir d && echo y >d/z && echo h >.git/config && cat f");
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "x\n"), "{}", ran.stderr);
        assert!(ran.stderr.contains("the stage has 4 changed files"), "{}", ran.stderr);
        jail.outside_sh("cat f gone .git/config; ls -A").prints("base\nbase\nbase\n.git\nf\ngone");
        jail.sh("cat f d/z .git/config; ls gone 2>&1 | grep -c 'No such'").prints("x\ny\nh\n1");
        let base = jail.folder.path().join("state/jailgen/stages/test/default/base/p/manifest");
        let base = std::fs::read_to_string(base).expect("a record");
        assert!(base.contains(" gone\0") && !base.contains(".git"), "{base}");
        // Neither the stage nor the record can be seen from inside.
        let state = jail.folder.path().join("state/jailgen/stages").display().to_string();
        jail.sh(&format!("ls {state} 2>&1 | grep -c 'No such'")).prints("1");
    }
}

#[test]
fn two_launches_in_one_stage_are_one_too_many() {
    for caller in callers() {
        let jail = staged(caller);
        let script = "\"$W\" -c 'echo first; sleep 20' >~/first & \
             until grep -q first ~/first; do sleep 0.05; done; \
             \"$W\" -c 'echo second'; echo $?; kill %1 2>/dev/null || kill $!; wait; \"$W\" -c 'echo third'";
        let ran = jail.outside_sh(script);
        ran.prints("125\nthird");
        assert!(ran.stderr.contains("another launch keeps its changes there"), "{}", ran.stderr);
    }
}

#[test]
fn a_masked_file_is_empty_under_a_stage_too() {
    for caller in callers() {
        let jail = staged(caller);
        jail.file("project/.env", "secret\n");
        jail.file("project/sub/.env", "secret\n");
        jail.file("project/shown", "shown\n");
        let jail = jail.op(InsideOp::Mask(Mask { globs: vec![".env".into()] }));
        let script = "cat .env sub/.env shown; cp .env copy; cat copy; mv .env other 2>/dev/null; rm -rf sub 2>/dev/null; cat other sub/.env 2>/dev/null; echo end";
        jail.sh(script).prints("shown\nend");
        jail.outside_sh("cat .env sub/.env").prints("secret\nsecret");
        jail.sh("cat .env sub/.env copy; echo end").prints("end");
    }
}

#[test]
fn a_stage_that_lies_in_the_project_stops_the_launch() {
    for caller in callers() {
        let jail = staged(caller);
        let state = jail.project().join("state");
        jail.outside_sh("mkdir -p state/jailgen/stages").prints("");
        let state = state.to_str().expect("UTF-8").to_owned();
        let jail = jail.outside("XDG_STATE_HOME", &state);
        jail.sh("true").stopped(&["jailgen's state lies in the folder"]);
    }
}
