//! A policy that is sealed and unsealed again grants the same, as far as a plan contains it.

use jail_policy::{
    Argument, CallBase, IdKind, Lifetime, Limited, OnDeny, Phase, Reach, Service, Terminal, Wall,
    Writes, normalise,
};

use super::*;
use crate::seal::of_wrapper;

/// The grants of the sealed and unsealed policy, with the origin of each, in the normal form.
fn again(policy: &Policy) -> Vec<Entry> {
    of_wrapper(sealed(policy).unwrap().wrapper.as_bytes()).unwrap().grants
}

fn grants(entries: &[Entry]) -> Vec<&Grant> {
    entries.iter().map(|entry| &entry.grant).collect()
}

pub(super) fn check_again(grants_given: &[Grant]) {
    let policy = policy(grants_given);
    let before = normalise(policy.grants.clone());
    let after = again(&policy);
    // Every jail has a terminal and a lifetime, also where the spec says nothing about them.
    let said = |grant: &&Grant| grants_given.contains(grant);
    let after: Vec<&Grant> = grants(&after).into_iter().filter(said).collect();
    let before: Vec<&Grant> = grants(&before).into_iter().filter(said).collect();
    assert_eq!(after, before);
    assert_eq!(before.len(), grants_given.len(), "{before:?}");
}

fn home(path: &str) -> Text {
    Text::expanded(path)
}

fn plain(path: &str) -> Text {
    Text::literal(path)
}

#[test]
fn what_is_put_in_place_comes_back() {
    let bind = |from: Text, to: &str, access, missing| Grant::Bind {
        from,
        to: plain(to),
        access,
        missing,
    };
    check_again(&[
        Grant::Tmpfs { to: home("~"), mode: 0o700, size: Some(4096) },
        Grant::Proc { to: plain("/proc") },
        Grant::Dev { to: plain("/dev") },
        Grant::MachineId { to: plain("/etc/machine-id") },
        bind(home("~/x"), "/x", Access::ReadOnly, Missing::Skip),
        bind(plain("/srv"), "/srv", Access::ReadWrite, Missing::Fail),
        Grant::Folder { access: Access::ReadWrite, to: Some(plain("/work")), stage: None },
        Grant::Worktree,
        Grant::BindArguments { access: Access::ReadOnly },
        Grant::BindVariable {
            variable: "DATA".into(),
            separator: ":".into(),
            access: Access::ReadOnly,
        },
        Grant::StateDirectory { path: home("~/.claude"), to: home("~/.claude") },
        Grant::StateFile { path: home("~/.claude.json"), to: home("~/.claude.json") },
        Grant::FolderState { path: home("~/.cache/f"), to: home("~/.cache") },
        Grant::DeepBind { from: plain("/etc/nixos"), missing: Missing::Skip },
        Grant::Overlay {
            lower: vec![plain("/usr"), home("~/usr")],
            writes: Writes::Kept { upper: home("~/up"), work: home("~/work") },
            to: plain("/usr"),
        },
        Grant::Overlay { lower: vec![plain("/a")], writes: Writes::Memory, to: plain("/a") },
        Grant::Session { service: Service::Wayland },
        Grant::Bus {
            service: Service::FilteredSessionBus,
            proxy: plain(HELLO),
            rules: vec!["talk=org.example.*".into()],
        },
        Grant::Directory { to: plain("/var/lib"), mode: 0o755 },
        Grant::File { to: plain("/etc/motd"), content: plain("hi\n"), mode: 0o444 },
        Grant::Copy {
            from: plain("/etc/resolv.conf"),
            to: plain("/etc/resolv.conf"),
            append: None,
            missing: Missing::Skip,
        },
        Grant::Symlink { to: plain("/bin/sh"), target: plain(HELLO) },
        Grant::Accounts { shell: plain("/bin/sh") },
        Grant::RemountReadOnly { to: plain("/srv") },
        Grant::Queues { to: plain("/dev/mqueue") },
    ]);
}

