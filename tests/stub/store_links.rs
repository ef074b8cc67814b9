//! What links and settings of a program's state lead to in the Nix store: it is there with what it
//! needs, and it can be executed only where the spec says so and the jail could not have made the
//! link.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jail_plan::git::COPIES;
use jail_plan::{Access, HostText, InsideOp, PrivateCopies};

use crate::jail::{Caller, Jail, bind, callers, expand, literal, skipped};
use crate::private::{becomes, own};

/// A program that needs another path of the store, and settings that name it.
const EXPRESSION: &str = r##"let
  note = builtins.toFile "note.md" "noted";
in derivation {
  name = "hooks";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" ''
    PATH=/bin:/usr/bin; mkdir -p $out/bin $out/skill
    printf '#!/bin/sh\nread -r line <${note}; echo "$line"; echo hooked\n' >$out/bin/hook
    chmod 755 $out/bin/hook
    echo "{\"command\": \"$out/bin/hook\", \"see\": \"@${note}\"}" >$out/settings.json
    ln -s ${note} $out/skill/note.md
  '' ];
}"##;

/// Builds it: where it is in the store.
fn hooks() -> Option<PathBuf> {
    build(EXPRESSION)
}

fn build(expression: &str) -> Option<PathBuf> {
    let options = ["--no-out-link", "--option", "sandbox", "false", "--option", "substituters", ""];
    let mut nix = Command::new("nix-build");
    nix.args(options).args(["--option", "build-users-group", "", "-E", expression]);
    let made = nix.stderr(Stdio::null()).output().ok()?;
    let path = String::from_utf8(made.stdout).ok()?;
    made.status.success().then(|| PathBuf::from(path.trim()))
}

/// A Nix daemon with a socket of its own, for users who may not read Nix's records.
struct Daemon {
    process: Child,
    folder: tempfile::TempDir,
}

impl Daemon {
    fn start() -> Self {
        let folder = crate::jail::shared_folder();
        let socket = folder.path().join("socket");
        let mut nix = Command::new("nix");
        nix.args(["--extra-experimental-features", "nix-command", "daemon"]);
        nix.env("NIX_DAEMON_SOCKET_PATH", &socket).stderr(Stdio::null()).stdin(Stdio::null());
        let process = nix.spawn().expect("a daemon");
        becomes("the daemon's socket is there", || socket.exists());
        Self { process, folder }
    }

