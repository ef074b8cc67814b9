//! Nothing is granted that a file does not grant, and nothing of it is lost.

use super::super::{InputKind, import};

/// The spec of a text, or nothing, and all its messages.
fn imported(kind: InputKind, text: &str) -> (String, String) {
    let imported = import(kind, "x", text);
    let messages: Vec<String> = imported.diagnostics.into_iter().map(|it| it.message).collect();
    (imported.spec.unwrap_or_default(), messages.join("\n"))
}

fn lacks(kind: InputKind, text: &str, words: &[&str]) -> (String, String) {
    let (spec, messages) = imported(kind, text);
    let code: String = spec.lines().filter(|it| !it.trim_start().starts_with('#')).collect();
    for word in words {
        assert!(!code.contains(word), "{text}\n{spec}\n{messages}");
    }
    (spec, messages)
}

#[test]
fn options_that_only_a_shell_knows_make_no_spec() {
    for text in [
        "bwrap \"${binds[@]}\" --unshare-net bash",
        "bwrap $FLAGS --unshare-net bash",
        "bwrap --ro-bind \"${pair[@]}\" --unshare-net bash",
        "bwrap {--unshare-net,--clearenv} bash",
        "bwrap $'--unshare-net' bash",
        "bwrap \"--unshare-$X\" bash",
        "bwrap --of-tomorrow 1 --unshare-net bash",
    ] {
        let (spec, messages) = imported(InputKind::Bwrap, text);
        assert!(spec.is_empty() && !messages.is_empty(), "{text}\n{spec}");
    }
    let (spec, _) = imported(InputKind::Bwrap, "bwrap --unshare-net -- \"$@\"");
    assert!(!spec.is_empty());
}

#[test]
fn the_network_of_bubblewrap_is_granted_only_where_it_is_sure() {
    for text in [
        "bwrap --ro-bind-fd 3 /dest --unshare-net bash",
        "bwrap --bind-fd 3 /dest --unshare-net bash",
        "bwrap --args 3 bash",
        "bwrap --args 3 --share-net bash",
        "bwrap --ro-bind $BINDS --unshare-net bash",
        "bwrap --share-net --unshare-net bash",
        "bwrap --share-net --unshare-all bash",
    ] {
        lacks(InputKind::Bwrap, text, &["network"]);
    }
    for text in ["bwrap bash", "bwrap --unshare-all --share-net --bind $PWD $PWD bash"] {
        let (spec, _) = imported(InputKind::Bwrap, text);
        assert!(spec.contains("network"), "{spec}");
    }
}

#[test]
fn what_bubblewrap_mounts_last_counts() {
    let (spec, _) =
        imported(InputKind::Bwrap, "bwrap --tmpfs /srv --bind /srv /srv --tmpfs /srv bash");
    assert!(spec.find("readwrite").unwrap() < spec.find("tmpfs").unwrap(), "{spec}");
}

#[test]
fn the_project_is_read_only_elsewhere_too() {
    let (spec, _) = lacks(InputKind::Bwrap, "bwrap --ro-bind \"$PWD\" /work bash", &["workspace"]);
    assert!(spec.contains("(ro-bind (noescape \"$PWD\") \"/work\")"), "{spec}");
}

#[test]
fn a_second_command_line_is_named() {
    for text in [
        "bwrap --unshare-net a\nbwrap b\n",
        "bwrap --unshare-net a; bwrap b\n",
        "x && bwrap b\nbwrap a",
    ] {
        let (_, messages) = imported(InputKind::Bwrap, text);
        assert!(messages.contains("this is not read"), "{text}\n{messages}");
    }
}

