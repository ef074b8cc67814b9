//! The laws of the algebra, over random policies, and the words for each grant.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use crate::{
    Access, Argument, CallBase, Entry, GitSettings, Grant, Lifetime, Limited, Missing, Namespace,
    NetworkGrant, Origin, Output, Package, Scope, Sentence, Terminal, Text, Wall, Zone, compose,
    diff, normalise, sentence, sentence_among,
};

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        prop::sample::select(vec!["/a", "/a/b", "/c"]).prop_map(Text::literal),
        prop::sample::select(vec!["~", "~/a", "$X"]).prop_map(Text::expanded),
        Just(Text::package(Package::Symbolic { nix: "pkgs.git".into() }, Output::Bin)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["A", "B", "PATH", "TZ"]).prop_map(String::from)
}

fn access() -> impl Strategy<Value = Access> {
    prop::sample::select(vec![Access::ReadOnly, Access::ReadWrite])
}

fn missing() -> impl Strategy<Value = Missing> {
    prop::sample::select(vec![Missing::Fail, Missing::Skip])
}

fn mount() -> impl Strategy<Value = Grant> {
    prop_oneof![
        (text(), text(), access(), missing()).prop_map(|(from, to, access, missing)| Grant::Bind {
            from,
            to,
            access,
            missing
        }),
        (text(), missing()).prop_map(|(to, missing)| Grant::Copy {
            from: to.clone(),
            to,
            append: None,
            missing
        }),
        access().prop_map(|access| Grant::Folder { access, to: None, stage: None }),
        text().prop_map(|to| Grant::Tmpfs { to, mode: 0o755, size: None }),
        text().prop_map(|to| Grant::Directory { to, mode: 0o755 }),
        text().prop_map(|path| Grant::StateDirectory { to: path.clone(), path }),
        text().prop_map(|shell| Grant::Accounts { shell }),
        text().prop_map(|to| Grant::GitIdentity { to }),
        text().prop_map(|folder| Grant::PrivateCopies {
            folder,
            names: vec!["a".into(), "b/".into()]
        }),
        Just(Grant::Mask { globs: vec![".env".into()] }),
    ]
}

fn variable() -> impl Strategy<Value = Grant> {
    prop_oneof![
        (name(), text()).prop_map(|(name, value)| Grant::SetEnv { name, value }),
        (name(), missing()).prop_map(|(name, missing)| Grant::ForwardEnv { name, missing }),
        name().prop_map(|name| Grant::UnsetEnv { name }),
        text().prop_map(|folder| Grant::AddPath { folder }),
    ]
}

fn set() -> impl Strategy<Value = Grant> {
    prop::sample::select(vec![
        Grant::HostNetwork,
        Grant::Network(host("a.example")),
        Grant::Network(host("*.b.example")),
        Grant::Network(NetworkGrant::HostPort { from: 80, to: 80 }),
        Grant::Network(NetworkGrant::Proxy),
        Grant::HomeAsFolder,
        Grant::Project,
        Grant::Git { settings: GitSettings::Merged },
        Grant::NestedSandbox,
        Grant::TerminalFilter,
        Grant::Quarantine,
        Grant::Worktree,
        Grant::ShareNamespace { namespace: Namespace::Ipc },
        Grant::ShareNamespace { namespace: Namespace::Pid },
    ])
}

fn host(name: &str) -> NetworkGrant {
    let (host, ports) = (name.into(), vec![443, 80]);
    NetworkGrant::Host { host, ports, spoken: None, any_sni: false, txt: false }
}

fn setting() -> impl Strategy<Value = Grant> {
    prop::sample::select(vec![
        Grant::Store { scope: Scope::Closure },
        Grant::Store { scope: Scope::Whole },
        Grant::TimeZone { zone: Zone::Utc },
        Grant::TimeZone { zone: Zone::Host },
        Grant::Terminal { terminal: Terminal::Keep },
        Grant::Terminal { terminal: Terminal::NewSession },
        Grant::SystemCalls { base: CallBase::Default },
        Grant::SystemCalls { base: CallBase::Strict { agent: None } },
        Grant::CallRules { allow: vec!["ptrace".into()], deny: Vec::new(), on_deny: None },
        Grant::Network(NetworkGrant::Internet { ports: vec![443] }),
        Grant::Network(NetworkGrant::Internet { ports: vec![22] }),
        Grant::Network(NetworkGrant::Resolvers { servers: vec!["9.9.9.9".into()] }),
        Grant::Wall { wall: Wall::Full },
        Grant::LandlockAbi { least: 6 },
        Grant::Lifetime { lifetime: Lifetime::Payload },
        Grant::Hostname { name: "a".into() },
        Grant::Program { path: Text::literal("/bin/a") },
        Grant::Arguments { words: vec![Argument::All] },
    ])
}

