use expect_test::expect;
use jail_policy::{
    Access, Entry, Grant, Lifetime, Missing, Namespace, NetworkGrant, Origin, Output, Package,
    Policy, ProxyCredentials, Reach, Scope, Service, Terminal, Text, UpstreamProxy, VERSION, Zone,
};

use super::{Explanation, brief, render};
use crate::findings::findings;

fn policy(grants: &[(&str, u32, Grant)]) -> Policy {
    let entry = |(combinator, index, grant): &(&str, u32, Grant)| {
        let by = Origin { combinator: (*combinator).into(), index: *index };
        Entry { by, grant: grant.clone() }
    };
    let grants: Vec<Entry> = grants.iter().map(entry).collect();
    let places = grants
        .iter()
        .filter(|entry| entry.by.combinator != "base")
        .map(|entry| (entry.by.clone(), format!("demo.jail:{}:3", entry.by.index)))
        .collect();
    Policy { version: VERSION, name: "demo".into(), grants, places }
}

fn package(nix: &str, output: Output) -> Text {
    Text::package(Package::Symbolic { nix: nix.into() }, output)
}

fn bin(nix: &str) -> Text {
    let mut text = package(nix, Output::Bin);
    text.push(jail_policy::Piece::Literal("/bin".into()));
    text
}

fn set(name: &str, value: &str) -> Grant {
    Grant::SetEnv { name: name.into(), value: Text::literal(value) }
}

fn tmpfs(to: Text) -> Grant {
    Grant::Tmpfs { to, mode: 0o700, size: None }
}

fn explain(policy: &Policy) -> Explanation {
    super::explain(policy, findings(policy))
}

fn text_of(policy: &Policy) -> String {
    anstream::adapter::strip_str(&render(&explain(policy), 100)).to_string()
}

fn demo() -> Policy {
    let home = || Text::expanded("~");
    policy(&[
        ("base", 0, tmpfs(Text::literal("/tmp"))),
        ("base", 0, tmpfs(home())),
        ("base", 0, Grant::Store { scope: Scope::Closure }),
        ("base", 0, set("HOME", "~")),
        ("base", 0, Grant::Terminal { terminal: Terminal::Keep }),
        ("base", 0, Grant::Lifetime { lifetime: Lifetime::Launcher }),
        ("jail", 1, Grant::Program { path: package("pkgs.hello", Output::Program) }),
        ("mount-cwd", 2, Grant::Folder { access: Access::ReadWrite, to: None, stage: None }),
        (
            "try-readonly",
            3,
            Grant::Bind {
                from: Text::expanded("~/.gitconfig"),
                to: Text::expanded("~/.gitconfig"),
                access: Access::ReadOnly,
                missing: Missing::Skip,
            },
        ),
        ("add-pkg-deps", 4, Grant::AddPath { folder: bin("pkgs.git") }),
        ("add-pkg-deps", 4, Grant::AddPath { folder: bin("pkgs.jq") }),
        ("set-env", 5, set("LANG", "de_DE.UTF-8")),
        ("network", 6, Grant::HostNetwork),
        ("network", 6, Grant::TimeZone { zone: Zone::Host }),
    ])
}

