use std::collections::BTreeMap;

use jail_probe::Answer;

use super::{DAEMON, Fault, Machine, Own, PROGRAMS, Report, State, attempts, report};

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
        (attempts::RESOLV_CONF, "# ours\nnameserver 192.0.2.53\n"),
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
        build: Some(Ok(())),
        user: ("u".into(), 1000),
        person: ("u".into(), 1000),
        own: Own::default(),
        cgroup: Some("/user".into()),
        daemon: DAEMON.into(),
        programs: PROGRAMS.to_vec(),
        nix: Ok("Nix 2.31".into()),
        kit: Ok("path:/nix/store/kit".into()),
        broker: true,
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
    let said = item.fix.iter().chain(&item.commands).cloned().collect::<Vec<_>>().join("\n");
    assert!(item.state == state && said.contains(fix), "{item:#?}");
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
fn a_network_by_name_takes_a_namespace_a_resolver_and_a_broker() {
    const CODE: &str = "network-by-name";
    let unreadable = with(&[(attempts::RESOLV_CONF, Answer::Refused(13))]);
    check(&unreadable, CODE, State::Less, "let every user read it");
    let empty = with(&[(attempts::RESOLV_CONF, text("search example.com\n"))]);
    assert!(check(&empty, CODE, State::Less, "dns [").runs, "other jails run");
    let mut refused = with(&[(attempts::NET, Answer::Refused(1))]);
    check(&refused, CODE, State::Good, "");
    refused.jail = Some(Err("clone3: EPERM".into()));
    check(&refused, CODE, State::Less, "user-namespaces");
    let mut old = machine();
    old.broker = false;
    check(&old, CODE, State::Less, "make kit");
    let without_v6 = report(&with(&[(attempts::IPV6, Answer::Refused(97))]));
    let item = without_v6.items.iter().find(|item| item.code == CODE).unwrap();
    assert!(item.state == State::Good && item.evidence.contains("IPv4 alone"), "{item:?}");
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
    machine.build = None;
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
    assert_eq!(good, ["nix", "kit", "build", "commands"]);
}

#[test]
fn a_build_that_was_tried_counts_more_than_what_might_be_in_its_way() {
    let daemon = attempts::connect(DAEMON);
    let mut machine = with(&[(&daemon, Answer::Refused(2))]);
    assert!(
        check(&machine, "nix-store", State::Less, "daemon").builds,
        "it was built all the same"
    );
    let line = "the group 'nixbld' specified in 'build-users-group' does not exist";
    let help = Some("create the group".into());
    machine.build = Some(Err(Fault { line: line.into(), help }));
    machine.own.nix_conf = Some("/home/u/.config/nix/nix.conf".into());
    let report = check(&machine, "build", State::NoBuild, "create the group");
    assert!(!report.builds && report.runs);
    let repairs: Vec<_> = report.items.iter().filter_map(|item| item.repair.as_ref()).collect();
    assert!(repairs.len() == 1 && repairs[0].lines == "build-users-group =\n", "{repairs:?}");
    machine.answers.insert(daemon.clone(), Answer::Done(0));
    let report = check(&machine, "build", State::NoBuild, "groupadd --system nixbld");
    assert!(report.items.iter().all(|item| item.repair.is_none()), "it is the daemon's setting");
    machine.build = Some(Err(Fault { line: "something else".into(), help: None }));
    let report = check(&machine, "build", State::NoBuild, "Nix's own message");
    assert!(report.items.iter().all(|item| item.repair.is_none()));
    // A trial needs no kit where the probe was compiled in, and a build does.
    machine.build = Some(Ok(()));
    machine.kit = Err("there is no kit".into());
    assert!(!super::report(&machine).builds);
}

#[test]
fn a_daemon_that_is_missing_is_started_as_the_machine_starts_it() {
    let daemon = attempts::connect(DAEMON);
    let folder = attempts::folder_of(DAEMON);
    let absent = |words: &'static str| (words, Answer::Refused(2));
    let missing = |more: &[(&str, Answer)]| {
        let mut machine = with(&[&[(daemon.as_str(), Answer::Refused(2))], more].concat());
        machine.build = Some(Err(Fault { line: "cannot connect".into(), help: None }));
        machine
    };
    let [packaged, installed] = attempts::UNITS;
    check(&missing(&[]), "nix-store", State::NoBuild, "systemctl enable --now nix-daemon.socket");
    check(&missing(&[absent(packaged)]), "nix-store", State::NoBuild, "systemctl enable");
    let no_unit = [absent(packaged), absent(installed)];
    check(&missing(&no_unit), "nix-store", State::NoBuild, "apt install nix-setup-systemd");
    let elsewhere = [no_unit.as_slice(), &[absent(attempts::DEBIAN)]].concat();
    check(&missing(&elsewhere), "nix-store", State::NoBuild, "sudo nix-daemon &");
    check(&missing(&[absent(attempts::SYSTEMD)]), "nix-store", State::NoBuild, "sudo nix-daemon &");
    let others = [
        (daemon.as_str(), Answer::Refused(13)),
        (folder.as_str(), text("folder 750 0 990")),
        (attempts::GROUP, text("root:x:0:\nnix-users:x:990:v\n")),
    ];
    check(&missing(&others), "nix-store", State::NoBuild, "usermod --append --groups nix-users u");
    let roots = [(daemon.as_str(), Answer::Refused(13)), (folder.as_str(), text("folder 700 0 0"))];
    check(&missing(&roots), "nix-store", State::NoBuild, "allowed-users");
}

#[test]
fn subordinate_ids_are_proposed_that_are_free_and_for_the_person_behind_sudo() {
    let mut machine = with(&[
        (attempts::SUBUID, text("somebody:100000:65536\n")),
        (attempts::SUBGID, text("somebody:100000:65536\nelse:165536:65536\n")),
        (attempts::PASSWD, text("root:x:0:0::/:/bin/sh\nfar:x:231072:1::/:/bin/sh\n")),
    ]);
    machine.user = ("root".into(), 0);
    machine.person = ("jane".into(), 1000);
    let ids = "--add-subuids 231073-296608 --add-subgids 231073-296608 jane";
    check(&machine, "subordinate-ids", State::Less, ids);
    // Only what is missing is given.
    machine.answers.insert(attempts::SUBUID.into(), text("jane:100000:65536\n"));
    check(
        &machine,
        "subordinate-ids",
        State::Less,
        "sudo usermod --add-subgids 231073-296608 jane",
    );
    machine.answers.insert(attempts::SUBGID.into(), text("1000:100000:65536\n"));
    check(&machine, "subordinate-ids", State::Good, "");
}