fn entries(grant: impl Strategy<Value = Grant>) -> impl Strategy<Value = Vec<Entry>> {
    let by = Origin { combinator: "test".into(), index: 0 };
    let entry = grant.prop_map(move |grant| Entry { by: by.clone(), grant });
    prop::collection::vec(entry, 0..12)
}

fn policy() -> impl Strategy<Value = Vec<Entry>> {
    entries(prop_oneof![mount(), variable(), set(), setting()])
}

fn grants(entries: &[Entry]) -> Vec<Grant> {
    entries.iter().map(|entry| entry.grant.clone()).collect()
}

/// PATH as a lookup sees it: the order of its folders, and the value that it started with.
fn path(entries: &[Entry]) -> (Option<Grant>, Vec<Text>) {
    let (mut start, mut folders) = (None, Vec::new());
    for entry in entries {
        match &entry.grant {
            Grant::AddPath { folder } => folders.insert(0, folder.clone()),
            Grant::SetEnv { name, .. }
            | Grant::ForwardEnv { name, .. }
            | Grant::UnsetEnv { name }
                if name == "PATH" =>
            {
                folders.clear();
                start = Some(entry.grant.clone());
            }
            _ => {}
        }
    }
    // A folder that occurs twice is searched once.
    let mut seen = Vec::new();
    folders.retain(|folder| {
        let new = !seen.contains(folder);
        seen.push(folder.clone());
        new
    });
    (start, folders)
}

fn last(entries: &[Entry], is: impl Fn(&Grant) -> bool) -> Option<&Grant> {
    entries.iter().rev().map(|entry| &entry.grant).find(|grant| is(grant))
}

/// The mounts that decide what is visible at a place: nothing later certainly covers them.
fn on_top(entries: &[Entry]) -> Vec<(Text, Grant)> {
    let mut tops: Vec<(Text, Grant)> = Vec::new();
    for entry in entries {
        if let Some(to) = entry.grant.target() {
            tops.retain(|(place, _)| place != to);
            tops.push((to.clone(), entry.grant.clone()));
        }
    }
    tops.sort();
    tops
}

