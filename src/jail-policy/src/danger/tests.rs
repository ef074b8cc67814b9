use super::*;
use crate::{
    Access, Concern, Missing, Namespace, NetworkGrant, Secret, SecretPlace, SecretSource, SecretTo,
    Service, concern,
};

fn entry(combinator: &str, grant: Grant) -> Entry {
    Entry { by: Origin { combinator: combinator.into(), index: 1 }, grant }
}

fn bind(path: Text, access: Access) -> Grant {
    Grant::Bind { from: path.clone(), to: path, access, missing: Missing::Fail }
}

fn set(name: &str, value: Text) -> Entry {
    entry("set-env", Grant::SetEnv { name: name.into(), value })
}

fn codes(grants: &[Entry]) -> Vec<&'static str> {
    dangers(grants, []).iter().map(|danger| danger.code.as_str()).collect()
}

fn what(grants: &[Entry]) -> Vec<String> {
    dangers(grants, []).into_iter().map(|danger| danger.what).collect()
}

#[test]
fn names_of_codes_are_in_order_and_none_stands_twice() {
    let names: Vec<&str> = DangerCode::ALL.iter().map(|code| code.as_str()).collect();
    assert!(names.is_sorted_by(|one, other| one < other), "{names:?}");
}

#[test]
fn the_worst_comes_first_and_a_part_is_called_one() {
    let grants = [
        entry("readonly", bind(Text::expanded("~/.ssh/id_ed25519"), Access::ReadOnly)),
        entry("x11", Grant::Session { service: Service::X11 }),
        entry("nix-daemon", Grant::Session { service: Service::NixDaemon }),
        entry("camera", Grant::Session { service: Service::Camera }),
        entry("share-ns", Grant::ShareNamespace { namespace: Namespace::Uts }),
        entry("network", Grant::HostNetwork),
        entry("readwrite", bind(Text::expanded("~"), Access::ReadWrite)),
        entry("readwrite", bind(Text::expanded("~/src"), Access::ReadWrite)),
    ];
    assert_eq!(
        what(&grants),
        [
            "the jail can write `~`, which holds everything that is yours",
            "the jail can read `~/.ssh/id_ed25519`, a part of `~/.ssh`, which holds keys, tokens or profiles of yours",
            "the jail can read every key and every window of the X server, and type",
            "the Nix daemon builds and downloads outside of the jail, as the jail asks",
            "the jail shares the host's uts namespace",
            "the jail has the host's network: its loopback and abstract sockets too",
        ]
    );
}

#[test]
fn what_is_called_unsafe_is_found_whatever_it_left() {
    let gone = Origin { combinator: "unsafe-add-raw-args".into(), index: 4 };
    let found = dangers(&[], [&gone]);
    assert_eq!(
        found.first().map(|danger| (danger.code, &danger.by)),
        Some((DangerCode::UnsafeCombinator, &gone))
    );
    assert_eq!(dangers(&[], [&Origin { combinator: "readonly".into(), index: 4 }]), []);
}

#[test]
fn a_path_that_loses_commands_or_has_none_breaks_the_jail() {
    let base = || entry("base", Grant::AddPath { folder: Text::literal("/bin") });
    let link = |to| Grant::Symlink { to: Text::literal(to), target: Text::literal("/x") };
    let env = || entry("base", link("/usr/bin/env"));
    let git =
        || entry("add-pkg-deps", Grant::AddPath { folder: Text::literal("/nix/store/x/bin") });
    let usr = || entry("readonly", bind(Text::literal("/usr"), Access::ReadOnly));
    let path = |value: &str| set("PATH", Text::literal(value));
    for broken in [
        vec![base(), git(), path("/bin")],
        vec![base(), env(), path("/usr/bin:/usr/local/bin")],
        vec![git(), entry("unset-env", Grant::UnsetEnv { name: "PATH".into() })],
        vec![
            base(),
            entry("fwd-env", Grant::ForwardEnv { name: "PATH".into(), missing: Missing::Fail }),
        ],
    ] {
        assert_eq!(codes(&broken), ["breaks-path"], "{broken:?}");
    }
    for works in [
        vec![base(), git()],
        vec![base(), path("/bin")],
        vec![base(), path("/usr/bin"), git()],
        vec![base(), usr(), path("/usr/bin")],
        vec![base(), set("PATH", Text::expanded("$TOOLS/bin"))],
        vec![
            base(),
            usr(),
            entry("fwd-env", Grant::ForwardEnv { name: "PATH".into(), missing: Missing::Fail }),
        ],
    ] {
        assert_eq!(codes(&works), Vec::<&str>::new(), "{works:?}");
    }
}

#[test]
fn a_home_that_is_not_there_or_without_its_state_breaks_the_jail() {
    let state = || {
        let path = || Text::expanded("~/.claude");
        entry("state-dir", Grant::StateDirectory { path: path(), to: path() })
    };
    let tmpfs =
        || entry("tmpfs", Grant::Tmpfs { to: Text::literal("/work"), mode: 0o700, size: None });
    let literal = |value: &str| set("HOME", Text::literal(value));
    for broken in [vec![literal("/work")], vec![tmpfs(), state(), literal("/work")]] {
        assert_eq!(codes(&broken), ["breaks-home"], "{broken:?}");
    }
    for works in [
        vec![tmpfs(), literal("/work")],
        vec![state(), set("HOME", Text::expanded("~"))],
        vec![entry("base", Grant::SetEnv { name: "HOME".into(), value: Text::literal("/x") })],
    ] {
        assert_eq!(codes(&works), Vec::<&str>::new(), "{works:?}");
    }
}

