//! Which changes in private copies are reported: none that an agent makes of its own at each start,
//! and every other one.

use jail_plan::git::COPIES;
use jail_plan::{Access, InsideOp, PrivateCopies};

use crate::jail::{Caller, Jail, bind, callers, expand, literal};
use crate::private::own;

/// A folder of an agent's, as a preset shares it.
pub(crate) fn agent(caller: Caller, folder: &str, names: &[&str], files: &[(&str, &str)]) -> Jail {
    let jail = Jail::new(caller);
    jail.file(&format!("home/{folder}/login"), "token\n");
    for (name, content) in files {
        jail.file(&format!("home/{folder}/{name}"), content);
    }
    own(&jail.home(), caller);
    let (state, home) = (jail.home().join(folder), jail.home().display().to_string());
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let (to, folder) = (literal(COPIES), expand(&format!("~/{folder}")));
    let jail = jail.op(bind(state, Access::ReadWrite)).set("HOME", &home);
    jail.op(InsideOp::PrivateCopies(PrivateCopies { to, folder, names }))
}

/// What is reported of what a script does: the part of the line with the names.
fn reported(jail: &Jail, script: &str) -> String {
    let ran = jail.sh(&format!("set -e; {script}"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let line = ran.stderr.lines().find(|line| line.contains("stay out of it"));
    let names = line.and_then(|line| line.split(" and are gone with it: ").nth(1));
    names.and_then(|names| names.split(" (").next()).unwrap_or_default().to_owned()
}

/// Codex writes the skills that it brings when it finds others, or none.
const SKILLS: &str = "cd ~/.codex/skills; rm -rf .system; mkdir -p .system/one; echo one >.system/one/SKILL.md; echo 1 >.system/marker";

#[test]
fn what_an_agent_brings_is_reported_once_and_again_when_it_is_another() {
    for caller in callers() {
        let jail = agent(caller, ".codex", &["config.toml", "hooks/", "skills/"], &[]);
        let both = "`skills/.system/marker`, `skills/.system/one/SKILL.md`";
        assert_eq!(reported(&jail, SKILLS), both);
        assert_eq!(reported(&jail, SKILLS), "");
        // A hook among it, and one instead of it.
        for (script, names) in [
            ("echo evil >.system/one/run.sh", "`skills/.system/one/run.sh`"),
            ("echo evil >>.system/one/SKILL.md", "`skills/.system/one/SKILL.md`"),
            ("chmod +x .system/one/SKILL.md", "`skills/.system/one/SKILL.md`"),
            ("mv .system/one .system/two", "`skills/.system/two/SKILL.md`"),
            ("ln -sf /tmp/evil .system/marker", "`skills/.system/marker`"),
            ("cp -r .system/one .", "`skills/one/SKILL.md`"),
            ("mkdir -p .systems; cp .system/marker .systems", "`skills/.systems/marker`"),
            ("cp .system/marker ../hooks/marker", "`hooks/marker`"),
        ] {
            assert_eq!(reported(&jail, &format!("{SKILLS}; {script}")), names, "{script}");
        }
        assert_eq!(reported(&jail, SKILLS), "");
    }
}

#[test]
fn what_an_agent_fetches_again_is_not_reported_and_stays_its_own() {
    for caller in callers() {
        let names = ["config.toml", "models_cache.json"];
        let jail = agent(caller, ".codex", &names, &[("models_cache.json", "{}\n")]);
        let script = "cd ~/.codex; echo '{\"models\": \"evil\"}' >models_cache.json";
        assert_eq!(reported(&jail, script), "");
        assert_eq!(reported(&jail, &format!("{script}; echo x >config.toml")), "`config.toml`");
        jail.outside_sh("cat ~/.codex/models_cache.json").prints("{}");
    }
}

#[test]
fn what_is_new_comes_before_what_an_agent_brings() {
    for caller in callers() {
        let jail = agent(caller, ".codex", &["skills/", "tmp2/"], &[]);
        let script = "cd ~/.codex; mkdir -p skills/.system; for n in 1 2 3 4 5 6 7 8; do echo $n >skills/.system/$n; done; echo evil >tmp2/x";
        let names = reported(&jail, script);
        assert!(names.starts_with("`tmp2/x`, `skills/.system/1`"), "{names}");
    }
}

#[test]
fn a_file_that_is_written_again_as_it_was_is_no_change() {
    for caller in callers() {
        let files = [("hooks/start", "echo start\n"), ("plugins/list.json", "{\"a\": [1]}\n")];
        let jail = agent(caller, ".claude", &["hooks/", "plugins/"], &files);
        for (script, names) in [
            ("cp hooks/start s; rm hooks/start; cp s hooks/start; rm s", ""),
            ("echo '{\"a\":[ 1 ]}' >plugins/list.json", ""),
            ("echo '{\"a\": [1], \"b\": 1}' >plugins/list.json", "`plugins/list.json`"),
            ("rm hooks/start", "`hooks/start`"),
            ("chmod +x hooks/start", "`hooks/start`"),
            ("echo echo start >hooks/start", ""),
            ("rm hooks/start; ln -s list.json hooks/start", "`hooks/start`"),
        ] {
            assert_eq!(reported(&jail, &format!("cd ~/.claude; {script}")), names, "{script}");
        }
    }
}

/// Settings that say nothing, next to those that do.
const SETTINGS: [(&str, &str, &str); 10] = [
    ("opencode.json", "{\"model\": \"a\"}", ""),
    ("opencode.json", "{\"$schema\": \"https://x\", \"model\": \"a\"}", ""),
    (
        "opencode.json",
        "{\"$schema\": \"x\", \"model\": \"a\", \"mcp\": {}}",
        "`opencode.json: mcp`",
    ),
    ("opencode.json", "{\"$schema\": \"x\"}", "`opencode.json: model`"),
    // As opencode writes it where nothing is.
    ("opencode.jsonc", "{\n  \"$schema\": \"https://x\", }\n \n", ""),
    ("opencode.jsonc", "{ // x\n \"mcp\": {}, }", "`opencode.jsonc: mcp`"),
    ("opencode.jsonc", "// only this\n{}", ""),
    ("opencode.jsonc", "{\"a\" \"b\"}", "`opencode.jsonc`"),
    ("plugin/x.json", "{\"$schema\": \"x\"}", "`plugin/x.json`"),
    ("plugin/x.js", "{}", "`plugin/x.js`"),
];

#[test]
fn settings_that_nothing_believes_are_not_reported() {
    for caller in callers() {
        let names = ["opencode.json", "opencode.jsonc", "plugin/"];
        let files = [("opencode.json", "{\"model\": \"a\"}\n")];
        let jail = agent(caller, ".config/opencode", &names, &files);
        for (name, content, told) in SETTINGS {
            jail.file("project/now", content);
            let script = format!("cat now >~/.config/opencode/{name}");
            assert_eq!(reported(&jail, &script), told, "{name}: {content}");
        }
        let claude = agent(caller, ".claude", &["plugins/"], &[]);
        for (name, content, told) in [
            ("store/a.json", "{\"usage-rows-queued\": \"x\"}", ""),
            ("a.json", "{\"usage-rows-queued\": \"x\"}", "`plugins/a.json`"),
            ("store/a.json", "{\"hooks\": {}}", "`plugins/store/a.json`"),
            ("store/a", "{\"usage-rows-queued\": \"x\"}", "`plugins/store/a`"),
        ] {
            claude.file("project/now", content);
            let script =
                format!("mkdir -p ~/.claude/plugins/store; cat now >~/.claude/plugins/{name}");
            assert_eq!(reported(&claude, &script), told, "{name}: {content}");
        }
        // What can be executed is no settings.
        let script = "mkdir -p ~/.claude/plugins/store; cat now >~/.claude/plugins/store/a.json; chmod +x ~/.claude/plugins/store/a.json";
        claude.file("project/now", "{\"usage-rows-queued\": \"x\"}");
        assert_eq!(reported(&claude, script), "`plugins/store/a.json`");
    }
}