proptest! {
    #[test]
    fn the_normal_form_of_a_normal_form_is_itself(a in policy()) {
        let normal = normalise(a);
        prop_assert_eq!(normalise(normal.clone()), normal);
    }

    #[test]
    fn composition_is_associative(a in policy(), b in policy(), c in policy()) {
        let left = compose(compose(a.clone(), b.clone()), c.clone());
        prop_assert_eq!(left, compose(a, compose(b, c)));
    }

    #[test]
    fn a_policy_over_itself_is_itself(a in policy()) {
        prop_assert_eq!(compose(a.clone(), a.clone()), normalise(a));
    }

    #[test]
    fn where_order_means_nothing_it_makes_no_difference(a in entries(set()), b in entries(set())) {
        prop_assert_eq!(compose(a.clone(), b.clone()), compose(b, a));
    }

    #[test]
    fn variables_of_different_names_change_places(
        (a, b) in prop::sample::select(vec![("A", "B"), ("PATH", "A"), ("TZ", "PATH")]),
        value in text(),
    ) {
        let by = Origin { combinator: "test".into(), index: 0 };
        let set = |name: &str| {
            let grant = Grant::SetEnv { name: name.into(), value: value.clone() };
            vec![Entry { by: by.clone(), grant }]
        };
        prop_assert_eq!(compose(set(a), set(b)), compose(set(b), set(a)));
    }

    #[test]
    fn the_last_setting_counts(a in entries(setting()), b in entries(setting())) {
        let composed = compose(a, b.clone());
        for is in [
            |grant: &Grant| matches!(grant, Grant::Store { .. }),
            |grant: &Grant| matches!(grant, Grant::TimeZone { .. }),
            |grant: &Grant| matches!(grant, Grant::Terminal { .. }),
            |grant: &Grant| matches!(grant, Grant::Network(NetworkGrant::Internet { .. })),
        ] {
            if let Some(wanted) = last(&b, is) {
                prop_assert_eq!(last(&composed, is), Some(wanted));
            }
        }
    }

    #[test]
    fn the_normal_form_finds_the_same_programs(a in policy()) {
        prop_assert_eq!(path(&normalise(a.clone())), path(&a));
    }

    #[test]
    fn the_normal_form_has_the_same_on_top(a in entries(mount())) {
        prop_assert_eq!(on_top(&normalise(a.clone())), on_top(&a));
    }

    #[test]
    fn the_normal_form_grants_nothing_new_and_forgets_no_state(a in policy()) {
        let normal = grants(&normalise(a.clone()));
        for grant in &normal {
            prop_assert!(grants(&a).contains(grant));
        }
        for grant in grants(&a) {
            if let Grant::StateDirectory { .. } = grant {
                prop_assert!(normal.contains(&grant));
            }
        }
    }

    #[test]
    fn a_policy_does_not_differ_from_itself(a in policy()) {
        prop_assert!(diff(&a, &normalise(a.clone())).is_empty());
    }

    #[test]
    fn what_one_direction_adds_the_other_removes(a in policy(), b in policy()) {
        let (there, back) = (diff(&a, &b), diff(&b, &a));
        prop_assert_eq!(there.added, back.removed);
        prop_assert_eq!(there.removed, back.added);
        prop_assert_eq!(there.reordered, back.reordered);
    }

    #[test]
    fn the_json_form_is_read_back_as_written(a in policy()) {
        let text = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Entry>>(&text).unwrap(), a);
    }
}

fn check(grant: &Grant, expected: &Expect) {
    expected.assert_eq(&sentence(grant).to_string());
}

#[test]
fn a_grant_is_one_line_whatever_its_text_holds() {
    let path = Text::literal("/srv/a\n  read-only  nothing\r");
    check(
        &Grant::Bind {
            access: Access::ReadWrite,
            from: path.clone(),
            to: path,
            missing: Missing::Fail,
        },
        &expect![[r"read-write /srv/a\n  read-only  nothing\r"]],
    );
}

#[test]
fn grants_are_told_in_words() {
    let state = Text::expanded("~/.config/opencode");
    check(
        &Grant::Folder { access: Access::ReadWrite, to: None, stage: None },
        &expect![
            "read-write the folder that it is started in (a plain bind: all in it can be changed)"
        ],
    );
    check(
        &Grant::StateDirectory { path: state.clone(), to: state },
        &expect!["read-write ~/.config/opencode (created if missing)"],
    );
    let file = Text::expanded("~/.claude.json");
    check(
        &Grant::StateFile { path: file.clone(), to: file },
        &expect!["read-write ~/.claude.json (need not exist yet)"],
    );
    check(
        &Grant::Bind {
            from: Text::literal("/a"),
            to: Text::literal("/b"),
            access: Access::ReadOnly,
            missing: Missing::Skip,
        },
        &expect!["read-only /a as /b (if it is there)"],
    );
    check(
        &Grant::Arguments { words: vec![Argument::Text(Text::literal("-v")), Argument::All] },
        &expect!["arguments -v (every argument of the command)"],
    );
}

#[test]
fn grants_at_the_root_are_called_what_they_are() {
    let bind = |from: &str, to: &str| Grant::Bind {
        from: Text::literal(from),
        to: Text::literal(to),
        access: Access::ReadOnly,
        missing: Missing::Skip,
    };
    let whole = " (all of the host's files, whatever the rest of the spec says)";
    let replaced = " (in place of the jail's own root, and over everything before it in the spec)";
    for (grant, said) in [
        (bind("/", "/"), format!("read-only /{whole}")),
        (bind("//.", "/host"), format!("read-only //. as /host{whole}")),
        (bind("/srv/root", "/"), format!("read-only /srv/root as /{replaced}")),
        (
            Grant::Tmpfs { to: Text::literal("/"), mode: 0o755, size: None },
            format!("in memory /{replaced}"),
        ),
        (
            Grant::Folder { access: Access::ReadOnly, to: Some(Text::literal("/")), stage: None },
            format!("read-only the folder that it is started in, as /{replaced}"),
        ),
    ] {
        assert_eq!(sentence(&grant).to_string(), said);
    }
}