#[test]
fn who_can_write_a_file_is_known_where_the_launch_is() {
    let launch = Launch { home: Some("/home/me"), folder: "/home/me/src/x" };
    let folder = |access| entry("mount-cwd", Grant::Folder { access, to: None, stage: None });
    let here = || folder(Access::ReadWrite);
    let read = |path: &str| entry("readonly", bind(Text::expanded(path), Access::ReadOnly));
    let by = |grants: &[Entry], place: &str| {
        writer(grants, place, launch).map(|entry| entry.by.combinator.clone())
    };
    let spec = "/home/me/src/x/a.jail";
    assert_eq!(by(&[here()], spec).as_deref(), Some("mount-cwd"));
    assert_eq!(by(&[here()], "/home/me/src/xy/a.jail"), None);
    assert_eq!(by(&[here()], "/home/me/.config/a.jail"), None);
    assert_eq!(by(&[folder(Access::ReadOnly)], spec), None);
    let state = Text::expanded("~/.config");
    let state = entry("state-dir", Grant::StateDirectory { path: state.clone(), to: state });
    assert_eq!(by(&[state], "/home/me/.config/a.jail").as_deref(), Some("state-dir"));
    let at_home = Launch { folder: "/home/me", ..launch };
    assert_eq!(writer(&[here()], spec, at_home), None);
    let both = [here(), entry("allow-home-cwd", Grant::HomeAsFolder)];
    assert!(writer(&both, spec, at_home).is_some());
    // What covers it counts.
    assert_eq!(by(&[here(), read("$PWD/a.jail")], spec), None);
    assert_eq!(by(&[here(), read("$PWD")], spec), None);
    assert_eq!(by(&[read("$PWD/a.jail"), here()], spec).as_deref(), Some("mount-cwd"));
    let deep = "/home/me/src/x/jails/a.jail";
    assert_eq!(by(&[here(), read("$PWD/jails")], deep), None);
    assert_eq!(by(&[here(), read("$PWD/jails/a.jail")], deep), None);
    let elsewhere =
        Grant::Folder { access: Access::ReadWrite, to: Some(Text::literal("/work")), stage: None };
    let elsewhere = entry("workspace", elsewhere);
    assert_eq!(by(std::slice::from_ref(&elsewhere), spec).as_deref(), Some("workspace"));
    let covered = entry("readonly", bind(Text::literal("/work/a.jail"), Access::ReadOnly));
    assert_eq!(by(&[elsewhere, covered], spec), None);
}

#[test]
fn names_that_are_likely_to_hold_a_secret_are_known() {
    for secret in
        ["GITHUB_TOKEN", "OPENAI_API_KEY", "AWS_ACCESS_KEY_ID", "npm_config_password", "GH_PAT"]
    {
        assert!(super::is_secret(secret), "{secret}");
    }
    for plain in ["TERM", "LANG", "PATH", "KEYBOARD", "SSH_AUTH_SOCK", "COMPASS"] {
        assert!(!super::is_secret(plain), "{plain}");
    }
}

#[test]
fn a_variable_that_names_a_known_place_grants_that_place() {
    let from = |variable: &str| {
        let (variable, separator) = (variable.into(), ":".into());
        let access = Access::ReadOnly;
        entry("readonly-paths-from-var", Grant::BindVariable { variable, separator, access })
    };
    assert_eq!(codes(&[from("HOME")]), ["grants-home"]);
    assert_eq!(codes(&[from("GNUPGHOME")]), ["grants-credentials"]);
    assert_eq!(codes(&[from("XDG_DATA_DIRS")]), Vec::<&str>::new());
}

fn secret(from: SecretSource, hosts: &[&str]) -> NetworkGrant {
    NetworkGrant::Secret(Secret {
        to: SecretTo::Variable("KEY".into()),
        from,
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        places: vec![SecretPlace::Header, SecretPlace::Body],
        header: Some("x-key".into()),
        optional: true,
    })
}

#[test]
fn who_gets_a_secret_is_found_and_asked_about() {
    let entry = |grant| entry("secret", Grant::Network(grant));
    let found = |grant| {
        let found = dangers(&[entry(grant)], []);
        found.into_iter().map(|danger| (danger.severity, danger.code)).collect::<Vec<_>>()
    };
    let variable = || SecretSource::Variable("KEY".into());
    let sent = (Severity::Note, DangerCode::PassesSecret);
    assert_eq!(found(secret(variable(), &["a.example"])), [sent]);
    assert_eq!(
        found(secret(variable(), &["a.example", "*.b.example"])),
        [(Severity::Medium, DangerCode::WildcardSecret), sent]
    );
    let key = SecretSource::File(Text::expanded("~/.ssh/id_ed25519"));
    assert_eq!(found(secret(key, &["a.example"])), [(Severity::High, DangerCode::PassesSecret)]);
    let asked = |from| concern(&entry(secret(from, &["a.example"])));
    assert_eq!(asked(variable()), Some(Concern::Exposes));
    let command = SecretSource::Command(vec![Text::literal("pass")]);
    assert_eq!(asked(command), Some(Concern::RunsOnHost));
    let requests =
        NetworkGrant::Requests { host: "a.example".into(), methods: Vec::new(), paths: Vec::new() };
    assert_eq!(found(requests.clone()), []);
    assert_eq!(concern(&entry(requests)), None);
}
