//! Plans as text, from small policies over a small graph.

use expect_test::{Expect, expect};
use jail_policy::{
    Access, Entry, Grant, Limited, Missing, Namespace, Origin, Policy, Scope, Text, Zone,
};

mod layers;
mod network;
mod requests;
mod unseal;

use super::{Graph, Node, PathKind, Request, SealError, Sealed, seal};

const HELLO: &str = "/nix/store/00000000000000000000000000000000-hello-2.12";
const GLIBC: &str = "/nix/store/11111111111111111111111111111111-glibc-2.40";
const GIT: &str = "/nix/store/22222222222222222222222222222222-git-2.50";
const LINK: &str = "/nix/store/33333333333333333333333333333333-link";

fn graph() -> Graph {
    let node = |kind, references: &[&str]| Node {
        references: references.iter().map(|path| (*path).to_owned()).collect(),
        kind,
    };
    Graph::new(
        "/nix/store",
        [
            (HELLO.to_owned(), node(PathKind::Folder, &[GLIBC, HELLO])),
            (GLIBC.to_owned(), node(PathKind::Folder, &[GLIBC])),
            (GIT.to_owned(), node(PathKind::File, &[GLIBC, LINK])),
            (LINK.to_owned(), node(PathKind::Link(format!("{GLIBC}/lib")), &[GLIBC])),
        ],
    )
    .unwrap()
}

/// A policy of these grants, after a program and the closure.
fn policy(grants: &[Grant]) -> Policy {
    let program = Grant::Program { path: Text::literal(format!("{HELLO}/bin/hello")) };
    let store = Grant::Store { scope: Scope::Closure };
    bare_policy(&[&[program, store], grants].concat())
}

fn bare_policy(grants: &[Grant]) -> Policy {
    let origin =
        |index: usize| Origin { combinator: "grant".into(), index: u32::try_from(index).unwrap() };
    let entry = |(index, grant): (usize, &Grant)| Entry { by: origin(index), grant: grant.clone() };
    let places = [(origin(2), "test.jail:2:3".to_owned())].into();
    Policy {
        version: jail_policy::VERSION,
        name: "jailed-hello".into(),
        grants: grants.iter().enumerate().map(entry).collect(),
        places,
    }
}

fn sealed(policy: &Policy) -> Result<Sealed, SealError> {
    sealed_with(policy, &[])
}

/// With the filters that the policy brings along.
fn sealed_with(policy: &Policy, filters: &[(String, Vec<u8>)]) -> Result<Sealed, SealError> {
    let (stub, out) =
        ("/nix/store/44444444444444444444444444444444-jail-stub/bin/jail-stub", "/nix/store/5-out");
    let host = "/nix/store/55555555555555555555555555555555-jail-host/bin/jail-host";
    let broker = "/nix/store/66666666666666666666666666666666-jail-broker/bin/jail-broker";
    seal(&Request { policy, graph: &graph(), stub, host, broker, out, arch: "x86_64", filters })
}

