//! Records and derived plans. Builds with real Nix are in `tests/it`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use jail_lang::Query;
use jail_plan::{Argument, HostText};

use super::build::{is_at, lock_file};
use super::commands::refuse_taken;
use super::record::Record;
use super::*;
use crate::backends::{Answer, Spec, SpecFile};
use crate::kit::Kit;

fn kit(hash: &str) -> Kit {
    Kit {
        url: String::new(),
        original: serde_json::Value::Null,
        locked: serde_json::Value::String(hash.into()),
        follows: Vec::new(),
        version: String::new(),
    }
}

/// The spec at a path, as it was read.
fn spec(path: &Path) -> Spec {
    let place = fs::canonicalize(path).unwrap();
    let read = (Query::Read, place.to_str().unwrap().into(), fs::read(&place).unwrap());
    Spec {
        path: path.to_str().unwrap().into(),
        place,
        files: vec![SpecFile::new("x.jail", &read.2)],
        answers: vec![Answer::record(read)],
        policies: Vec::new(),
        inputs: BTreeMap::new(),
        overlays: Vec::new(),
        config: None,
        copied: Vec::new(),
    }
}

/// A folder with a spec that was built.
fn built(name: &str) -> (tempfile::TempDir, State, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let state = State::at(folder.path().join("state"));
    let path = folder.path().join(name);
    fs::write(&path, "jail").unwrap();
    let commands = [Command {
        name: "x-cage".into(),
        store_path: folder.path().to_str().unwrap().into(),
        link: None,
        alias: None,
    }];
    let spec = spec(&path);
    Record::new(&spec, &kit("1"), &commands, &[]).write(&state).unwrap();
    trust::approve(&state, &path, &spec).unwrap();
    (folder, state, path)
}

#[test]
fn a_build_is_fresh_until_the_spec_the_kit_or_the_store_changes() {
    let (folder, state, path) = built("x.jail");
    let found = fresh(&state, &path, &kit("1")).unwrap();
    assert_eq!(found.commands[0].name, "x-cage");
    assert_eq!(found.commands[0].link, None);
    assert!(fresh(&state, &path, &kit("2")).is_none(), "another kit");
    fs::write(&path, "jail changed").unwrap();
    assert!(fresh(&state, &path, &kit("1")).is_none(), "another spec");
    fs::write(&path, "jail").unwrap();
    assert!(fresh(&state, &path, &kit("1")).is_some());
    assert!(fresh(&state, &folder.path().join("other.jail"), &kit("1")).is_none());
    assert!(trust::forget_approval(&state, &path).unwrap());
    assert!(fresh(&state, &path, &kit("1")).is_none(), "it is no longer approved");
}

#[test]
fn a_record_holds_wherever_the_command_is_started() {
    let (folder, state, _) = built("x.jail");
    fs::write(
        folder.path().join("y.jail"),
        "jail \"y\" pkgs.hello [ (set-env \"A\" \"${./copied}\") ]",
    )
    .unwrap();
    fs::write(folder.path().join("copied"), "1").unwrap();
    let path = folder.path().join("y.jail");
    let opened = crate::compile::SpecFolder::open(&path).unwrap();
    let spec = opened.emission(&opened.compile()).unwrap().unwrap();
    Record::new(&spec, &kit("1"), &[], &[]).write(&state).unwrap();
    trust::approve(&state, &path, &spec).unwrap();
    assert!(fresh(&state, &path, &kit("1")).is_some());
    let all = sources(&state, &path);
    assert_eq!(all, [fs::canonicalize(folder.path()).unwrap().join("copied")]);
    fs::write(folder.path().join("copied"), "2").unwrap();
    assert!(fresh(&state, &path, &kit("1")).is_none());
}