#[test]
fn settings_and_what_runs_on_the_host_come_back() {
    check_again(&[
        Grant::Arguments { words: vec![Argument::Text(plain("-v")), Argument::All] },
        Grant::Hostname { name: "jail".into() },
        Grant::HostNetwork,
        Grant::Wall { wall: Wall::Full },
        Grant::Terminal { terminal: Terminal::NewSession },
        Grant::Lifetime { lifetime: Lifetime::Payload },
        Grant::Limit { resource: Limited::Memory, value: 1 << 30 },
        Grant::Limit { resource: Limited::Files, value: 256 },
        Grant::Limit { resource: Limited::Time, value: 60 },
        Grant::BestEffort,
        Grant::ShownId { kind: IdKind::User, id: 0 },
        Grant::HomeAsFolder,
        Grant::StartIn { path: plain("/srv") },
        Grant::OpenUrls,
        Grant::TerminalFilter,
        Grant::TimeZone { zone: Zone::Host },
        Grant::Folder { access: Access::ReadOnly, to: None, stage: None },
        Grant::HostScript {
            phase: Phase::Before,
            script: plain("echo before"),
            shell: plain("/bin/sh"),
        },
        Grant::Channel {
            name: "notify".into(),
            script: plain("notify-send hello"),
            shell: plain("/bin/sh"),
        },
        Grant::HostScript {
            phase: Phase::After,
            script: plain("echo after"),
            shell: plain("/bin/sh"),
        },
        set_env("GREETING", "hello"),
        Grant::ForwardEnv { name: "TERM".into(), missing: Missing::Skip },
        Grant::AddPath { folder: plain("/bin") },
        Grant::AddPath { folder: plain(GIT) },
    ]);
    check_again(&[Grant::TimeZone { zone: Zone::Utc }, Grant::LandlockAbi { least: 6 }]);
    check_again(&[Grant::NestedSandbox, Grant::AddPath { folder: home("~/bin") }]);
    check_again(&[Grant::Store { scope: Scope::Whole }]);
}

#[test]
fn a_filter_is_known_by_what_it_was_compiled_from() {
    let base = |agent: Option<&str>| Grant::SystemCalls {
        base: CallBase::Strict { agent: agent.map(str::to_owned) },
    };
    check_again(&[base(None)]);
    check_again(&[base(Some("claude-code"))]);
    // Of the spec's own rules, only their existence is known.
    let rules = |deny: &[&str]| Grant::CallRules {
        allow: Vec::new(),
        deny: deny.iter().map(|call| (*call).to_owned()).collect(),
        on_deny: None,
    };
    let own = Grant::CallRules {
        allow: Vec::new(),
        deny: vec!["ptrace".into(), "mlock".into()],
        on_deny: Some(OnDeny::Kill),
    };
    let after = again(&policy(&[own]));
    assert!(grants(&after).contains(&&rules(&[])), "{after:?}");
    let default = again(&policy(&[]));
    let about_calls =
        |grant: &&Grant| matches!(grant, Grant::SystemCalls { .. } | Grant::CallRules { .. });
    assert_eq!(grants(&default).into_iter().filter(about_calls).count(), 0);
}

#[test]
fn a_stage_comes_back() {
    let stage = Some("trial-1.2".to_owned());
    check_again(&[Grant::Folder { access: Access::ReadWrite, to: Some(plain("/work")), stage }]);
}

#[test]
fn a_cage_comes_back() {
    let state = || home("~/.local/state/jailgen/hello/home");
    check_again(&[
        Grant::Cage { alias: "jailed-jailed-hello".into(), datagrams: true },
        Grant::Ports { connect: vec![22, 443], bind: vec![8080] },
        Grant::Folder { access: Access::ReadWrite, to: None, stage: None },
        Grant::Reach { path: plain("/proc"), reach: Reach::Ro, missing: Missing::Skip },
        Grant::Reach { path: home("~/x"), reach: Reach::Rwx, missing: Missing::Fail },
        Grant::StateDirectory { path: state(), to: state() },
        Grant::GitIdentity { to: home("~/.local/state/jailgen/hello/gitconfig") },
        Grant::StateLink { path: home("~/l"), to: home("~/t") },
        set_env("HOME", "/x"),
    ]);
    check_again(&[
        Grant::Cage { alias: "jailed-jailed-hello".into(), datagrams: false },
        Grant::Reach { path: home("~/p"), reach: Reach::Rw, missing: Missing::Fail },
        Grant::Folder { access: Access::ReadWrite, to: Some(home("~/p")), stage: None },
    ]);
}

