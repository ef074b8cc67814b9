//! Several projects of one user: specs and jails of the same name, and what is
//! listed and removed of them.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::approval::answered;
use crate::harness::{Outcome, Scratch};
use crate::real_nix::{Setup, has_user_namespaces, setup};

/// With a name of its own for each test: jails of other tests run at the same time,
/// and are other jails then.
fn spec(test: &str) -> String {
    let grants =
        format!("mount-cwd (set-env \"TEST\" \"{test}\") (add-pkg-deps [ pkgs.coreutils ])");
    format!("jail \"jailed-sh\" pkgs.bashInteractive [ {grants} ]")
}

const COMMAND: &str = ".local/state/jailgen/bin/jailed-sh";

/// A home folder with a project, and another project below /tmp, with specs of the same name that
/// make jails of the same name.
struct World {
    setup: Setup,
    home: Scratch,
    tmp: Scratch,
    /// The spec of the first project.
    spec: String,
}

impl World {
    fn new() -> Option<Self> {
        let setup = setup()?;
        let (home, tmp) = (Scratch::outside_of_tmp(), Scratch::new());
        let spec = spec(&home.path("").display().to_string());
        home.write("a/sh.jail", spec.as_bytes());
        // Another plan, so that one cannot be taken for the other.
        tmp.write("sh.jail", spec.replace("mount-cwd", "(set-env \"PROJECT\" \"b\")").as_bytes());
        has_user_namespaces().then_some(Self { setup, home, tmp, spec })
    }

    fn folders(&self) -> [PathBuf; 2] {
        [self.home.path("a"), self.tmp.path("")]
    }

    fn command(&self, folder: &PathBuf, words: &[&str]) -> assert_cmd::Command {
        let mut command = self.home.jailgen(words);
        command.current_dir(folder).env("NIX_CONFIG", self.setup.config());
        command
    }

    fn jailgen(&self, folder: &PathBuf, words: &[&str]) -> Outcome {
        Outcome::of(&self.command(folder, words).assert())
    }

    /// A build with the stand-ins for inputs; what follows finds them pinned.
    fn build(&self, folder: &PathBuf, more: &[&str]) -> Outcome {
        self.jailgen(folder, &[&["build", "sh.jail"][..], &self.setup.overrides(), more].concat())
    }

    fn run(&self, folder: &PathBuf) -> Outcome {
        let words = ["run", "sh.jail"];
        let rest = ["--", "-c", "echo \"in ${PROJECT-a}\""];
        self.jailgen(folder, &[&words[..], &self.setup.overrides(), &rest].concat())
    }

    fn list(&self) -> Vec<serde_json::Value> {
        let list = self.jailgen(&self.home.path("a"), &["list", "--json"]);
        let list: serde_json::Value = serde_json::from_str(&list.assert_status(0).stdout).unwrap();
        list["specs"].as_array().unwrap().clone()
    }