#[test]
fn a_read_only_grant_inside_a_writable_one_says_what_it_holds() {
    let entry = |grant| Entry { by: Origin { combinator: "test".into(), index: 0 }, grant };
    let folder = |access| entry(Grant::Folder { access, to: None, stage: None });
    let bind = |to: &str, access| {
        let (from, to) = (Text::expanded(to), Text::expanded(to));
        entry(Grant::Bind { from, to, access, missing: Missing::Fail })
    };
    let note = |grant: &Entry, around: Entry| sentence_among(&grant.grant, &[around]).note;
    let hooks = bind("${PWD}/.git/hooks", Access::ReadOnly);
    assert!(note(&hooks, folder(Access::ReadWrite)).is_some_and(|note| note.contains("renamed")));
    assert!(note(&hooks, bind("$PWD", Access::ReadWrite)).is_some());
    assert_eq!(note(&hooks, folder(Access::ReadOnly)), None);
    assert_eq!(note(&hooks, bind("$PWD/.g", Access::ReadWrite)), None);
    assert_eq!(note(&bind("$PWD/x", Access::ReadWrite), folder(Access::ReadWrite)), None);
}

#[test]
fn an_order_that_matters_is_a_difference() {
    let by = Origin { combinator: "test".into(), index: 0 };
    let tmpfs = |to: &str| Entry {
        by: by.clone(),
        grant: Grant::Tmpfs { to: Text::literal(to), mode: 0o755, size: None },
    };
    let (outer, inner) = (tmpfs("/a"), tmpfs("/a/b"));
    let there = diff(&[outer.clone(), inner.clone()], &[inner.clone(), outer.clone()]);
    assert!(there.reordered && there.added.is_empty() && there.removed.is_empty());
    let none = diff(&[outer.clone(), inner.clone()], &[outer, inner]);
    assert!(none.is_empty());
}

#[test]
fn the_network_by_name_is_told_in_words() {
    let said = |grant| {
        let Sentence { how, what, .. } = sentence(&Grant::Network(grant));
        format!("{how} {what}")
    };
    assert_eq!(said(host("*.a.example")), "by name *.a.example");
    let spoken = Some(jail_plan::Spoken::Tls);
    let (host, ports) = ("db.example".into(), vec![5432, 5433]);
    assert_eq!(
        said(NetworkGrant::Host { host, ports, spoken, any_sni: true, txt: false }),
        "by name db.example on ports 5432, 5433 (TLS, any server name)"
    );
    assert_eq!(
        said(NetworkGrant::Internet { ports: vec![443] }),
        "by name every public host, on TCP port 443"
    );
    let exposed = |from, to, count| said(NetworkGrant::Exposed { from, to, count });
    for (said, wanted) in [
        (exposed(80, 80, 1), "port 80"),
        (exposed(8080, 80, 1), "port 80, as port 8080 there"),
        (exposed(3000, 3000, 11), "ports 3000 to 3010"),
        (exposed(0, 0, 1), "one free port, the same inside"),
        // No spec contains these, but a foreign wrapper may.
        (exposed(0, 0, 9), "9 free ports, the same inside"),
        (exposed(0, 22, 9), "ports 22 to 30, each as one that is free there"),
    ] {
        assert_eq!(said, format!("open to the host {wanted}"));
    }
}

#[test]
fn limits_are_written_as_people_say_them() {
    let limit = |resource, value| {
        let Sentence { how, what, note, .. } = sentence(&Grant::Limit { resource, value });
        format!("{how} {what} ({})", note.unwrap_or_default())
    };
    for (value, what) in [(25, "0.25"), (100, "1"), (150, "1.5"), (1_000, "10")] {
        let said = limit(Limited::Cpu, value);
        assert_eq!(said, format!("processors {what} (for the whole jail)"));
    }
    let memory = limit(Limited::Memory, 4 << 30);
    assert_eq!(memory, "memory 4 GiB (for the whole jail; above it the jail is ended)");
}