#[test]
fn every_grant_stands_with_its_line() {
    expect![[r#"
        demo
        Writes   this folder
        Reads    ~/.gitconfig; nothing else of yours
        Reaches  all networks

        Program
          runs        pkgs.hello                                                 demo.jail:1:3  jail

        Files
          read-write  the folder that it is started in (a plain bind: all in it  demo.jail:2:3  mount-cwd
                      can be changed)
          read-only   ~/.gitconfig (if it is there)                              demo.jail:3:3  try-readonly
          in memory   /tmp, ~                                                    by default
          read-only   of /nix/store what this jail needs at run time             by default

        Network
          the host's  network: internet, local network, loopback                 demo.jail:6:3  network

        Surroundings
          time zone   the host's                                                 demo.jail:6:3  network
          terminal    its own, with keys in the foreground                       by default
          ends with   its launcher                                               by default
          Landlock    checks reads, writes, devices, signals, abstract sockets   by default
                      (where the kernel can)
          seccomp     default deny list: system calls used in known sandbox      by default
                      escapes

        Environment
          set         LANG=de_DE.UTF-8                                           demo.jail:5:3  set-env
          set         HOME=~                                                     by default

        Commands
          from        git, jq                                                    demo.jail:4:3  add-pkg-deps

        Not there
          other files of the host, the rest of the home folder,
          other processes (own numbers begin at random), capabilities and setuid programs,
          the system calls that the default filter refuses, the launcher's other variables and open files
    "#]].assert_eq(&text_of(&demo()));
}

#[test]
fn a_later_grant_at_the_same_place_is_the_one_that_is_told() {
    let mut policy = demo();
    let by = Origin { combinator: "readwrite".into(), index: 9 };
    let path = || Text::expanded("~/.gitconfig");
    let (access, missing) = (Access::ReadWrite, Missing::Fail);
    policy
        .grants
        .push(Entry { by, grant: Grant::Bind { from: path(), to: path(), access, missing } });
    let text = text_of(&policy);
    let lines = text.lines().filter(|line| line.starts_with("  read")).collect::<String>();
    assert_eq!(lines.matches("~/.gitconfig").count(), 1, "{text}");
    assert!(text.contains("read-write  ~/.gitconfig"), "{text}");
}

#[test]
fn what_is_granted_is_not_said_to_be_absent() {
    let none = explain(&policy(&[]));
    let all = explain(&policy(&[
        ("network", 1, Grant::HostNetwork),
        ("share-ns", 2, Grant::ShareNamespace { namespace: Namespace::Pid }),
        (
            "readonly",
            3,
            Grant::Bind {
                from: Text::expanded("~/"),
                to: Text::expanded("~/"),
                access: Access::ReadOnly,
                missing: Missing::Fail,
            },
        ),
    ]));
    let gone: Vec<_> = none.absent.iter().filter(|line| !all.absent.contains(line)).collect();
    expect![[r#"
        [
            "the rest of the home folder",
            "any network, the host's loopback included",
            "other processes (own numbers begin at random)",
        ]"#]]
    .assert_eq(&format!("{gone:#?}"));
    let root = Grant::Bind {
        from: Text::literal("/"),
        to: Text::literal("/"),
        access: Access::ReadOnly,
        missing: Missing::Fail,
    };
    let whole = explain(&policy(&[("readonly", 1, root)]));
    for gone in ["other files of the host", "the rest of the home folder"] {
        assert!(none.absent.contains(&gone) && !whole.absent.contains(&gone), "{gone}");
    }
}

#[test]
fn a_spec_sends_no_control_sequences() {
    let policy = policy(&[("set-env", 1, set("A", "\u{1b}]0;title\u{7}"))]);
    let text = text_of(&policy);
    assert!(text.contains(r"A=\u{1b}]0;title\u{7}"), "{text:?}");
}

fn bind(from: Text, access: Access) -> Grant {
    Grant::Bind { to: from.clone(), from, access, missing: Missing::Fail }
}

/// The three lines of these grants.
fn three(grants: &[Grant]) -> String {
    let applied: Vec<(&str, u32, Grant)> =
        grants.iter().map(|grant| ("x", 1, grant.clone())).collect();
    anstream::adapter::strip_str(&brief(&[explain(&policy(&applied))])).to_string()
}

#[test]
fn three_lines_say_what_is_written_read_and_reached() {
    expect![[r#"
        Writes   nothing of yours
        Reads    nothing of yours
        Reaches  no network
    "#]]
    .assert_eq(&three(&[]));
    let claude = || Text::expanded("~/.claude");
    expect![[r#"
        Writes   this folder, ~/.claude
        Reads    nothing else of yours
        Reaches  all networks
    "#]]
    .assert_eq(&three(&[
        bind(claude(), Access::ReadOnly),
        Grant::StateDirectory { path: claude(), to: claude() },
        Grant::Folder { access: Access::ReadWrite, to: None, stage: None },
        bind(Text::literal("/nix/store/x-y"), Access::ReadOnly),
        Grant::HostNetwork,
    ]));
    expect![[r#"
        Writes   all of your home folder
        Reads    this folder, $MY_API_KEY, /srv, every path among its arguments; nothing else of yours
        Reaches  no network, the SSH agent's socket, the server at /run/docker.sock, your browser, a script on the host (`ask`)
    "#]]
    .assert_eq(&three(&[
        Grant::Folder { access: Access::ReadOnly, to: None, stage: None },
        bind(Text::expanded("$HOME/"), Access::ReadWrite),
        bind(Text::literal("/srv"), Access::ReadOnly),
        Grant::BindArguments { access: Access::ReadOnly },
        Grant::ForwardEnv { name: "MY_API_KEY".into(), missing: Missing::Fail },
        Grant::ForwardEnv { name: "LANG".into(), missing: Missing::Skip },
        Grant::Session { service: Service::SshAgent },
        bind(Text::literal("/run/docker.sock"), Access::ReadWrite),
        Grant::OpenUrls,
        Grant::TerminalFilter,
        Grant::Quarantine,
        Grant::Protect { globs: vec!["@editor".into(), "!.zed".into()] },
        Grant::Channel {
            name: "ask".into(),
            script: Text::literal("true"),
            shell: Text::literal("/bin/sh"),
        },
    ]));
    expect![[r#"
        Writes   nothing of yours
        Reads    everything on this machine
        Reaches  no network
    "#]]
    .assert_eq(&three(&[bind(Text::literal("/"), Access::ReadOnly)]));
}

#[test]
fn the_three_lines_are_three_whatever_a_path_holds() {
    let text = three(&[bind(Text::literal("/a\n/b \u{1b}[2J"), Access::ReadWrite)]);
    assert_eq!(text.lines().count(), 3, "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn of_several_jails_each_has_its_name() {
    let none = explain(&policy(&[]));
    let text = anstream::adapter::strip_str(&brief(&[none.clone(), none])).to_string();
    assert_eq!(text.matches("demo\nWrites").count(), 2, "{text}");
}

#[test]
fn what_the_spec_wants_comes_before_what_every_jail_has_also_without_lines() {
    let mut without_places = demo();
    without_places.places.clear();
    let text = text_of(&without_places);
    let line = |what: &str| text.lines().find(|line| line.contains(what)).unwrap_or_default();
    assert!(line("the folder that it").contains("mount-cwd"), "{text}");
    assert!(line("/tmp, ~").contains("by default"), "{text}");
}

/// Of two grants at one place the later one is shown, except that the jail has the earlier one if
/// the later may be missing at launch.
#[test]
fn what_may_be_missing_at_launch_hides_no_grant() {
    let yours = || Text::expanded("~/work");
    let try_over = |from: Text| Grant::Bind {
        from,
        to: yours(),
        access: Access::ReadOnly,
        missing: Missing::Skip,
    };
    for uncertain in [
        try_over(Text::literal("/nonexistent")),
        Grant::Directory { to: yours(), mode: 0o755 },
        Grant::DeepBind { from: yours(), missing: Missing::Skip },
        Grant::GitIdentity { to: yours() },
    ] {
        let grants = [bind(yours(), Access::ReadWrite), uncertain.clone()];
        assert!(three(&grants).contains("Writes   ~/work"), "{uncertain:?}");
        let [first, second] = grants;
        let text = text_of(&policy(&[("readwrite", 1, first), ("other", 2, second)]));
        assert!(text.contains("read-write  ~/work"), "{uncertain:?}\n{text}");
    }
    for certain in [tmpfs(yours()), bind(yours(), Access::ReadOnly)] {
        let text = three(&[bind(yours(), Access::ReadWrite), certain.clone()]);
        assert!(text.contains("Writes   nothing of yours"), "{certain:?}");
    }
}

#[test]
fn the_three_lines_leave_nothing_of_yours_out() {
    let behind = |start: &str| {
        let mut text = Text::expanded(start);
        text.extend(&package("pkgs.hello", Output::Out));
        text
    };
    let skipped = |path: &str, reach| Grant::Reach {
        path: Text::literal(path),
        reach,
        missing: Missing::Skip,
    };
    let copy = |from: Text| Grant::Copy {
        from,
        to: Text::literal("/etc/hosts"),
        append: None,
        missing: Missing::Skip,
    };
    let state = |path: &str| {
        let path = Text::expanded(path);
        Grant::StateDirectory { to: path.clone(), path }
    };
    let caged =
        |grant: Grant| vec![Grant::Cage { alias: "jailed-box".into(), datagrams: false }, grant];
    let ports = |connect: &[u16], bind: &[u16]| Grant::Ports {
        connect: connect.to_vec(),
        bind: bind.to_vec(),
    };
    let credentials = Some(ProxyCredentials::Variable { name: "LOGIN".into() });
    let proxy = UpstreamProxy::At { host: "a.example".into(), port: 3128, tls: false, credentials };
    for (grants, expected) in [
        (caged(ports(&[], &[8080])), "Reaches  clients of its TCP ports 8080"),
        (caged(ports(&[53], &[])), "Reaches  TCP ports 53 of all networks"),
        (
            vec![Grant::Cage { alias: "jailed-box".into(), datagrams: true }],
            "Reaches  all networks by UDP",
        ),
        (vec![Grant::Terminal { terminal: Terminal::Shared }], "Reads    what you type"),
        (
            vec![Grant::Network(NetworkGrant::Upstream { proxy })],
            "the proxy a.example:3128, with the credentials in $LOGIN",
        ),
        (vec![bind(behind("~/x"), Access::ReadWrite)], "Writes   ~/x"),
        (vec![bind(behind("~/x"), Access::ReadOnly)], "Reads    ~/x"),
        (vec![bind(Text::expanded("~//"), Access::ReadOnly)], "all of your home folder"),
        (vec![copy(Text::literal("/etc/shadow"))], "Reads    /etc/shadow"),
        (caged(skipped("/dev/sda", Reach::Rw)), "Writes   /dev/sda"),
        (caged(skipped("/etc/passwd", Reach::Rw)), "Writes   /etc/passwd"),
        (caged(skipped("/procurement", Reach::Ro)), "Reads    /procurement"),
        (caged(state("~/.local/state/jailgen/other/home")), "jailgen/other/home"),
    ] {
        assert!(three(&grants).contains(expected), "{grants:?}\n{}", three(&grants));
    }
    for grants in [
        vec![bind(package("pkgs.hello", Output::Out), Access::ReadOnly)],
        vec![copy(Text::literal("/etc/hosts"))],
        caged(skipped("/dev/null", Reach::Device)),
        caged(skipped("/etc/passwd", Reach::Ro)),
    ] {
        assert!(three(&grants).contains("Reads    nothing of yours"), "{}", three(&grants));
    }
}

#[test]
fn what_is_granted_by_another_name_is_not_called_absent() {
    let absent = |place: Text| explain(&policy(&[("x", 1, bind(place, Access::ReadOnly))])).absent;
    let (files, home) = ("other files of the host", "the rest of the home folder");
    for root in ["\"/\"", "${X:-/}", "/proc/self/root"] {
        assert!(!absent(Text::expanded(root)).contains(&files), "{root}");
    }
    for place in ["~//", "/$HOME", "/home/$USER", "${X:-~}"] {
        assert!(!absent(Text::expanded(place)).contains(&home), "{place}");
        assert!(absent(Text::expanded(place)).contains(&files), "{place}");
    }
    assert!(absent(Text::expanded("~/src")).contains(&home));
}
