//! What the grants make of the layers beside the mounts.

use expect_test::expect;
use jail_policy::{Access, Grant, Missing, Namespace, Text, Wall};

use super::{policy, sealed};

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
        Grant::Folder { access: Access::ReadWrite, to: None },
        Grant::BindArguments { access: Access::ReadOnly },
    ];
    let wall = |more: &[Grant]| wall_of(&[&grants, more].concat());
    expect![[r#"
        ["writes","devices","sockets","abstract-sockets","signals"]
        {"path":{"path":"/tmp","reach":"rwx","missing":"skip","by":"grant#2"}}
        {"path":{"path":"/proc","reach":"rw","missing":"skip","by":"grant#3"}}
        {"path":{"path":"/dev","reach":"device","missing":"skip","by":"grant#4"}}
        {"path":{"path":"/srv/a","reach":"rox","missing":"skip","by":"grant#6"}}
        {"path":{"path":"/srv/b","reach":"rwx","missing":"skip","by":"grant#7"}}
        {"folder":{"reach":"rwx","by":"grant#8"}}
        {"bound":{"reach":"rox","by":"grant#9"}}
        {"standard":{"reach":"device","by":"jailgen#0"}}
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