#[test]
fn a_command_belongs_to_the_spec_that_its_link_leads_through() {
    let (folder, state, path) = built("x.jail");
    let (path, other) = (trust::place(&path), folder.path().join("y.jail"));
    let free = |place: &Path, command| refuse_taken(&state, place, command).is_ok();
    assert!(free(&other, "x-cage"), "it is built, and not linked");
    for command in ["x-cage", "jailed-x"] {
        commands::link(&state, &path, "x-cage", command).unwrap();
        assert!(free(&path, command), "its own");
        assert!(!free(&other, command));
        assert!(state.is_linked(&path, command) && !state.is_linked(&other, command));
    }
    assert_eq!(
        fresh(&state, &path, &kit("1")).unwrap().commands[0].link,
        Some(state.command("x-cage"))
    );
    assert!(free(&other, "jailed-y"));
    // A link that jailgen has not made, and no link at all, are not jailgen's to take.
    symlink("/bin/ls", state.command("ls")).unwrap();
    symlink("/nix/store/x/bin/y", state.command("z")).unwrap();
    symlink("/nix/store/x/bin/old", state.command("old")).unwrap();
    assert!(!free(&other, "z") && free(&other, "old"), "as the first versions linked");
    fs::write(state.command("file"), "").unwrap();
    assert!(!free(&other, "ls") && !free(&other, "file"));
    let removed = commands::unlink(&state, &name(&path), |kept| kept == "x-cage").unwrap();
    assert_eq!(removed, [state.command("jailed-x")]);
    assert!(free(&other, "jailed-x") && !free(&other, "x-cage"));
    fs::remove_file(&path).unwrap();
    assert!(free(&other, "x-cage"), "the spec is gone");
}

#[test]
fn specs_of_one_name_in_two_folders_have_flakes_of_their_own() {
    let state = State::at("/state");
    let (a, b) =
        (state.flake(Path::new("/a/my agent.jail")), state.flake(Path::new("/b/my agent.jail")));
    assert_ne!(a, b);
    assert!(a.to_str().unwrap().starts_with("/state/flakes/my-agent-"), "{a:?}");
}

/// A wrapper whose closure is in a folder of ours instead of the store.
fn wrapper(store: &Path, names: &[&str]) -> String {
    let list: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        r#"#!/stub
exit 125 # a plan, not a script
{{"version":{version},"name":"jailed-x","host":null,"before":[],"cgroup":null,"namespaces":[],"ids":"caller","network":null,"closure":{{"store":"{store}","skeleton":"/s","names":[{names}]}},"inside":[],"hostname":null,"env":[],"start":"folder","argv":[{{"text":"/old"}}],"terminal":"keep","lifetime":"launcher","time":null,"limits":[],"landlock":{{"handles":[],"rules":[],"bind":[],"connect":[],"least":0,"by":""}},"seccomp":[{{"name":"default","arch":"x86_64","program":"","in_set_group_id_folder":null}}],"after":[]}}
{{"jail#0":"x.jail:1:1"}}
"#,
        version = jail_plan::VERSION,
        store = store.display(),
        names = list.join(","),
    )
}

#[test]
fn a_shell_has_the_plan_of_the_jail_but_for_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (store, state) = (folder.path().join("store"), State::at(folder.path().join("state")));
    for name in ["0-bash-5", "1-bash-interactive-5"] {
        fs::create_dir_all(store.join(name).join("bin")).unwrap();
        fs::write(store.join(name).join("bin/bash"), "").unwrap();
    }
    let file = folder.path().join("wrapper");
    fs::write(&file, wrapper(&store, &["0-bash-5", "1-bash-interactive-5"])).unwrap();
    let at = shell(&state, &file).unwrap();
    let copy = folder.path().join("copy/wrapper");
    fs::create_dir(folder.path().join("copy")).unwrap();
    fs::copy(&file, &copy).unwrap();
    assert_ne!(shell(&state, &copy).unwrap(), at, "jails of one name in two projects");
    let derived = fs::read(at).unwrap();
    let (derived, original) =
        (jail_plan::Wrapper::parse(&derived).unwrap(), fs::read(&file).unwrap());
    assert_eq!(derived.place("jail#0").as_deref(), Some("x.jail:1:1"));
    let mut expected = jail_plan::Wrapper::parse(&original).unwrap().plan;
    let bash = store.join("1-bash-interactive-5/bin/bash").to_str().unwrap().to_owned();
    expected.argv = vec![Argument::Text(HostText::Literal(bash)), Argument::All];
    assert_eq!(derived.plan, expected);
}

#[test]
fn a_jail_without_bash_has_no_shell() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrapper");
    fs::write(&file, wrapper(folder.path(), &["0-hello"])).unwrap();
    let error = shell(&State::at(folder.path()), &file).unwrap_err();
    assert_eq!(error.to_string(), "there is no bash in the jail `jailed-x`");
    fs::write(&file, "#!/bin/sh\necho no wrapper\n").unwrap();
    let error = shell(&State::at(folder.path()), &file).unwrap_err().to_string();
    assert!(error.ends_with("its first two lines are not those of a plan"), "{error}");
}

