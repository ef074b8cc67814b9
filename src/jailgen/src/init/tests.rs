use expect_test::expect;

use super::{programs, spec};

#[test]
fn the_programs_are_known_by_their_own_names() {
    let programs: Vec<_> = programs().collect();
    expect!["shell amp claude-code codex copilot-cli crush cursor-agent gemini-cli goose hermes-agent opencode opencode2 pi qwen-code"]
        .assert_eq(&programs.join(" "));
}

#[test]
fn nothing_of_the_template_is_left() {
    for program in programs() {
        let text = spec(program).unwrap();
        for word in ["AGENT", "HOSTS", "STATE", "makeJailedAgent"] {
            assert!(!text.contains(word), "{program}: {text}");
        }
    }
    assert_eq!(spec("solitaire"), None);
}

#[test]
fn hosts_are_named_as_the_registry_knows_them() {
    for program in programs().skip(1) {
        let text = spec(program).unwrap();
        assert!(text.contains("allowedHosts = \"default\";"), "{program}: {text}");
        let group = text.split("`[ \"@").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert!(jail_registry::host_group(group).is_some(), "{program}: {group}");
    }
}

#[test]
fn the_state_of_the_agent_is_named() {
    let text = spec("claude-code").unwrap();
    assert!(text.contains("#     ~/.claude\n#     ~/.claude.json\n"), "{text}");
}