/// The wrapper without its filter, whose bytes have tests of their own.
fn check(grants: &[Grant], expected: Expect) {
    let wrapper = sealed(&policy(grants)).unwrap().wrapper;
    let lines = wrapper.lines().map(|line| match line.split_once("\"program\":\"") {
        Some((before, _)) => format!("{before}\"program\":\"…\"}}],"),
        None => line.to_owned(),
    });
    expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

fn check_error(grants: &[Grant], expected: Expect) {
    expected.assert_eq(&sealed(&policy(grants)).unwrap_err().to_string());
}

fn set_env(name: &str, value: &str) -> Grant {
    Grant::SetEnv { name: name.into(), value: Text::literal(value) }
}

fn env_of(grants: &[Grant]) -> String {
    let wrapper = sealed(&policy(grants)).unwrap().wrapper;
    let wrapper = jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap();
    wrapper
        .plan
        .env
        .iter()
        .map(|variable| serde_json::to_string(variable).unwrap() + "\n")
        .collect()
}

#[test]
fn a_small_policy_becomes_this_wrapper() {
    check(
        &[
            Grant::Tmpfs { to: Text::expanded("~"), mode: 0o700, size: None },
            Grant::Folder { access: Access::ReadWrite, to: None, stage: None },
            set_env("GREETING", "hello"),
        ],
        expect![[r##"
            #!/nix/store/44444444444444444444444444444444-jail-stub/bin/jail-stub
            exit 125 # a plan, not a script
            {"version":3,
            "name":"jailed-hello",
            "host":{"program":"…"}],
            "before":[{"by":"grant#3","refuse-folder":{"home_allowed":false}},
            {"by":"grant#3","hand-off":{"quarantine":false}}],
            "cgroup":null,
            "namespaces":["cgroup",
            "ipc",
            "mount",
            "net",
            "pid",
            "user",
            "uts"],
            "ids":"caller",
            "network":null,
            "closure":{"store":"/nix/store","skeleton":"/nix/store/5-out/skeleton","names":["00000000000000000000000000000000-hello-2.12",
            "11111111111111111111111111111111-glibc-2.40"]},
            "inside":[{"by":"grant#1","store-closure":null},
            {"by":"grant#2","tmpfs":{"to":{"expand":"~"},"mode":448,"size":null}},
            {"by":"grant#3","folder":{"to":null,"access":"rw","stage":null}},
            {"by":"jailgen#0","loopback":null},
            {"by":"jailgen#0","remount-read-only":"/"}],
            "hostname":null,
            "env":[{"by":"grant#4","set":{"name":"GREETING","value":"hello"}}],
            "start":"folder",
            "argv":[{"text":"/nix/store/00000000000000000000000000000000-hello-2.12/bin/hello"},
            "all"],
            "terminal":"keep",
            "lifetime":"launcher",
            "time":null,
            "limits":[{"resource":"core","value":0}],
            "landlock":{"handles":["reads",
            "writes",
            "devices",
            "sockets",
            "abstract-sockets",
            "signals"],"rules":[{"path":{"path":{"expand":"~"},"reach":"rwx","missing":"skip","by":"grant#2"}},
            {"folder":{"reach":"rwx","by":"grant#3"}},
            {"standard":{"reach":"device","by":"jailgen#0"}},
            {"path":{"path":"/","reach":"ro","missing":"fail","by":"jailgen#0"}}],"bind":[],"connect":[],"least":0,"by":""},
            "seccomp":[{"name":"default","arch":"x86_64","program":"…"}],
            "after":[]}
            {"grant#2":"test.jail:2:3"}"##]],
    );
}

#[test]
fn the_closure_is_what_the_texts_name_and_its_references() {
    let names = |grants: &[Grant]| sealed(&policy(grants)).unwrap().skeleton;
    let text = format!("{names:?}", names = names(&[set_env("EDITOR", &format!("{GIT}."))]));
    expect![[r#"[("00000000000000000000000000000000-hello-2.12", Folder), ("11111111111111111111111111111111-glibc-2.40", Folder), ("22222222222222222222222222222222-git-2.50", File), ("33333333333333333333333333333333-link", Link("/nix/store/11111111111111111111111111111111-glibc-2.40/lib"))]"#]].assert_eq(&text);
}

#[test]
fn a_link_of_the_store_is_in_the_skeleton_and_not_mounted() {
    let wrapper = sealed(&policy(&[set_env("EDITOR", GIT)])).unwrap().wrapper;
    let plan = jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan;
    assert!(
        !plan.closure.names.iter().any(|name| name.ends_with("-link")),
        "{:?}",
        plan.closure.names
    );
    assert!(plan.closure.names.iter().any(|name| name.ends_with("-git-2.50")));
}

#[test]
fn a_store_path_outside_the_graph_is_an_error_with_the_line_of_the_spec() {
    let strange = "/nix/store/99999999999999999999999999999999-strange/x";
    check_error(
        &[set_env("A", strange)],
        expect![[r#"
        test.jail:2:3: `grant`: `/nix/store/99999999999999999999999999999999-…` is not in the reference graph of this build
          help: name the package, as in "${pkgs.git}/bin": Nix does not see a store path that is written out"#]],
    );
}

#[test]
fn later_path_entries_stand_in_front() {
    let folder = |folder: &str| Grant::AddPath { folder: Text::literal(folder) };
    expect![[r#"
        {"by":"grant#5","set":{"name":"PATH","value":{"expand":"/\\$c:${HOME}/bin:/b:/a"}}}
    "#]]
    .assert_eq(&env_of(&[
        folder("/a"),
        folder("/b"),
        Grant::AddPath { folder: Text::expanded("~/bin") },
        folder("/$c"),
    ]));
}

#[test]
fn path_entries_stand_before_a_path_that_is_set_or_forwarded() {
    let folder = Grant::AddPath { folder: Text::literal("/a") };
    expect![[r#"
        {"by":"grant#3","set":{"name":"PATH","value":"/a:/x:/y"}}
    "#]]
    .assert_eq(&env_of(&[set_env("PATH", "/x:/y"), folder.clone()]));
    let forward = Grant::ForwardEnv { name: "PATH".into(), missing: Missing::Skip };
    expect![[r#"
        {"by":"grant#4","set":{"name":"PATH","value":{"expand":"/a:${PATH:-}"}}}
    "#]]
    .assert_eq(&env_of(&[set_env("PATH", "/x"), forward, folder]));
}

#[test]
fn the_last_word_about_a_variable_counts() {
    let unset = Grant::UnsetEnv { name: "B".into() };
    expect![[r#"
        {"by":"grant#4","set":{"name":"A","value":"2"}}
    "#]]
    .assert_eq(&env_of(&[set_env("A", "1"), set_env("B", "1"), set_env("A", "2"), unset]));
}

#[test]
fn the_time_zone_is_utc_or_the_hosts() {
    let zone = |zone| Grant::TimeZone { zone };
    expect![[r#"
        {"by":"grant#2","set":{"name":"TZ","value":"UTC"}}
    "#]]
    .assert_eq(&env_of(&[zone(Zone::Utc)]));
    expect![[r#"
        {"by":"grant#3","forward":{"name":"TZ","missing":"skip"}}
    "#]]
    .assert_eq(&env_of(&[zone(Zone::Utc), zone(Zone::Host)]));
    let wrapper = sealed(&policy(&[zone(Zone::Utc), zone(Zone::Host)])).unwrap().wrapper;
    assert!(wrapper.contains(r#""copy":{"from":"/etc/localtime""#), "{wrapper}");
    let wrapper = sealed(&policy(&[zone(Zone::Host), zone(Zone::Utc)])).unwrap().wrapper;
    assert!(!wrapper.contains("localtime"), "{wrapper}");
}

#[test]
fn the_helper_is_named_exactly_where_there_is_work_for_it() {
    let is_named = |grants: &[Grant]| {
        let wrapper = sealed(&policy(grants)).unwrap().wrapper;
        jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan.host.is_some()
    };
    let limit = |resource| Grant::Limit { resource, value: 64 << 20 };
    for (grant, expected) in [
        (set_env("A", "b"), false),
        // One process's limits are setrlimit(2)'s.
        (limit(Limited::FileSize), false),
        (limit(Limited::Memory), true),
        (Grant::DedicatedUser { name: "agent".into() }, true),
    ] {
        assert_eq!(is_named(std::slice::from_ref(&grant)), expected, "{grant:?}");
    }
}

#[test]
fn sharing_a_namespace_takes_it_from_the_jails_own() {
    let share = |namespace| Grant::ShareNamespace { namespace };
    let plan = |grants: &[Grant]| {
        let wrapper = sealed(&policy(grants)).unwrap().wrapper;
        jail_plan::Wrapper::parse(wrapper.as_bytes()).unwrap().plan
    };
    let own = plan(&[]).namespaces;
    assert_eq!(own.len(), 7);
    assert!(!plan(&[share(Namespace::Ipc)]).namespaces.contains(&Namespace::Ipc));
    assert!(!plan(&[Grant::HostNetwork]).namespaces.contains(&Namespace::Net));
    let wrapper = sealed(&policy(&[Grant::HostNetwork])).unwrap().wrapper;
    assert!(!wrapper.contains("loopback"), "the host's loopback is not the jail's to bring up");
    check_error(
        &[share(Namespace::Mount)],
        expect![
            "test.jail:2:3: `grant`: a jail with mounts of its own cannot share the mount namespace"
        ],
    );
}

#[test]
fn contradictions_are_errors() {
    let share = Grant::ShareNamespace { namespace: Namespace::Uts };
    check_error(
        &[Grant::Hostname { name: "box".into() }, share],
        expect![[r#"
            test.jail:2:3: `grant`: a jail that shares the host's uts namespace cannot have a host name of its own
              help: remove one of the two: the shared namespace or the host name"#]],
    );
}

#[test]
fn a_program_of_the_store_needs_the_store() {
    let program = Grant::Program { path: Text::literal(format!("{HELLO}/bin/hello")) };
    let error = sealed(&bare_policy(std::slice::from_ref(&program))).unwrap_err();
    expect![[r#"
        the program `/nix/store/00000000000000000000000000000000-hello-2.12/bin/hello` is in the store, and nothing of the store is granted
          help: a spec that forgets the base forgets the store too: grant the closure again"#]].assert_eq(&error.to_string());

    let bind = |to: &str| Grant::Bind {
        from: Text::literal("/nix/store"),
        to: Text::literal(to),
        access: Access::ReadOnly,
        missing: Missing::Fail,
    };
    assert!(sealed(&bare_policy(&[program.clone(), bind("/nix")])).is_ok());
    assert!(sealed(&bare_policy(&[program, bind("/elsewhere")])).is_err());
}

#[test]
fn a_policy_without_a_program_is_an_error() {
    let error = sealed(&bare_policy(&[])).unwrap_err();
    expect![[r#"
        the policy names no program
          help: a jail needs one: `jail NAME PACKAGE PERMISSIONS`"#]]
    .assert_eq(&error.to_string());
}

#[test]
fn texts_are_checked_again() {
    let bind = |from: Text, to: Text| Grant::Bind {
        from,
        to,
        access: Access::ReadOnly,
        missing: Missing::Fail,
    };
    check_error(
        &[bind(Text::literal("etc"), Text::literal("/etc"))],
        expect!["test.jail:2:3: `grant`: `etc` is not a path in a jail: it is not absolute"],
    );
    check_error(
        &[bind(Text::literal("/etc"), Text::literal("/etc/../x"))],
        expect![
            "test.jail:2:3: `grant`: `/etc/../x` is not a path in a jail: it has a `..` component"
        ],
    );
    check_error(
        &[bind(Text::expanded("$(id)"), Text::literal("/x"))],
        expect![
            "test.jail:2:3: `grant`: `$(id)` cannot be expanded: command substitution is not expanded"
        ],
    );
    let package = jail_policy::Package::Symbolic { nix: "pkgs.git".into() };
    let unresolved = Text::package(package, jail_policy::Output::Out);
    check_error(
        &[bind(unresolved, Text::literal("/x"))],
        expect!["test.jail:2:3: `grant`: `${pkgs.git}` has a package that Nix did not resolve"],
    );
    let content =
        Grant::File { to: Text::literal("/x"), content: Text::expanded("$A"), mode: 0o644 };
    check_error(
        &[content],
        expect![
            "test.jail:2:3: `grant`: `$A` must be known when the jail is built, but is expanded at launch"
        ],
    );
}

#[test]
fn an_older_policy_is_refused() {
    let mut policy = policy(&[]);
    policy.version = 7;
    expect![[r#"
        the policy has version 7, and this jailgen reads version 1
          help: emit the spec again with the jailgen that builds it"#]]
    .assert_eq(&sealed(&policy).unwrap_err().to_string());
}

#[test]
fn a_working_folder_that_is_granted_twice_is_refused() {
    let folder =
        |access, to: Option<&str>| Grant::Folder { access, to: to.map(Text::literal), stage: None };
    let (first, second) =
        (folder(Access::ReadWrite, None), folder(Access::ReadOnly, Some("/work")));
    for once in [&first, &second] {
        let wrapper = sealed(&policy(std::slice::from_ref(once))).unwrap().wrapper;
        assert_eq!(wrapper.matches("refuse-folder").count(), 1, "{wrapper}");
    }
    check_error(
        &[first, second],
        expect![[r#"
        `grant`: the working folder is granted twice
          help: remove one of the two grants, or emit the spec again"#]],
    );
}