#[test]
fn no_cage_is_called_like_a_folder_whose_content_is_believed() {
    let faults = |name: &str| {
        let argv = "argv = [ \"${pkgs.hello}/bin/hello\" ];";
        let spec = format!("cage {{ name = \"{name}\"; profile = \"offline\"; {argv} }}");
        let sources = jail_lang::MemorySources::new([("x.jail", spec.as_str())]);
        let compiled = crate::compile::compile_from(&sources, Path::new("x.jail"));
        compiled.diagnostics.iter().map(|fault| fault.code).collect::<Vec<_>>()
    };
    assert_eq!(faults("demo"), []);
    let own = FOLDERS.iter().filter(|folder| !folder.contains('/')).chain(&["buses", "told"]);
    for folder in own {
        assert_eq!(faults(folder), [jail_registry::Code::JailName], "{folder}");
    }
}

/// A state folder with a spec that was built, its flake and its root, as a build leaves them.
fn built_whole() -> (tempfile::TempDir, State, PathBuf) {
    let (folder, state, path) = built("x.jail");
    let place = trust::place(&path);
    fs::create_dir_all(state.flake(&place)).unwrap();
    fs::write(state.flake(&place).join("flake.nix"), "12345").unwrap();
    lock_file(&state.flake(&place).with_extension("lock")).unwrap();
    fs::create_dir_all(state.roots_of(&place)).unwrap();
    symlink(folder.path(), state.root_of(&place, "x-cage")).unwrap();
    commands::link(&state, &place, "x-cage", "x-cage").unwrap();
    (folder, state, path)
}

fn kinds(removed: &Removed) -> Vec<&'static str> {
    removed.things.iter().map(|(what, ..)| *what).collect()
}

#[test]
fn what_is_of_a_spec_goes_when_the_spec_is_gone_and_not_before() {
    let (folder, state, path) = built_whole();
    assert!(collect(&state, Mode::Remove).unwrap().things.is_empty());
    fs::remove_file(&path).unwrap();
    let would_go = collect(&state, Mode::DryRun).unwrap();
    assert_eq!(kinds(&would_go), ["command", "record", "flake", "root"]);
    assert_eq!(would_go.store_paths, [folder.path().to_str().unwrap()]);
    let flake = would_go.things.iter().find(|(what, ..)| *what == "flake").unwrap();
    assert_eq!(flake.2, 5, "its bytes");
    assert_eq!(kinds(&collect(&state, Mode::Remove).unwrap()), kinds(&would_go));
    assert!(holdings(&state).unwrap().is_empty());
    assert!(collect(&state, Mode::Remove).unwrap().things.is_empty());
}

#[test]
fn what_is_being_built_is_left_alone() {
    let (_folder, state, path) = built_whole();
    let place = trust::place(&path);
    let aside = state.flake(&place).with_extension("new");
    fs::create_dir(&aside).unwrap();
    let lock = lock_file(&state.flake(&place).with_extension("lock")).unwrap();
    let busy = collect(&state, Mode::Remove).unwrap();
    assert!(busy.things.is_empty(), "{busy:?}");
    assert_eq!(busy.kept, [(place.clone(), Busy::Built)]);
    fs::remove_file(&path).unwrap();
    assert!(collect(&state, Mode::Remove).unwrap().things.is_empty());
    let holding = holding_of(&state, &place).unwrap().unwrap();
    assert_eq!(remove(&state, &holding).unwrap().unwrap_err(), Busy::Built);
    drop(lock);
    assert!(remove(&state, &holding).unwrap().is_ok() && !aside.exists());
}

#[test]
fn who_waits_for_a_lock_does_not_get_one_that_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.lock");
    let first = lock_file(&file).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| lock_file(&file).unwrap());
        fs::remove_file(&file).unwrap();
        drop(first);
        assert!(is_at(&waiting.join().unwrap(), &file).unwrap());
    });
}

#[test]
fn roots_of_the_first_versions_stay_as_long_as_a_command_leads_to_them() {
    let (folder, state, _) = built_whole();
    let store = folder.path().join("store-path");
    symlink(&store, state.roots().join("jailed-old")).unwrap();
    symlink(store.join("bin/jailed-old"), state.command("jailed-old")).unwrap();
    assert!(collect(&state, Mode::Remove).unwrap().things.is_empty());
    fs::remove_file(state.command("jailed-old")).unwrap();
    let removed = collect(&state, Mode::Remove).unwrap();
    assert_eq!(kinds(&removed), ["root"]);
    assert_eq!(removed.store_paths, [store.to_str().unwrap()]);
}