    /// Where the socket is on every machine.
    const PLACE: &str = "/nix/var/nix/daemon-socket";
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the jail where its caller can ask Nix, through the daemon if there is one.
fn asking(jail: &Jail, daemon: Option<&Daemon>, script: &str) -> (Option<i32>, String, String) {
    // A launch needs few descriptors, however many paths of the store the jail has.
    let limited = "ulimit -Sn 128; exec \"$@\"";
    let mut command = jail.command("sh");
    command.args(["-euc", limited, "sh"]).arg(jail.wrapper());
    if let (Some(daemon), Some(uid)) = (daemon, jail.caller.uid) {
        let place = Daemon::PLACE;
        let bind = format!("mount --bind {} {place}", daemon.folder.path().display());
        command = Command::new("unshare");
        command.args(["--mount", "sh", "-euc", &format!("{bind}; {limited}"), "sh", "setpriv"]);
        command.args(["--clear-groups", &format!("--reuid={uid}")]);
        command.arg(format!("--regid={uid}")).arg(jail.wrapper());
        command.current_dir(jail.project()).env_clear().stdin(Stdio::null());
        command.env("HOME", jail.home()).env("PATH", std::env::var_os("PATH").expect("PATH"));
        command.env("XDG_STATE_HOME", jail.folder.path().join("state"));
    }
    let ran = command.args(["-c", script]).process_group(0).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

/// A jail without the store, with an agent's state that links lead out of into the store.
fn linked(caller: Caller, hooks: &Path) -> Jail {
    let jail = Jail::new(caller);
    let made = format!(
        "mkdir -p ~/.agent/hooks; cd ~/.agent; ln -s {0}/settings.json settings.json; ln -s {0}/skill skills
        ln -s {0}/bin/hook hooks/start; ln -s {0}/bin/hook planted",
        hooks.display()
    );
    assert_eq!(jail.outside_sh(&made).code, Some(0));
    own(&jail.home(), caller);
    let (state, home) = (jail.home().join(".agent"), jail.home().display().to_string());
    let (to, folder) = (literal(COPIES), expand("~/.agent"));
    let names = ["settings.json", "skills/", "hooks/"].map(String::from).to_vec();
    let is_store = |op: &InsideOp| matches!(op, InsideOp::Bind(it) if it.to == HostText::Literal("/nix/store".into()));
    jail.change(|plan| plan.inside.retain(|step| !is_store(&step.op)))
        .op(bind(state, Access::ReadWrite))
        .set("HOME", &home)
        .op(InsideOp::PrivateCopies(PrivateCopies { to, folder, names }))
}

/// Whether a caller can ask Nix here, and by which daemon.
fn daemon_for(caller: Caller) -> Result<Option<Daemon>, ()> {
    if caller.uid.is_some() {
        fs::create_dir_all(Daemon::PLACE).expect("a place for the socket");
        return Ok(Some(Daemon::start()));
    }
    match caller.is_root() || Path::new(Daemon::PLACE).join("socket").exists() {
        true => Ok(None),
        false => Err(()),
    }
}

/// What the settings say, and what it leads to: the note, the skill, and the program of the hook.
const READ: &str = "set -e; cd ~/.agent; grep -q command settings.json
    note=$(sed 's/.*@//; s/\".*//' settings.json); cat $note; echo; cat skills/note.md; echo
    hook=$(sed 's/.*command\": \"//; s/\".*//' settings.json); test -r $hook; sh $hook; test ! -x hooks/start";
const RUN: &str = "$(sed 's/.*command\": \"//; s/\".*//' ~/.agent/settings.json)";

#[test]
fn what_links_lead_to_is_there_with_what_it_needs_and_cannot_be_executed() {
    for caller in callers() {
        let Some(hooks) = hooks() else { return skipped("nix", "nothing can be built") };
        let jail = linked(caller, &hooks);
        let Ok(daemon) = daemon_for(caller) else {
            let (code, _, said) = asking(&jail, None, "cat ~/.agent/skills/note.md");
            assert_eq!(code, Some(0), "{said}");
            assert!(
                said.contains("because Nix does not say what that needs: `/nix/store/"),
                "{said}"
            );
            continue;
        };
        let run = |jail: &Jail, script: &str| asking(jail, daemon.as_ref(), script);
        let (_, read, said) = run(&jail, READ);
        assert_eq!((&*read, &*said), ("noted\nnoted\nnoted\nhooked\n", ""));
        // It is a link as any other where sessions share it.
        let (_, read, _) = run(&jail, "sh ~/.agent/planted");
        assert_eq!(read, "noted\nhooked\n");
        for script in [
            RUN,
            "~/.agent/planted",
            "~/.agent/hooks/start",
            "echo x >$(readlink ~/.agent/planted)",
        ] {
            let (code, ran, said) = run(&jail, script);
            assert!(code != Some(0) && ran.is_empty(), "{script}: {ran} {said}");
        }
        // Of the store, the rest is not there. The control is outside.
        let count = "ls /nix/store | wc -l";
        let (_, inside, _) = run(&jail, count);
        assert_eq!(inside, "2\n");
        assert_ne!(jail.outside_sh(count).stdout, "2\n");
        jail.outside_sh(&format!("{}/bin/hook", hooks.display())).prints("noted\nhooked");
        // The next launch has the answers of this one.
        let kept = fs::read_dir(jail.folder.path().join("state/jailgen/handoff/closures"));
        assert_eq!(kept.expect("answers").count(), 2);
    }
}

#[test]
fn follow_links_is_about_what_the_jail_cannot_change() {
    for caller in callers() {
        let Some(hooks) = hooks() else { return skipped("nix", "nothing can be built") };
        let Ok(daemon) = daemon_for(caller) else { continue };
        let run = |jail: &Jail, script: &str| asking(jail, daemon.as_ref(), script);
        let jail = linked(caller, &hooks).op(InsideOp::FollowLinks);
        let (_, ran, said) = run(&jail, RUN);
        assert_eq!((&*ran, &*said), ("noted\nhooked\n", ""));
        // What only a planted link leads to is as without it.
        jail.outside_sh("rm -r ~/.agent/settings.json ~/.agent/hooks; rm ~/.agent/skills")
            .prints("");
        let (code, ran, said) = run(&jail, "sh ~/.agent/planted && ~/.agent/planted");
        assert!(code != Some(0) && ran == "noted\nhooked\n", "{code:?} {ran} {said}");
    }
}

/// A store path with a member for each of these, which the builder of its own makes. The words
/// are Nix: `one NAME SCRIPT`.
fn with_members(members: &str) -> Option<PathBuf> {
    let expression = format!(
        r##"let
  one = name: script: derivation {{
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" "PATH=/bin:/usr/bin; ${{script}}" ];
  }};
  members = {members};
in one "members" "mkdir $out; ${{toString (map (member: "ln -s ${{member}} $out/;") members)}}""##
    );
    build(&expression)
}

/// A jail with a planted link to a path of the store.
fn planted(caller: Caller, to: &Path) -> Jail {
    let jail = linked(caller, to);
    let made = format!("cd ~/.agent; rm -r *; ln -s {} planted", to.display());
    assert_eq!(jail.outside_sh(&made).code, Some(0));
    own(&jail.home(), caller);
    jail
}

#[test]
fn a_link_in_the_store_that_leads_out_of_it_shows_nothing_of_there() {
    let outside = crate::jail::shared_folder();
    let secret = outside.path().join("secret");
    fs::write(&secret, "a secret").expect("a secret");
    fs::create_dir(outside.path().join("folder")).expect("a folder");
    fs::write(outside.path().join("folder/key"), "a secret").expect("a secret");
    let at = outside.path().display();
    let members = format!(
        r#"[ (one "leak" "ln -s {at}/secret $out") (one "way" "ln -s {at}/folder $out")
             (one "dangling" "ln -s {at}/none $out") (builtins.toFile "note.md" "noted")
             (one "near" "ln -s ${{builtins.toFile "note.md" "noted"}} $out") ]"#
    );
    for caller in callers() {
        let Some(members) = with_members(&members) else {
            return skipped("nix", "nothing can be built");
        };
        let Ok(daemon) = daemon_for(caller) else { continue };
        let jail = planted(caller, &members);
        let run = |script: &str| asking(&jail, daemon.as_ref(), script);
        let all = "cd ~/.agent/planted; cat *-note.md *-near; echo";
        let (code, read, said) = run(all);
        assert_eq!((code, &*read), (Some(0), "notednoted\n"), "{said}");
        assert!(said.contains("links that lead out of it"), "{said}");
        for script in ["cat *-leak", "cat *-way/key", "ls *-way/", "cat /nix/store/*-leak"] {
            let script = format!("cd ~/.agent/planted && {script}");
            let (code, read, said) = run(&script);
            assert!(code != Some(0) && !read.contains("secret"), "{script}: {read} {said}");
            assert_ne!(code, Some(125), "{said}");
        }
        // The control: outside, they lead there.
        jail.outside_sh("cat ~/.agent/planted/*-leak ~/.agent/planted/*-way/key")
            .prints("a secreta secret");
    }
}

/// How many members the large paths have.
const MANY: usize = 400;

#[test]
fn more_paths_than_descriptors_stop_no_launch_and_their_number_is_bounded() {
    let many = |from: usize| {
        let number =
            "builtins.genList (n: builtins.toFile \"many-${toString (n + START)}\" \"x\") COUNT";
        number.replace("START", &from.to_string()).replace("COUNT", &MANY.to_string())
    };
    for caller in callers() {
        let paths: Option<Vec<_>> =
            (0..3).map(|part| with_members(&format!("({})", many(part * MANY)))).collect();
        let Some(paths) = paths else { return skipped("nix", "nothing can be built") };
        let Ok(daemon) = daemon_for(caller) else { continue };
        let run = |jail: &Jail, script: &str| asking(jail, daemon.as_ref(), script);
        let jail = planted(caller, &paths[0]);
        let count = "ls /nix/store | grep -c many-";
        let (code, read, said) = run(&jail, count);
        assert_eq!((code, &*read, &*said), (Some(0), "400\n", ""));
        // Each is there with all that it needs, or not at all; what settings name comes first.
        let more = format!(
            "cd ~/.agent; rm planted; ln -s {} a; ln -s {} b; echo '\"{}\"' >settings.json",
            paths[0].display(),
            paths[1].display(),
            paths[2].display()
        );
        assert_eq!(jail.outside_sh(&more).code, Some(0));
        own(&jail.home(), caller);
        let (code, read, said) = run(&jail, count);
        assert_eq!((code, &*read), (Some(0), "800\n"), "{said}");
        assert!(said.contains("1,024 paths"), "{said}");
        let (code, _, said) = run(&jail, &format!("test -e {}", paths[2].display()));
        assert_eq!(code, Some(0), "{said}");
    }
}

#[test]
fn follow_links_is_not_about_what_lies_next_to_a_program() {
    for caller in callers() {
        let Some(hooks) = hooks() else { return skipped("nix", "nothing can be built") };
        let Ok(daemon) = daemon_for(caller) else { continue };
        let jail = planted(caller, &hooks.join("bin/hook")).op(InsideOp::FollowLinks);
        let run = |script: &str| asking(&jail, daemon.as_ref(), script);
        // An earlier jail made the links, in the state folder and in folders of what it loads.
        for made in ["", "mkdir lib; mv planted lib; ln -s lib/planted planted"] {
            let settings = "echo '{\"line\": \"~/.agent/line.sh\"}' >settings.json";
            let line = "echo 'echo line' >line.sh; chmod 755 line.sh";
            let made = format!("cd ~/.agent; {settings}; {line}; {made}");
            assert_eq!(jail.outside_sh(&made).code, Some(0));
            own(&jail.home(), caller);
            let (code, ran, said) = run("sh ~/.agent/planted && ~/.agent/planted");
            assert!(code != Some(0) && ran == "noted\nhooked\n", "{code:?} {ran} {said}");
        }
        // The control: settings name it.
        let named = "cd ~/.agent; rm planted; mv lib/planted .; echo '{\"line\": \"~/.agent/planted\"}' >settings.json";
        assert_eq!(jail.outside_sh(named).code, Some(0));
        own(&jail.home(), caller);
        let (_, ran, said) = run("~/.agent/planted");
        assert_eq!(ran, "noted\nhooked\n", "{said}");
    }
}
