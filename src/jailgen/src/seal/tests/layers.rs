//! What the grants make of the layers other than the mounts.

use expect_test::expect;
use jail_policy::{Access, Grant, Missing, Namespace, Text, Wall};

use super::{GLIBC, policy, sealed, sealed_with};
use jail_seccomp::{Arch, default_program};

#[test]
fn the_wall_is_made_of_what_the_mounts_grant() {
    let text = |text: &str| Text::literal(text);
    let bind = |path: &str, access| Grant::Bind {
        from: text(path),
        to: text(path),
        access,
        missing: Missing::Fail,
    };
    let grants = [
        Grant::Tmpfs { to: text("/tmp"), mode: 0o1777, size: None },
        Grant::Proc { to: text("/proc") },
        Grant::Dev { to: text("/dev") },
        Grant::File { to: text("/etc/hostname"), content: text("x"), mode: 0o444 },
        bind("/srv/a", Access::ReadOnly),
        bind("/srv/b", Access::ReadWrite),
        Grant::Folder { access: Access::ReadWrite, to: None, stage: None },
        Grant::BindArguments { access: Access::ReadOnly },
    ];
    let wall = |more: &[Grant]| wall_of(&[&grants, more].concat());
    expect![[r#"
        ["reads","writes","devices","sockets","abstract-sockets","signals"]
        {"path":{"path":"/tmp","reach":"rwx","missing":"skip","by":"grant#2"}}
        {"path":{"path":"/proc","reach":"rw","missing":"skip","by":"grant#3"}}
        {"path":{"path":"/dev","reach":"device","missing":"skip","by":"grant#4"}}
        {"path":{"path":"/srv/a","reach":"rox","missing":"skip","by":"grant#6"}}
        {"path":{"path":"/srv/b","reach":"rwx","missing":"skip","by":"grant#7"}}
        {"folder":{"reach":"rwx","by":"grant#8"}}
        {"bound":{"reach":"rox","by":"grant#9"}}
        {"standard":{"reach":"device","by":"jailgen#0"}}
        {"path":{"path":"/","reach":"ro","missing":"fail","by":"jailgen#0"}}
    "#]]
    .assert_eq(&wall(&[]));
    expect![[r#"
        ["writes","reads","execution","devices","sockets","abstract-sockets","signals"]
        {"path":{"path":"/nix/store","reach":"rox","missing":"skip","by":"grant#1"}}
        {"path":{"path":"/tmp","reach":"rwx","missing":"skip","by":"grant#2"}}
        {"path":{"path":"/proc","reach":"rw","missing":"skip","by":"grant#3"}}
        {"path":{"path":"/dev","reach":"device","missing":"skip","by":"grant#4"}}
        {"path":{"path":"/etc/hostname","reach":"rox","missing":"skip","by":"grant#5"}}
        {"path":{"path":"/srv/a","reach":"rox","missing":"skip","by":"grant#6"}}
        {"path":{"path":"/srv/b","reach":"rwx","missing":"skip","by":"grant#7"}}
        {"folder":{"reach":"rwx","by":"grant#8"}}
        {"bound":{"reach":"rox","by":"grant#9"}}
        {"standard":{"reach":"device","by":"jailgen#0"}}
    "#]]
    .assert_eq(&wall(&[Grant::Wall { wall: Wall::Full }]));
    let pids = Grant::ShareNamespace { namespace: Namespace::Pid };
    assert!(!wall(&[pids]).contains("signals"));
}

#[test]
fn a_wall_that_the_spec_names_is_demanded_of_the_kernel() {
    let least = |grants: &[Grant]| {
        let wrapper = sealed(&policy(grants)).unwrap().wrapper;
        let landlock = jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan.landlock;
        (landlock.least, landlock.by)
    };
    let wall = |wall| Grant::Wall { wall };
    assert_eq!(least(&[]), (0, String::new()));
    assert_eq!(least(&[wall(Wall::Writes)]), (2, "grant#2".into()));
    assert_eq!(least(&[wall(Wall::Full)]), (3, "grant#2".into()));
    assert_eq!(least(&[wall(Wall::Full), Grant::LandlockAbi { least: 6 }]), (6, "grant#3".into()));
    assert_eq!(least(&[Grant::LandlockAbi { least: 2 }, wall(Wall::Full)]), (3, "grant#3".into()));
}

fn wall_of(grants: &[Grant]) -> String {
    let wrapper = sealed(&policy(grants)).unwrap().wrapper;
    let landlock = jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan.landlock;
    let rules = landlock.rules.iter().map(|rule| serde_json::to_string(rule).unwrap() + "\n");
    format!("{}\n{}", serde_json::to_string(&landlock.handles).unwrap(), rules.collect::<String>())
}

#[test]
fn a_file_that_is_no_filter_for_this_processor_is_refused_with_its_line_and_the_fix() {
    let path = format!("{GLIBC}/filter");
    let policy = policy(&[Grant::Filter { path: Text::literal(path.clone()) }]);
    let refused = |bytes: Vec<u8>| {
        sealed_with(&policy, &[(path.clone(), bytes)]).map(drop).unwrap_err().to_string()
    };
    let foreign = default_program(Arch::Aarch64);
    for (bytes, why) in [
        (Vec::new(), "it is empty"),
        (vec![6; 12], "12 bytes are not a list of instructions"),
        (vec![6; 8 * 4097], "it has 4097 instructions, and the kernel takes 4096"),
        (foreign, "it is meant for aarch64"),
    ] {
        let text = refused(bytes);
        for part in [&*path, why, "test.jail:2:3", "`add-seccomp` takes instructions"] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
    }
    assert!(sealed_with(&policy, &[(path.clone(), default_program(Arch::X86_64))]).is_ok());
    // Nor is one left out that has not been read.
    assert!(sealed_with(&policy, &[]).map(drop).unwrap_err().to_string().contains("was not read"));
}

#[test]
fn what_a_set_group_id_folder_changes_stands_in_plans_whose_working_folder_can_be_written() {
    let has_another = |grants: &[Grant]| {
        let wrapper = sealed(&policy(grants)).unwrap().wrapper;
        let seccomp = jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan.seccomp;
        let [own] = seccomp.as_slice() else { panic!("one filter") };
        own.in_set_group_id_folder.as_ref().is_some_and(|there| *there != own.program)
    };
    assert!(!has_another(&[]));
    assert!(!has_another(&[Grant::Folder { access: Access::ReadOnly, to: None, stage: None }]));
    assert!(has_another(&[Grant::Folder { access: Access::ReadWrite, to: None, stage: None }]));
}