#[test]
fn codex_gets_what_its_mode_allows() {
    let all = ["internet", "mount-cwd\n", "mount-cwd ", "/srv"];
    for text in [
        "sandbox_mode=\"read-only\"\n[sandbox_workspace_write]\nnetwork_access=true\nwritable_roots=[\"/srv\"]",
        "model = \"x\"",
        "profile=\"ro\"\nsandbox_mode=\"workspace-write\"\n[profiles.ro]\nsandbox_mode=\"read-only\"\n[sandbox_workspace_write]\nnetwork_access=true",
        "sandbox_mode=\"odd\"",
        "default_permissions=\"p\"\n[permissions.p.filesystem]\n\":workspace_roots\"={\".\"=\"read\"}",
        "default_permissions=\"p\"\n[permissions.p.filesystem]\n\":workspace_roots\"=\"read\"",
    ] {
        let (spec, _) = lacks(InputKind::Codex, text, &all[..1]);
        assert!(spec.contains("mount-cwd-readonly") && !spec.contains("/srv"), "{spec}");
    }
    for network in ["enabled=false", "mode=\"limited\"", "enabled=true\nmode=\"limited\""] {
        let text = format!(
            "default_permissions=\"p\"\n[permissions.p.network]\n{network}\ndomains={{\"a.example.com\"=\"allow\"}}"
        );
        lacks(InputKind::Codex, &text, &["a.example.com"]);
    }
    let (_, messages) =
        imported(InputKind::Codex, "profile=\"ro\"\n[profiles.ro]\nsandbox_mode=\"read-only\"");
    assert!(messages.contains("profiles") && messages.contains("chosen"), "{messages}");
    let (spec, _) = imported(
        InputKind::Codex,
        "default_permissions=\"p\"\n[permissions.p.filesystem]\n\":workspace_roots\"={\".\"=\"write\"}\n[permissions.p.network]\nenabled=true\ndomains={\"a.example.com\"=\"allow\"}",
    );
    assert!(!spec.contains("readonly") && spec.contains("a.example.com"), "{spec}");
}

#[test]
fn nono_gets_the_network_only_where_nothing_may_forbid_it() {
    for text in [
        "{\"extends\": \"x\"}",
        "{\"security\": {\"groups\": [\"x\"]}}",
        "{\"future\": 1}",
        "{\"network\": {\"mode\": \"none\"}}",
        "{\"network\": {\"block\": \"true\"}}",
        "{\"network\": \"none\"}",
        "{\"network\": {\"block\": true, \"block\": false}}",
        "{\"network\": {\"block\": true, \"allow_domain\": [\"a.example.com\"], \"open_port\": [5]}}",
    ] {
        lacks(InputKind::Nono, text, &["network", "a.example.com", "port"]);
    }
    let (_, messages) = imported(
        InputKind::Nono,
        "{\"network\": {\"block\": true, \"allow_domain\": [\"a.example.com\"]}}",
    );
    assert!(messages.contains("allow_domain"), "{messages}");
    for text in ["{\"meta\": {}}", "{\"network\": {\"block\": false}}"] {
        assert!(imported(InputKind::Nono, text).0.contains("network"), "{text}");
    }
}

