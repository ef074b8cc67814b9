use expect_test::expect;

use jail_registry::host_group;

use super::{Need, Needs, programs};

fn spec(program: &str) -> Option<String> {
    super::spec(program, &Needs::default())
}

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

/// What a folder with these files needs.
fn needs(files: &[(&str, &str)]) -> Needs {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Needs::of_project(folder.path()).unwrap()
}

fn names(needs: &[Need]) -> String {
    needs.iter().map(|need| need.name).collect::<Vec<_>>().join(" ")
}

#[test]
fn files_say_what_a_project_is_built_with() {
    let found = needs(&[
        ("package.json", "{ \"engines\": { \"node\": \">=22.1\" } }"),
        ("pnpm-lock.yaml", ""),
        ("Cargo.toml", ""),
        ("flake.nix", ""),
    ]);
    assert_eq!(names(&found.packages), "nodejs_22 pnpm cargo rustc gcc");
    assert_eq!(names(&found.hosts), "@npm @crates");
    assert_eq!(names(&found.caches), "npm pnpm cargo");
    assert_eq!(found.notes.len(), 1);
    let container = "{ \"features\": { \"ghcr.io/devcontainers/features/python:1\": {} } }";
    let found = needs(&[(".devcontainer/devcontainer.json", container), (".nvmrc", "v24\n")]);
    assert_eq!(names(&found.packages), "python3");
    assert!(needs(&[("notes.md", "Cargo.toml")]).is_empty());
}

#[test]
fn nothing_that_a_file_holds_comes_into_the_spec() {
    let evil = "22\n]; } (unsafe) {\u{1b}[2J \"node\": \"evil";
    let found = needs(&[("package.json", evil), (".nvmrc", evil), ("go.mod", evil)]);
    for program in programs() {
        let text = super::spec(program, &found).unwrap();
        assert!(!text.contains("evil") && !text.contains("unsafe"), "{text}");
        assert!(text.contains("nodejs_22 # .nvmrc"), "{text}");
    }
    // A link is not followed, and a pipe not waited for.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("Cargo.toml")).unwrap();
    let pipe = folder.path().join(".nvmrc");
    std::fs::write(folder.path().join("package.json"), "").unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let found = Needs::of_project(folder.path()).unwrap();
    assert_eq!(names(&found.packages), "nodejs");
}

#[test]
fn groups_of_hosts_are_the_registrys() {
    let all = ["package.json", "Cargo.toml", "setup.py", ".pre-commit-config.yaml"];
    let found = needs(&all.map(|name| (name, "")));
    for host in found.hosts.iter().filter_map(|need| need.name.strip_prefix('@')) {
        assert!(host_group(host).is_some(), "{host}");
    }
}
