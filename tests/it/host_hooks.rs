//! Scripts on the host whose launch is ended from outside: what they began is
//! undone, whatever ended it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::Scratch;
use crate::real_nix::{has_user_namespaces, setup};

const SPEC: &str = r#"jail "hooked" pkgs.bashInteractive [
  (add-runtime ''KEPT=5; echo ready >"$HOME/ready"; [ -n "''${QUICK-}" ] || sleep 1000'')
  (add-cleanup ''echo "cleaned $KEPT" >"$HOME/cleaned"'')
]
"#;

/// Waits for a file to have content.
fn content(path: &Path) -> String {
    let begin = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if !text.is_empty() => return text,
            _ if begin.elapsed() > Duration::from_secs(30) => return String::new(),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Starts the jail, ends it by this signal once the file `ready` is there, and returns
/// what the cleanup has left.
fn ended(scratch: &Scratch, signal: &str, script: &str, quick: &str) -> String {
    let home = scratch.path("home");
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(home.join("project")).unwrap();
    let mut command = Command::new(scratch.path(".local/state/jailgen/bin/hooked"));
    command.args(["-c", script]).env("HOME", &home).env("QUICK", quick);
    command.current_dir(home.join("project")).stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    assert_eq!(content(&home.join("ready")), "ready\n", "{signal}");
    if !quick.is_empty() {
        // The payload says that it runs.
        let mut byte = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    assert!(!child.wait().unwrap().success(), "{signal}");
    content(&home.join("cleaned"))
}

#[test]
fn what_scripts_began_is_undone_whatever_ends_the_launch() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::with(&[("hooked.jail", SPEC)]);
    setup.build(&scratch, "hooked.jail");
    for signal in ["-TERM", "-INT", "-HUP", "-KILL"] {
        assert_eq!(ended(&scratch, signal, "true", ""), "cleaned 5\n", "before, {signal}");
    }
    for signal in ["-TERM", "-KILL"] {
        let script = "echo runs; sleep 1000";
        assert_eq!(ended(&scratch, signal, script, "1"), "cleaned 5\n", "during, {signal}");
    }
}

/// What runs on the host says which `tool` it has found, and where it was started.
const WAYS: &str = r#"jail "ways" pkgs.bashInteractive [
  mount-cwd
  (add-pkg-deps [ pkgs.coreutils ])
  open-urls-in-browser
  (add-runtime ''echo "before: $(tool) in $PWD" >>"$HOME/told"'')
  (jail-to-host-channel "ask" ''
    echo "channel: $(tool) in $PWD for $JAIL_PROJECT" >>"$HOME/told"
    echo "''${NODE_OPTIONS-} ''${VIRTUAL_ENV-} ''${PYTHONPATH-} ''${OLDPWD-}" >>"$HOME/variables"
  '')
  (add-cleanup ''echo "after: $(tool) in $PWD" >>"$HOME/told"'')
]
"#;

/// A home folder with a project, in which a jail has left programs under the
/// names of the host's own.
struct Planted<'a> {
    scratch: &'a Scratch,
    home: PathBuf,
    project: PathBuf,
}

impl<'a> Planted<'a> {
    fn new(scratch: &'a Scratch) -> Self {
        let (home, project) = (scratch.path("home"), scratch.path("home/project"));
        for folder in ["", "bin/", "node_modules/.bin/"] {
            for name in ["tool", "xdg-open"] {
                scratch.write(&format!("home/project/{folder}{name}"), PLANTED.as_bytes());
            }
        }
        scratch.write("home/bin/tool", b"#!/bin/sh\necho genuine\n");
        let opener =
            b"#!/bin/sh\necho \"browser: genuine in $PWD for $JAIL_PROJECT\" >>\"$HOME/told\"\n";
        scratch.write("home/bin/xdg-open", opener);
        symlink(&project, home.join("linked")).unwrap();
        symlink(&home, project.join("out")).unwrap();
        let programs = Command::new("chmod").args(["-R", "+x"]).arg(&home).status();
        assert!(programs.unwrap().success());
        Self { scratch, home, project }
    }

    fn path(&self, first: &str) -> String {
        format!("{first}:{}/bin:/usr/bin:/bin", self.home.display())
    }