#[test]
fn what_is_denied_in_a_grant_or_around_it_is_not_granted() {
    for (kind, text) in [
        (InputKind::Nono, r#"{"filesystem": {"read": ["/srv"], "deny": ["/srv/secret"]}}"#),
        (InputKind::Nono, r#"{"filesystem": {"read": ["/srv/a"], "deny": ["/srv"]}}"#),
        (InputKind::Nono, r#"{"filesystem": {"read": ["/srv"], "deny": ["/srv/*.pem"]}}"#),
        (InputKind::Nono, r#"{"filesystem": {"read": ["/srv"], "deny": ["/srv/./secret/"]}}"#),
        (InputKind::Srt, r#"{"filesystem": {"allowRead": ["/srv"], "denyRead": ["/srv/x"]}}"#),
        (
            InputKind::ClaudeCode,
            r#"{"permissions": {"deny": ["Read(//srv/x)"], "additionalDirectories": ["/srv"]}}"#,
        ),
        (
            InputKind::Codex,
            "default_permissions=\"p\"\n[permissions.p.filesystem]\n\"/srv/x\"=\"none\"\n\"/srv\"=\"read\"",
        ),
    ] {
        let (_, messages) = lacks(kind, text, &["\"/srv"]);
        assert!(messages.contains("is not granted"), "{text}\n{messages}");
    }
    let text = r#"{"filesystem": {"allow": ["/home"], "deny": ["~/.ssh"]}}"#;
    lacks(InputKind::Nono, text, &["\"/home"]);
    let text = r#"{"filesystem": {"allow": ["/opt/a"], "deny": ["/srv"]}}"#;
    assert!(imported(InputKind::Nono, text).0.contains("(try-readwrite \"/opt/a\")"));
}

#[test]
fn what_may_not_be_written_is_read_only() {
    let text = r#"{"permissions": {"deny": ["Edit(//srv/x)"], "additionalDirectories": ["/srv"]}}"#;
    let (spec, _) = imported(InputKind::ClaudeCode, text);
    assert!(
        spec.find("(try-readwrite \"/srv\")").unwrap()
            < spec.find("(try-readonly \"/srv/x\")").unwrap()
    );
    let text = r#"{"filesystem": {"allowWrite": ["/srv/a", "."], "denyWrite": ["/srv", "."]}}"#;
    let (spec, _) = lacks(InputKind::Srt, text, &["readwrite"]);
    assert!(spec.contains("mount-cwd-readonly"), "{spec}");
    let text = r#"{"filesystem": {"allowWrite": ["."], "denyWrite": ["~"]}}"#;
    assert!(imported(InputKind::Srt, text).0.contains("mount-cwd-readonly"));
}

#[test]
fn hosts_that_are_denied_are_not_granted() {
    for (allowed, denied) in [
        ("api.example.com", "*.example.com"),
        ("API.example.com", "api.EXAMPLE.com"),
        ("api.example.com:8443", "api.example.com"),
        ("api.example.com", "api.example.com:443"),
        ("*.example.com", "api.example.com"),
        ("api.example.com", "*"),
        ("api.example.com", "*.com"),
    ] {
        let text = format!(
            "{{\"network\": {{\"deniedDomains\": [\"{denied}\"], \"allowedDomains\": [\"{allowed}\"]}}}}"
        );
        let (_, messages) = lacks(InputKind::Srt, &text, &["network-allow"]);
        assert!(messages.contains("is not granted"), "{messages}");
    }
    let text = r#"{"sandbox": {"network": {"deniedDomains": ["api.anthropic.com"]}}}"#;
    lacks(InputKind::ClaudeCode, text, &["@claude-code"]);
    let text = r#"{"network": {"deniedDomains": ["example.org", "127.0.0.1"], "allowedDomains": ["a.example.com"]}}"#;
    assert!(imported(InputKind::Srt, text).0.contains("a.example.com"));
}

#[test]
fn a_pattern_and_a_way_up_are_no_place() {
    let text =
        r#"{"filesystem": {"allowWrite": ["/opt/*", "$PWD/../q"], "denyWrite": ["$PWD/../s"]}}"#;
    let (_, messages) = lacks(InputKind::Srt, text, &["/opt", "..", "secrets"]);
    assert!(messages.contains("/opt/*") && messages.contains("../q"), "{messages}");
    let text = r#"{"filesystem": {"allowWrite": [".", "/opt/**"], "denyWrite": ["$PWD/../s"]}}"#;
    lacks(InputKind::Srt, text, &["readwrite", "../"]);
}

#[test]
fn credentials_are_not_copied() {
    for (kind, text) in [
        (InputKind::Bwrap, "bwrap --unshare-net --setenv API_KEY hush bash"),
        (InputKind::Bwrap, "bwrap --unshare-net --setenv A sk-hush bash"),
        (InputKind::Bwrap, "bwrap --unshare-net --setenv HTTP http://u:hush@example.com bash"),
        (InputKind::Bwrap, "bwrap --unshare-net bash --token=sk-hush"),
        (InputKind::Nono, r#"{"environment": {"set_vars": {"API_TOKEN": "hush"}}}"#),
        (InputKind::Nono, r#"{"network": {"upstream_proxy": "u:hush@proxy.example.com:80"}}"#),
        (InputKind::Nono, r#"{"command_args": ["--k", "ghp_hush"]}"#),
    ] {
        let (spec, messages) = imported(kind, text);
        assert!(!spec.contains("hush") && !messages.contains("hush"), "{spec}{messages}");
        assert!(messages.contains("may be a credential"), "{messages}");
    }
}

#[test]
fn characters_that_are_not_seen_are_not_in_a_comment() {
    for hidden in ['\u{61c}', '\u{200b}', '\u{2028}', '\u{e0041}', '\u{202e}'] {
        let text = format!("\"a{hidden}b\" = 1");
        let (spec, messages) = imported(InputKind::Codex, &text);
        assert!(!spec.contains(hidden) && !messages.contains(hidden), "{spec:?}");
    }
}