#[test]
fn who_wanted_it_comes_back_with_its_line() {
    let policy = policy(&[Grant::Folder { access: Access::ReadWrite, to: None, stage: None }]);
    let bytes = sealed(&policy).unwrap().wrapper;
    let back = of_wrapper(bytes.as_bytes()).unwrap();
    let folder = back.grants.iter().find(|entry| matches!(entry.grant, Grant::Folder { .. }));
    let by = &folder.unwrap().by;
    assert_eq!(back.places.get(by).map(String::as_str), Some("test.jail:2:3"));
    assert!(of_wrapper(b"#!/bin/sh\nexit 0\n").is_err());
}

/// What a wrapper holds that jailgen has not put there, after `change`.
fn foreign_in(grants: &[Grant], change: impl Fn(String) -> String) -> Vec<String> {
    let wrapper = change(sealed(&policy(grants)).unwrap().wrapper);
    let found = crate::seal::foreign(wrapper.as_bytes()).unwrap();
    found.into_iter().map(|danger| danger.what).collect()
}

#[test]
fn a_wrapper_that_was_edited_is_told_from_one_that_was_sealed() {
    let channel = Grant::Channel {
        name: "ask".into(),
        script: plain("true"),
        shell: plain("/nix/store/x/bin/sh"),
    };
    let network = Grant::ShareNamespace { namespace: jail_policy::Namespace::Net };
    let grants = [channel, network, Grant::Session { service: Service::X11 }];
    assert_eq!(foreign_in(&grants, |it| it), Vec::<String>::new());
    for nothing in [vec![Grant::Wall { wall: Wall::Full }], vec![Grant::NestedSandbox], vec![]] {
        assert_eq!(foreign_in(&nothing, |it| it), Vec::<String>::new());
    }
    let stub = "#!/nix/store/44444444444444444444444444444444-jail-stub/bin/jail-stub";
    for (from, to, said) in [
        (stub, "#!/project/bin/jail-stub", "it starts `/project/bin/jail-stub`"),
        (stub, "#!/nix/store/../project/bin/jail-stub", "it starts `"),
        (stub, "#!/nix/store/x/bin/sh /project/bin/jail-stub", "it starts `"),
        (stub, "#!/nix/store/x/bin/perl", "it starts `"),
        (
            "/nix/store/55555555555555555555555555555555-jail-host/bin/jail-host",
            "/project/jail-host",
            "the helper on the host is `/project/jail-host`",
        ),
        ("/nix/store/x/bin/sh", "/project/sh", "the shell on the host is `/project/sh`"),
        ("\"store\":\"/nix/store\"", "\"store\":\"/home/me\"", "in place of the Nix store"),
        ("\"skeleton\":\"/nix/store/", "\"skeleton\":\"/home/", "the folder of mount points"),
        ("\"devices\",", "", "does not check ioctl on devices"),
        ("\"signals\"", "\"bind-tcp\"", "does not check signals"),
    ] {
        let found = foreign_in(&grants, |wrapper| {
            assert!(wrapper.contains(from), "{from}\n{wrapper}");
            wrapper.replace(from, to)
        });
        assert!(found.iter().any(|what| what.contains(said)), "{to}: {found:?}");
    }
}

#[test]
fn a_file_that_is_called_the_time_zone_is_told() {
    let with = |from: &str| {
        let wrapper = sealed(&policy(&[Grant::TimeZone { zone: Zone::Host }])).unwrap().wrapper;
        let own = "\"copy\":{\"from\":\"/etc/localtime\"";
        assert!(wrapper.contains(own), "{wrapper}");
        let wrapper = wrapper.replace(own, &format!("\"copy\":{{\"from\":\"{from}\""));
        let grants = of_wrapper(wrapper.as_bytes()).unwrap().grants;
        grants.into_iter().any(|entry| matches!(entry.grant, Grant::Copy { .. }))
    };
    assert!(!with("/etc/localtime"));
    assert!(with("/home/me/.ssh/id_ed25519"));
}
