use std::collections::BTreeMap;

use jail_probe::Answer;

use super::{DAEMON, Machine, PROGRAMS, Report, State, attempts, report};

/// A machine that has everything.
fn machine() -> Machine {
    let mut answers: BTreeMap<String, Answer> = attempts(1000, Some("/user"), DAEMON)
        .into_iter()
        .map(|words| (words, Answer::Done(0)))
        .collect();
    for (words, text) in [
        (attempts::RELEASE, "6.18.0\n"),
        (attempts::MAX_USER, "15000\n"),
        (attempts::CONTROLLERS, "cpu memory pids\n"),
        (attempts::SUBUID, "u:100000:65536\n"),
        (attempts::SUBGID, "1000:100000:65536\n"),
        (attempts::STORE, "folder 1775 0 30000"),
    ] {
        answers.insert(words.into(), Answer::Text(text.into()));
    }
    answers.insert(attempts::LANDLOCK.into(), Answer::Done(7));
    answers.insert(attempts::MOUNT_SETATTR.into(), Answer::Refused(9));
    for absent in [attempts::USERNS_CLONE, attempts::APPARMOR] {
        answers.insert(absent.into(), Answer::Refused(2));
    }
    Machine {
        answers,
        jail: Some(Ok(())),
        user: ("u".into(), 1000),
        cgroup: Some("/user".into()),
        daemon: DAEMON.into(),
        programs: PROGRAMS.to_vec(),
        nix: Ok("Nix 2.31".into()),
        kit: Ok("path:/nix/store/kit".into()),
        commands: (true, "/home/u/bin".into()),
    }
}

fn with(answers: &[(&str, Answer)]) -> Machine {
    let mut machine = machine();
    for (words, answer) in answers {
        machine.answers.insert((*words).into(), answer.clone());
    }
    machine
}

/// One item is like this, and its fix says that.
#[track_caller]
fn check(machine: &Machine, code: &str, state: State, fix: &str) -> Report {
    let report = report(machine);
    let item = report.items.iter().find(|item| item.code == code).unwrap();
    let told = item.fix.as_deref().unwrap_or_default();
    assert!(item.state == state && told.contains(fix), "{item:#?}");
    report
}

fn text(text: &str) -> Answer {
    Answer::Text(text.into())
}

#[test]
fn a_machine_that_has_everything_needs_nothing() {
    let report = report(&machine());
    let bad: Vec<_> = report.items.iter().filter(|item| item.state != State::Good).collect();
    assert!(report.runs && report.builds && bad.is_empty(), "{bad:#?}");
}

#[test]
fn what_forbids_user_namespaces_is_named_with_its_command() {
    let refused = (attempts::ALL, Answer::Refused(1));
    for (switch, fix) in [
        ((attempts::MAX_USER, text("0\n")), "sysctl user.max_user_namespaces="),
        ((attempts::USERNS_CLONE, text("0\n")), "sysctl kernel.unprivileged_userns_clone=1"),
        ((attempts::APPARMOR, text("1\n")), "jailgen doctor --apparmor"),
        ((attempts::RELEASE, text("6.8")), "seccomp=unconfined"),
    ] {
        let mut machine = with(&[refused.clone(), switch]);
        machine.jail = Some(Err("clone3: EPERM".into()));
        let report = check(&machine, "user-namespaces", State::NoRun, fix);
        assert!(!report.runs && report.builds);
    }
}

/// Ubuntu: the probe may not, and the stub, which has a profile, may.
#[test]
fn a_profile_for_the_stub_alone_is_enough() {
    let machine =
        with(&[(attempts::MOUNT, Answer::Refused(13)), (attempts::APPARMOR, text("1\n"))]);
    assert!(check(&machine, "user-namespaces", State::Less, "--apparmor").runs);
}

#[test]
fn a_user_namespace_without_capabilities_is_none() {
    let mut machine = with(&[(attempts::MOUNT, Answer::Refused(1))]);
    machine.jail = Some(Err("mount: EPERM".into()));
    assert!(!check(&machine, "user-namespaces", State::NoRun, "").runs);
}

#[test]
fn an_old_kernel_and_a_covered_proc_are_named() {
    check(&with(&[(attempts::MOUNT_SETATTR, Answer::Refused(38))]), "kernel", State::NoRun, "5.12");
    let covered = with(&[(attempts::PROC, Answer::Refused(1))]);
    check(&covered, "proc", State::NoRun, "systempaths=unconfined");
    check(&with(&[(attempts::SECCOMP, Answer::Refused(22))]), "seccomp", State::NoRun, "SECCOMP");
}

#[test]
fn what_landlock_lacks_is_told_by_its_version() {
    let lacks = |abi| {
        let report = report(&with(&[(attempts::LANDLOCK, Answer::Done(abi))]));
        report.items.into_iter().find(|item| item.code == "landlock").unwrap().evidence
    };
    assert_eq!(
        lacks(1),
        "version 1, without renames between folders, truncation, TCP ports, device ioctls, abstract sockets and signals, Unix sockets by path"
    );
    assert_eq!(lacks(5), "version 5, without abstract sockets and signals, Unix sockets by path");
    assert_eq!(lacks(6), "version 6, without Unix sockets by path");
    assert_eq!(lacks(9), "version 9");
    let none = with(&[(attempts::LANDLOCK, Answer::Refused(95))]);
    check(&none, "landlock", State::Less, "lsm=");
}

#[test]
fn cgroups_are_good_where_somebody_gives_a_part_of_them() {
    let manager = attempts::manager(1000);
    let [controllers, control] = attempts::delegated("/user");
    let own = with(&[
        (manager.as_str(), Answer::Refused(2)),
        (controllers.as_str(), text("cpu memory pids")),
    ]);
    check(&own, "cgroup", State::Good, "");
    let others = with(&[
        (manager.as_str(), Answer::Refused(2)),
        (controllers.as_str(), text("cpu memory pids")),
        (control.as_str(), Answer::Refused(13)),
    ]);
    check(&others, "cgroup", State::Less, "enable-linger u");
    let first = with(&[(attempts::CONTROLLERS, Answer::Refused(2))]);
    check(&first, "cgroup", State::Less, "unified_cgroup_hierarchy");
    let hybrid = with(&[(attempts::CONTROLLERS, text("hugetlb"))]);
    check(&hybrid, "cgroup", State::Less, "cgroup_no_v1");
}

#[test]
fn what_is_not_installed_is_named_with_how_to_install_it() {
    let mut machine = machine();
    machine.programs.clear();
    machine.nix = Err("Nix is not installed".into());
    machine.kit = Err("there is no kit".into());
    machine.commands.0 = false;
    check(&machine, "subordinate-ids", State::Less, "uidmap");
    check(&machine, "kit", State::NoBuild, "make kit");
    check(&machine, "commands", State::Less, "/home/u/bin:$PATH");
    let report = check(&machine, "nix", State::NoBuild, "nix-bin");
    assert!(report.runs && !report.builds);
    let without_range = with(&[(attempts::SUBUID, text("somebody:1:2"))]);
    check(&without_range, "subordinate-ids", State::Less, "--add-subuids");
}

#[test]
fn without_answers_nothing_is_good_that_was_to_be_tried() {
    let mut machine = machine();
    machine.answers.clear();
    machine.jail = None;
    let report = report(&machine);
    assert!(!report.runs);
    let good: Vec<&str> = report
        .items
        .iter()
        .filter(|item| item.state == State::Good)
        .map(|item| item.code)
        .collect();
    assert_eq!(good, ["nix", "kit", "commands"]);
}