    /// Runs a command in the project with `first` in front of PATH: what programs reported, and
    /// what was printed of errors.
    fn told(
        &self,
        program: &Path,
        script: &str,
        first: &str,
        variables: &[(&str, &str)],
    ) -> (String, String) {
        let told = self.home.join("told");
        let _ = fs::remove_file(&told);
        let mut command = Command::new(program);
        command.args(["-c", script]).current_dir(&self.project).stdin(Stdio::null());
        command.env("HOME", &self.home).env("PATH", self.path(first));
        command.env_remove("BROWSER").env_remove("XDG_STATE_HOME").envs(variables.iter().copied());
        let output = command.output().unwrap();
        let told = fs::read_to_string(told).unwrap_or_default();
        (told, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn jail(&self) -> PathBuf {
        self.scratch.path(".local/state/jailgen/bin/ways")
    }
}

const PLANTED: &str = "#!/bin/sh\necho planted; echo planted >>\"$HOME/told\"\n";

fn built(spec: &str, name: &str) -> Option<Scratch> {
    let setup = setup()?;
    if !has_user_namespaces() {
        return None;
    }
    let scratch = Scratch::with(&[(&format!("{name}.jail"), spec)]);
    let file = format!("{name}.jail");
    setup.build(&scratch, &file);
    Some(scratch)
}

#[test]
fn programs_on_the_host_are_not_found_where_a_jail_could_write() {
    let Some(scratch) = built(WAYS, "ways") else { return };
    let planted = Planted::new(&scratch);
    let (home, project) = (planted.home.display(), planted.project.display());
    let expected = format!(
        "before: genuine in {project}\nchannel: genuine in / for {project}\n\
         browser: genuine in / for {project}\nafter: genuine in {project}\n"
    );
    for first in [
        "",
        ".",
        "bin",
        "./node_modules/.bin",
        &format!("{project}/bin"),
        &format!("{project}/../project/bin"),
        // The user's own link into the project, and a link in the project that leads out for now.
        &format!("{home}/linked/bin"),
        &format!("{project}/out/project/bin"),
    ] {
        let control = planted.told(Path::new("/bin/sh"), "tool", first, &[]);
        assert_eq!(control.0, "planted\n", "`{first}`: outside it would have run");
        let script = "ask; xdg-open https://example.org";
        let (told, errors) = planted.told(&planted.jail(), script, first, &[]);
        assert_eq!(told, expected, "`{first}`: {errors}");
    }
}

#[test]
fn a_list_leads_past_no_place_where_the_jail_can_put_another_link() {
    let Some(scratch) = built(WAYS, "ways") else { return };
    let planted = Planted::new(&scratch);
    let project = planted.project.display();
    let jail = planted.jail().canonicalize().unwrap();
    let swap = "rm -rf result sub; mkdir -p deep/er result; cp -r bin result; ln -s deep/er sub";
    for (first, script) in [
        // Into the store, which is where a link of the project may lead; and past a
        // folder that can become one.
        ("result/bin", "ask"),
        ("sub/../../bin", "ask"),
    ] {
        let first = format!("{project}/{first}");
        let prepare = || {
            let _ = Command::new("rm")
                .args(["-rf", "result", "sub"])
                .current_dir(&planted.project)
                .status();
            symlink(jail.parent().unwrap().parent().unwrap(), planted.project.join("result"))
                .unwrap();
            fs::create_dir(planted.project.join("sub")).unwrap();
        };
        let script = format!("{swap}; {script}");
        prepare();
        let control = planted.told(Path::new("/bin/sh"), &format!("{swap}; tool"), &first, &[]);
        assert_eq!(control.0, "planted\n", "`{first}`: outside it would have run: {}", control.1);
        prepare();
        let (told, errors) = planted.told(&planted.jail(), &script, &first, &[]);
        assert!(
            told.contains("channel: genuine") && !told.contains("planted"),
            "`{first}`: {told} {errors}"
        );
    }
}

#[test]
fn a_browser_that_a_jail_could_have_written_is_not_started() {
    let Some(scratch) = built(WAYS, "ways") else { return };
    let planted = Planted::new(&scratch);
    let project = planted.project.display();
    let open = "xdg-open https://example.org";
    let opened = |program: &Path, script: &str, browser: &str| {
        planted.told(program, script, "", &[("BROWSER", browser)])
    };
    for browser in [
        "./xdg-open",
        "node_modules/.bin/xdg-open",
        &format!("{}/linked/xdg-open", planted.home.display()),
    ] {
        let outside = opened(Path::new("/bin/sh"), "$BROWSER x", browser);
        assert_eq!(outside.0, "planted\n", "{browser}");
        let (told, errors) = opened(&planted.jail(), open, browser);
        assert!(!told.contains("planted") && !told.contains("browser"), "{browser}: {told}");
        assert!(errors.contains("names no program outside of the project"), "{browser}: {errors}");
    }
    // A variable that leads into the project does not count; of a list the next entry does.
    for browser in [&format!("{project}/xdg-open"), "./xdg-open:xdg-open"] {
        let (told, _) = opened(&planted.jail(), open, browser);
        assert!(told.contains("browser: genuine in /") && !told.contains("planted"), "{told}");
    }
}

#[test]
fn handlers_get_no_variables_of_the_launcher_that_lead_into_the_project() {
    let Some(scratch) = built(WAYS, "ways") else { return };
    let planted = Planted::new(&scratch);
    let project = planted.project.display();
    let told = |script: &str, program: &Path| {
        let _ = fs::remove_file(planted.home.join("variables"));
        let options = format!("--require {project}/x.js");
        let python = format!("src::{project}/lib:/usr/lib");
        let virtual_env = format!("{project}/.venv");
        let variables = [
            ("NODE_OPTIONS", &*options),
            ("VIRTUAL_ENV", &virtual_env),
            ("PYTHONPATH", &python),
            ("OLDPWD", &virtual_env),
        ];
        planted.told(program, script, "", &variables);
        fs::read_to_string(planted.home.join("variables")).unwrap()
    };
    let control = "echo \"$NODE_OPTIONS $VIRTUAL_ENV $PYTHONPATH\" >>\"$HOME/variables\"";
    assert!(told(control, Path::new("/bin/sh")).contains("x.js"));
    assert_eq!(told("ask", &planted.jail()), "  /usr/lib \n");
}

/// What a script of a launch sees of the helper, and of what the launcher has open.
const HELPER: &str = r#"jail "helped" pkgs.bashInteractive [
  (add-runtime ''
    [ ! -e /proc/self/fd/9 ] || echo "leaked" >>"$HOME/told"
    readlink "/proc/$PPID/cwd" >>"$HOME/told" || echo hidden >>"$HOME/told"
  '')
  (set-env "LAUNCHERS" (noescape "\${PYTHONPATH:-}"))
]
"#;

#[test]
fn the_helper_has_nothing_that_it_does_not_need() {
    let Some(scratch) = built(HELPER, "helped") else { return };
    let planted = Planted::new(&scratch);
    let jail = scratch.path(".local/state/jailgen/bin/helped");
    let jail = jail.display();
    let python = [("PYTHONPATH", "src:/gone")];
    let run = |script: &str| planted.told(Path::new("/bin/sh"), script, "", &python);
    let control = run("exec 9</etc/passwd; sh -c '[ ! -e /proc/self/fd/9 ] || echo leaked >&2'");
    assert!(control.1.contains("leaked"));
    let script = format!("exec 9</etc/passwd; exec {jail} -c 'echo \"<$LAUNCHERS>\" >&2'");
    let (told, errors) = run(&script);
    // Who may look into every process may look into this one.
    let expected = if rustix::process::geteuid().is_root() { "/\n" } else { "hidden\n" };
    assert_eq!(told, expected, "{errors}");
    assert!(
        errors.contains("<src:/gone>"),
        "what no script has changed is the launcher's: {errors}"
    );
}

#[test]
fn programs_are_not_found_in_a_tree_that_another_launch_was_given() {
    let Some(scratch) = built(WAYS, "ways") else { return };
    let planted = Planted::new(&scratch);
    let other = planted.home.join("other");
    scratch.write("home/other/bin/tool", PLANTED.as_bytes());
    let all = Command::new("chmod").args(["-R", "+x"]).arg(&other).status();
    assert!(all.unwrap().success());
    let first = other.join("bin").display().to_string();
    let told = || planted.told(&planted.jail(), "ask", &first, &[]).0;
    assert!(told().contains("before: planted"), "control: no jail was ever given it");
    let mut launch = Command::new(planted.jail());
    launch.args(["-c", "true"]).current_dir(&other).env("HOME", &planted.home);
    launch.env("PATH", planted.path("/usr/bin")).env_remove("XDG_STATE_HOME");
    assert!(launch.output().unwrap().status.success());
    let told = told();
    assert!(told.contains("before: genuine") && !told.contains("planted"), "{told}");
}

/// A launch whose script takes its time: meanwhile another one is started,
/// whose jail plants a link.
const SLOW: &str = r#"jail "slow" pkgs.bashInteractive [
  mount-cwd
  (state-dir (noescape "~/linked/agent"))
  (add-runtime ''
    [ -n "''${INNER-}" ] || [ -z "''${OTHER-}" ] || { cd "$OTHER"; INNER=1 "$JAIL" -c "ln -s $HOME/keys cache"; }
  '')
  (try-readonly (noescape "~/other/cache"))
]
"#;

#[test]
fn a_link_that_was_planted_while_a_script_ran_is_not_followed() {
    let Some(scratch) = built(SLOW, "slow") else { return };
    let planted = Planted::new(&scratch);
    scratch.write("home/keys/id", b"secret");
    fs::create_dir(planted.home.join("other")).unwrap();
    let jail = scratch.path(".local/state/jailgen/bin/slow");
    let (name, other) = (jail.display().to_string(), planted.home.join("other"));
    let other = other.display().to_string();
    let script = format!("cat {other}/cache/id >&2");
    let variables = [("JAIL", &*name), ("OTHER", &*other)];
    let errors = planted.told(&jail, &script, "", &variables).1;
    assert!(errors.contains("is a symbolic link in a folder that a jail could write"), "{errors}");
    assert!(!errors.contains("secret"), "{errors}");
}