    fn state(&self, below: &str) -> Vec<String> {
        let entries = fs::read_dir(self.home.path(".local/state/jailgen").join(below));
        let names = entries.into_iter().flatten().map(|it| it.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    /// The jail of a project, which waits until its standard input ends.
    fn wait_in(&self, folder: &PathBuf) -> (Child, std::process::ChildStdin) {
        let mut command =
            plain(&self.command(folder, &["run", "sh.jail", "--", "-c", "echo up; read x"]));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut up = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut up).unwrap();
        let stdin = child.stdin.take().unwrap();
        (child, stdin)
    }
}

/// The same command, for the standard library's ways to start it.
fn plain(command: &assert_cmd::Command) -> Command {
    let mut plain = Command::new(command.get_program());
    plain.args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    plain.env_clear().envs(set);
    plain
}

#[test]
fn everything_but_build_works_in_a_second_project_without_a_command() {
    let Some(world) = World::new() else { return };
    let [a, b] = world.folders();
    for (folder, said) in [(&a, "in a\n"), (&b, "in b\n"), (&a, "in a\n")] {
        assert_eq!(world.run(folder).assert_status(0).stdout, said);
        let shell = world.jailgen(folder, &["shell", "sh.jail", "-c", "echo in ${PROJECT-a}"]);
        assert_eq!(shell.assert_status(0).stdout, said);
        let trace =
            world.jailgen(folder, &["trace", "sh.jail", "--", "-c", "echo in ${PROJECT-a}"]);
        assert_eq!(trace.assert_status(0).stdout, said);
        let audit = world.jailgen(folder, &["audit", "sh.jail"]);
        assert!(audit.stdout.contains("jailed-sh"), "{}", audit.all());
        world.jailgen(folder, &["closure", "sh.jail"]).assert_status(0);
    }
    assert_eq!(world.state("bin"), [""; 0], "no command was asked for");
    assert_eq!(world.state("shells").len(), 2, "each project has its own plan");
}

#[test]
fn a_command_is_that_of_the_project_that_was_built_last_with_force() {
    let Some(world) = World::new() else { return };
    let [a, b] = world.folders();
    let command = || {
        let output = Command::new(world.home.path(COMMAND))
            .args(["-c", "echo in ${PROJECT-a}"])
            .env("HOME", world.home.path(""))
            .current_dir(&a)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    world.build(&a, &[]).assert_status(0);
    assert_eq!(command(), "in a\n");
    let refused = world.build(&b, &[]).assert_status(1).all();
    assert!(
        refused.contains("belongs to another spec") && refused.contains("a/sh.jail"),
        "{refused}"
    );
    assert!(refused.contains("`--force`"), "{refused}");
    // It is built all the same by what needs no command, and that leaves the command alone.
    world.run(&b).assert_status(0);
    assert_eq!(command(), "in a\n");
    let taken = world.build(&b, &["--force"]).assert_status(0).all();
    assert!(taken.contains(COMMAND), "{taken}");
    assert_eq!(command(), "in b\n");
    world.run(&a).assert_status(0);
    assert_eq!(command(), "in b\n");
    // A new build of its own spec is what the command leads to, however it was made.
    world.tmp.write(
        "sh.jail",
        world.spec.replace("mount-cwd", "(set-env \"PROJECT\" \"c\")").as_bytes(),
    );
    world.jailgen(&b, &["approve", "sh.jail"]).assert_status(0);
    assert_eq!(world.run(&b).assert_status(0).stdout, "in c\n");
    assert_eq!(command(), "in c\n");
}

#[test]
fn builds_are_listed_with_where_they_are_linked_and_how_large_they_are() {
    let Some(world) = World::new() else { return };
    let [a, b] = world.folders();
    let nothing = world.jailgen(&a, &["list"]);
    assert_eq!(nothing.assert_status(0).stdout, "Nothing is built.\n");
    world.build(&a, &[]).assert_status(0);
    world.run(&b).assert_status(0);
    let list = world.list();
    let of = |folder: &PathBuf| {
        let spec = folder.join("sh.jail").canonicalize().unwrap();
        list.iter().find(|it| it["spec"] == spec.to_str().unwrap()).unwrap()
    };
    for folder in [&a, &b] {
        let entry = of(folder);
        assert_eq!(
            (&entry["state"], &entry["jails"][0]["name"]),
            (&"built".into(), &"jailed-sh".into())
        );
        assert!(entry["closure"].as_u64().unwrap() > 1_000_000, "{entry:#}");
        assert!(entry["flake"]["size"].as_u64().unwrap() > 1000, "{entry:#}");
        assert!(entry["built"].as_u64().unwrap() > 1_700_000_000, "{entry:#}");
    }
    let command = world.home.path(COMMAND);
    assert_eq!(of(&a)["commands"], serde_json::json!([command]));
    assert_eq!(of(&b)["commands"], serde_json::json!([]));
    let words = world.jailgen(&a, &["list"]).stdout;
    assert!(words.contains("jailed-sh  not linked") && words.contains("built just now"), "{words}");

    // A name from the disk is not a line of ours, and does nothing to the terminal.
    let odd = a.join("\u{1b}[31mred\n  jailed-x  linked.jail");
    fs::rename(a.join("sh.jail"), &odd).unwrap();
    world
        .jailgen(
            &a,
            &[&["run", odd.to_str().unwrap()], &world.setup.overrides()[..], &["--", "-c", ":"]]
                .concat(),
        )
        .assert_status(0);
    let words = world.jailgen(&a, &["list"]).stdout;
    assert!(!words.contains('\u{1b}') && !words.contains("\n  jailed-x"), "{words}");
    assert!(words.contains("(the spec is gone: `jailgen gc` removes this)"), "{words}");
}

#[test]
fn what_was_built_of_a_spec_is_removed_whole_and_of_that_spec_alone() {
    let Some(world) = World::new() else { return };
    let [a, b] = world.folders();
    world.build(&a, &[]).assert_status(0);
    world.run(&b).assert_status(0);
    world.jailgen(&a, &["shell", "sh.jail", "-c", ":"]).assert_status(0);
    let several = world.jailgen(&a, &["remove", "jailed-sh"]).assert_status(1).all();
    assert!(several.contains("several specs make `jailed-sh`"), "{several}");
    let removed = world.jailgen(&a, &["remove", "sh.jail"]).assert_status(0).all();
    for what in ["command", "record", "flake", "plan", "root"] {
        assert!(removed.contains(&format!("removed {what} ")), "{what}: {removed}");
    }
    assert!(removed.contains("forgot that "), "{removed}");
    for (folder, left) in
        [("bin", 0), ("builds", 1), ("roots", 1), ("shells", 0), ("trust/approvals", 1)]
    {
        assert_eq!(world.state(folder).len(), left, "{folder}: {:?}", world.state(folder));
    }
    let flakes: Vec<String> = world.state("flakes");
    assert!(flakes.len() == 2 && flakes[1] == format!("{}.lock", flakes[0]), "{flakes:?}");
    assert_eq!(fs::read_to_string(a.join("sh.jail")).unwrap(), world.spec, "the spec stays");
    assert_eq!(
        world.jailgen(&b, &["run", "sh.jail", "--", "-c", "echo in"]).assert_status(0).stdout,
        "in\n"
    );
    let nothing = world.jailgen(&a, &["remove", "sh.jail"]).assert_status(1).all();
    assert!(nothing.contains("nothing was built of `sh.jail`"), "{nothing}");

    // By the name of its jail, now that it is one; and a spec that is gone by its path.
    world.jailgen(&a, &["remove", "jailed-sh"]).assert_status(0);
    world.build(&a, &[]).assert_status(0);
    fs::remove_file(a.join("sh.jail")).unwrap();
    world.jailgen(&a, &["remove", "./sh.jail"]).assert_status(0);
    assert!(
        world.list().is_empty() && world.state("roots").is_empty() && world.state("bin").is_empty()
    );
}

#[test]
fn one_of_several_jails_is_not_removed_by_its_name() {
    let Some(world) = World::new() else { return };
    let [a, _] = world.folders();
    world.home.write(
        "a/sh.jail",
        format!("{{ a = {}; b = {}; }}", world.spec, world.spec.replace("-sh", "-b")).as_bytes(),
    );
    world.build(&a, &[]).assert_status(0);
    let refused = world.jailgen(&a, &["remove", "jailed-b"]).assert_status(1).all();
    assert!(
        refused.contains("one of several jails of `") && refused.contains("a/sh.jail"),
        "{refused}"
    );
    assert_eq!(world.state("bin").len(), 2);
    // What the spec no longer has is dropped by the next build.
    world.home.write("a/sh.jail", world.spec.as_bytes());
    world.build(&a, &[]).assert_status(0);
    assert_eq!(world.state("bin"), ["jailed-sh"]);
}

#[test]
fn what_a_running_jail_needs_is_neither_removed_nor_collected() {
    let Some(world) = World::new() else { return };
    let [a, b] = world.folders();
    for folder in [&a, &b] {
        world.run(folder).assert_status(0);
    }
    let (mut child, stdin) = world.wait_in(&a);
    let refused = world.jailgen(&a, &["remove", "sh.jail"]).assert_status(1).all();
    assert!(refused.contains("its jail `jailed-sh` runs (process"), "{refused}");
    fs::remove_file(a.join("sh.jail")).unwrap();
    fs::remove_file(b.join("sh.jail")).unwrap();
    let collected = world.jailgen(&a, &["gc"]).assert_status(0).all();
    assert!(collected.contains("kept ") && collected.contains("runs (process"), "{collected}");
    assert_eq!(world.state("roots").len(), 1, "that of the other one is gone: {collected}");
    drop(stdin);
    child.wait().unwrap();
    world.jailgen(&a, &["gc"]).assert_status(0);
    assert!(world.state("roots").is_empty());
}

#[test]
fn what_nobody_needs_is_told_and_then_collected() {
    let Some(world) = World::new() else { return };
    let [a, b] = world.folders();
    world.build(&a, &[]).assert_status(0);
    world.run(&b).assert_status(0);
    world.jailgen(&b, &["shell", "sh.jail", "-c", ":"]).assert_status(0);
    let nothing = world.jailgen(&a, &["gc", "--dry-run"]).assert_status(0).all();
    assert!(!nothing.contains("flake") && nothing.contains("plan"), "{nothing}");
    let broken = "(pkgs.runCommand \"broken\" { } \"exit 3\")";
    world.home.write("a/sh.jail", world.spec.replace("pkgs.coreutils", broken).as_bytes());
    world.build(&a, &[]).assert_status(1);
    world.home.write("a/sh.jail", world.spec.as_bytes());
    fs::remove_file(b.join("sh.jail")).unwrap();
    // Something under an unused name, and a command that jailgen has not made.
    let bin = world.home.path(".local/state/jailgen/bin");
    std::os::unix::fs::symlink("/nowhere", bin.join("theirs")).unwrap();
    let before = [world.state("flakes"), world.state("roots"), world.state("builds")];
    let told = world.jailgen(&a, &["gc", "--dry-run"]).assert_status(0).all();
    assert_eq!(before, [world.state("flakes"), world.state("roots"), world.state("builds")]);
    let done = world.jailgen(&a, &["gc"]).assert_status(0).all();
    assert_eq!(told.replace("would remove", "removed").replace("would be freed", "freed"), done);
    for what in [
        "removed flake ",
        ".failed (",
        "removed root ",
        "removed record ",
        "freed in",
        "of the Nix store",
    ] {
        assert!(done.contains(what), "{what}: {done}");
    }
    assert_eq!(world.list().len(), 1);
    assert_eq!(world.state("bin"), ["jailed-sh", "theirs"]);
    world.jailgen(&a, &["approve", "sh.jail"]).assert_status(0);
    let left = world.jailgen(&a, &["run", "sh.jail", "--", "-c", "echo in"]);
    assert_eq!(left.assert_status(0).stdout, "in\n");
    let again = world.jailgen(&a, &["gc"]).assert_status(0).all();
    assert!(!again.contains("removed "), "{again}");
}

#[test]
fn a_jail_that_is_called_like_a_command_in_path_is_linked_when_that_is_confirmed() {
    let Some(world) = World::new() else { return };
    let [a, _] = world.folders();
    let spec = |name: &str| world.spec.replace("jailed-sh", name);
    world.home.write("a/sh.jail", spec("cat").as_bytes());
    let refused = world.build(&a, &[]).assert_status(1).all();
    assert!(refused.contains("has the name of a command in PATH, `/"), "{refused}");
    assert!(refused.contains("`--shadow cat`") && world.state("bin").is_empty(), "{refused}");
    world.build(&a, &["--force"]).assert_status(1);
    world.build(&a, &["--shadow", "dog"]).assert_status(1);
    // What links nothing is not asked about.
    world.run(&a).assert_status(0);
    for (answer, linked) in [("n\n", false), ("y\n", true)] {
        let words = [&["build", "sh.jail"][..], &world.setup.overrides()].concat();
        let said = answered(plain(&world.command(&a, &words)), answer);
        assert!(said.contains("Link it as `cat` anyway? [y/N]"), "{said}");
        assert_eq!(world.state("bin").contains(&"cat".to_owned()), linked, "{said}");
    }
    // Confirmed is confirmed, for this spec and this name.
    world.build(&a, &[]).assert_status(0);
    world.home.write("a/sh.jail", spec("env").as_bytes());
    world.build(&a, &[]).assert_status(1);
    world.build(&a, &["--shadow", "env"]).assert_status(0);
    assert_eq!(world.state("bin"), ["env"]);
    // A file that is not a program is not a command.
    world.home.write("tools/mine", b"");
    world.home.write("a/sh.jail", spec("mine").as_bytes());
    let path = format!("{}:{}", world.home.path("tools").display(), std::env::var("PATH").unwrap());
    let words = [&["build", "sh.jail"][..], &world.setup.overrides()].concat();
    Outcome::of(&world.command(&a, &words).env("PATH", path).assert()).assert_status(0);
}

#[test]
fn a_build_that_failed_remembers_its_inputs() {
    let Some(world) = World::new() else { return };
    let [a, _] = world.folders();
    let broken = "(pkgs.runCommand \"broken\" { } \"exit 3\")";
    let spec = |part: &str| world.spec.replace("pkgs.coreutils", part);
    world.home.write("a/sh.jail", spec(broken).as_bytes());
    let failed = world.build(&a, &[]).assert_status(1).all();
    assert!(failed.contains("the next build takes `llm-agents`, `nixpkgs` from there"), "{failed}");
    let listed = world.jailgen(&a, &["list"]).stdout;
    assert!(listed.starts_with("A spec called `sh`, which was never built\n"), "{listed}");
    // Without them the real ones would be asked for, from a network that is not there.
    world.home.write("a/sh.jail", spec("pkgs.coreutils").as_bytes());
    world.jailgen(&a, &["approve", "sh.jail"]).assert_status(0);
    let run = |words: &[&str]| {
        world.jailgen(&a, &[&["run", "sh.jail"], words, &["--", "-c", "echo in"]].concat())
    };
    assert_eq!(run(&[]).assert_status(0).stdout, "in\n");
    let flakes = world.state("flakes");
    assert!(!flakes.iter().any(|name| name.ends_with(".failed")), "{flakes:?}");

    // What fails later leaves the last build to be run, and says so.
    world.home.write("other/flake.nix", b"{ outputs = inputs: { }; }");
    let other = format!("path:{}", world.home.path("other").display());
    let failed =
        world.jailgen(&a, &["build", "sh.jail", "--nixpkgs", &other]).assert_status(1).all();
    assert!(failed.contains("the next build takes `nixpkgs` from there"), "{failed}");
    let before = run(&[]).assert_status(0).all();
    assert!(
        before.contains("in\n") && before.contains("the build before the one that failed"),
        "{before}"
    );
    world.jailgen(&a, &["build", "sh.jail"]).assert_status(1);
    // Another one is another one.
    assert_eq!(run(&["--nixpkgs", &world.setup.nixpkgs]).assert_status(0).stdout, "in\n");
    assert!(!run(&[]).assert_status(0).all().contains("failed"));
}

#[test]
fn settings_do_not_stand_in_for_inputs_that_a_failed_build_was_given() {
    let Some(world) = World::new() else { return };
    let [a, _] = world.folders();
    world.home.write("other/flake.nix", b"{ outputs = inputs: { }; }");
    let other = format!("path:{}", world.home.path("other").display());
    world.jailgen(&a, &["config", "set", "override-input.nixpkgs", &other]).assert_status(0);
    let broken = "(pkgs.runCommand \"broken\" { } \"exit 3\")";
    let spec = world.spec.replace("pkgs.coreutils", broken);
    world.home.write("a/sh.jail", spec.as_bytes());
    world.build(&a, &[]).assert_status(1);
    // It fails a second time, and knows them still.
    world.jailgen(&a, &["build", "sh.jail"]).assert_status(1);
    world.home.write("a/sh.jail", world.spec.as_bytes());
    let built = world.jailgen(&a, &["build", "sh.jail"]);
    built.assert_status(0);
}

#[test]
fn what_is_no_input_cannot_be_updated() {
    let Some(world) = World::new() else { return };
    let [a, _] = world.folders();
    world.build(&a, &[]).assert_status(0);
    for (input, says) in [
        (
            "nosuch",
            "the input `nosuch` does not exist; there are `jailgen`, `llm-agents`, `nixpkgs`",
        ),
        ("llm-agents/nosuch", "the input `llm-agents/nosuch` does not exist"),
        ("no/such", "the input `no/such` does not exist"),
    ] {
        let refused = world.jailgen(&a, &["update", "sh.jail", input]).assert_status(1).all();
        assert!(refused.contains(says), "{refused}");
    }
}
