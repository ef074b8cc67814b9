//! What a hostile layer, a changed project and a kill at any moment do.

use std::fs::{self};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{XattrFlags, lsetxattr};

use crate::world::{World, helper, worlds};

/// Gives a path of a layer an attribute that a payload cannot set, but a program that can write
/// there could.
fn mark(path: &Path, name: &str, value: &[u8]) {
    lsetxattr(path, name, value, XattrFlags::empty()).unwrap();
}

#[test]
fn a_hostile_layer_reaches_nothing_outside_and_gives_no_rights() {
    for world in worlds() {
        world.write("d/in", "base\n");
        world.write("victim", "base\n");
        symlink(world.path("outside"), world.project("out")).unwrap();
        world.record();
        // A link in the place of a folder, and a folder in the place of a link that leads out of
        // the project.
        symlink(world.path("outside"), world.upper("d")).unwrap();
        fs::create_dir(world.upper("out")).unwrap();
        fs::write(world.upper("out/secret"), "overwritten").unwrap();
        // What no stage has.
        for (name, attribute) in [
            ("redirected", "user.overlay.redirect"),
            ("metacopy", "user.overlay.metacopy"),
            ("victim", "user.overlay.whiteout"),
        ] {
            fs::write(world.upper(name), "").unwrap();
            mark(&world.upper(name), attribute, b"/outside/secret");
        }
        fs::create_dir(world.upper("moved")).unwrap();
        mark(&world.upper("moved"), "user.overlay.redirect", b"/outside");
        // Whiteouts as files, where the folder says so.
        world.write("marked/in", "base\n");
        world.record();
        fs::create_dir(world.upper("marked")).unwrap();
        mark(&world.upper("marked"), "user.overlay.opaque", b"x");
        fs::write(world.upper("marked/in"), "").unwrap();
        mark(&world.upper("marked/in"), "user.overlay.whiteout", b"");
        // Bits, special files, and names.
        fs::write(world.upper("suid"), "s").unwrap();
        fs::set_permissions(world.upper("suid"), fs::Permissions::from_mode(0o6755)).unwrap();
        mark(&world.upper("suid"), "user.own", b"1");
        let odd = std::ffi::OsStr::from_bytes(b"odd\n\x1b]0;x\x07\xff");
        fs::write(world.path("upper/p").join(odd), "\x1b[2J").unwrap();
        let fifo = Command::new("mkfifo").arg(world.upper("pipe")).status().unwrap();
        assert!(fifo.success());
        let _socket = std::os::unix::net::UnixListener::bind(world.upper("socket")).unwrap();
        let mut deep = world.upper("deep");
        for _ in 0..300 {
            deep.push("d");
        }
        fs::create_dir_all(&deep).unwrap();
        fs::write(world.upper("closed"), "c").unwrap();
        fs::set_permissions(world.upper("closed"), fs::Permissions::from_mode(0o000)).unwrap();

        for form in ["summary", "diff", "json"] {
            let shown = world.shown(form);
            assert!(!shown.contains(['\x1b', '\x07']), "{form}: {shown}");
        }
        let said = world.apply("+", &[]);
        assert_eq!(fs::read_to_string(world.path("outside/secret")).unwrap(), "secret");
        assert_eq!(world.listing("outside"), ["secret 644 secret"]);
        assert_eq!(world.read("victim"), "base\n");
        for name in ["redirected", "metacopy", "moved", "pipe", "socket"] {
            assert!(fs::symlink_metadata(world.project(name)).is_err(), "{name}: {said}");
        }
        assert!(!world.project("marked/in").exists(), "{said}");
        let suid = fs::metadata(world.project("suid")).unwrap();
        assert_eq!(suid.permissions().mode() & 0o7777, 0o755);
        let mut value = [0; 8];
        assert!(rustix::fs::lgetxattr(world.project("suid"), "user.own", &mut value).is_err());
        // The folder took the place of the link, which no program had changed.
        let out = fs::symlink_metadata(world.project("out")).unwrap();
        assert!(out.is_dir(), "{said}");
        assert_eq!(fs::read_link(world.project("d")).unwrap(), world.path("outside"));
        for part in ["it is too deep", "without their set-user-id", "pipe: a pipe"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // However deep and however closed, it can be thrown away.
        let dropped = world.helper("drop", "", &[]);
        assert!(dropped.status.success(), "{}", String::from_utf8_lossy(&dropped.stderr));
        assert_eq!(world.listing("upper/p"), Vec::<String>::new());
    }
}

#[test]
fn a_link_that_appears_in_the_project_is_not_followed() {
    for world in worlds() {
        world.write("d/f", "base\n");
        world.write("e/f", "base\n");
        world.record();
        world.jail("echo stage >d/f; rm e/f; echo new >d/secret; echo more >e/secret");
        for name in ["d", "e"] {
            fs::rename(world.project(name), world.path("was").join(name)).unwrap_or_else(|_| {
                fs::create_dir_all(world.path("was")).unwrap();
                fs::rename(world.project(name), world.path("was").join(name)).unwrap();
            });
            symlink(world.path("outside"), world.project(name)).unwrap();
        }
        let said = world.apply("+", &[]);
        assert_eq!(world.listing("outside"), ["secret 644 secret"], "{said}");
        assert_eq!(fs::read_link(world.project("d")).unwrap(), world.path("outside"));
        assert_eq!(world.read("d.jailgen-theirs/secret"), "new\n");
    }
}

#[test]
fn a_record_of_another_version_stops_what_it_cannot_judge() {
    for world in worlds() {
        world.record();
        world.jail("echo one >f");
        fs::write(world.path("base/p/manifest"), "jailgen-stage-base 2\n").unwrap();
        let said = world.refusal("changes", "summary", &[]);
        assert!(said.contains("another version"), "{said}");
    }
}

/// The names of files that an application makes for itself.
fn temporaries(world: &World) -> Vec<String> {
    let all = world.listing("project");
    all.into_iter().filter(|name| name.contains(".jailgen-apply-")).collect()
}

#[test]
fn an_application_that_is_killed_leaves_each_file_old_or_new_and_the_next_one_finishes() {
    let rounds = std::env::var("STAGE_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(20);
    for world in worlds() {
        let mut killed = 0;
        for round in 0..rounds {
            let (old, new) = (format!("old {round}\n"), format!("new {round}\n"));
            for file in 0..150 {
                world.write(&format!("d{}/f{file}", file % 7), &old);
            }
            world.write("gone/x", &old);
            world.record();
            world.jail(&format!(
                "for f in d*/f*; do echo new {round} >$f; done; rm -r gone; mkdir -p m{round}; echo new {round} >m{round}/f"
            ));
            let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
            let mut child = world.command("apply", &digest, &[]).spawn().unwrap();
            sleep(Duration::from_micros(500 + 1500 * (round % 20)));
            child.kill().unwrap();
            killed += usize::from(!child.wait().unwrap().success());
            for file in 0..150 {
                let text = world.read(&format!("d{}/f{file}", file % 7));
                assert!(text == old || text == new, "round {round}: {text}");
            }
            let said = world.apply("", &[]);
            for file in 0..150 {
                assert_eq!(world.read(&format!("d{}/f{file}", file % 7)), new, "{said}");
            }
            assert_eq!(world.read(&format!("m{round}/f")), new);
            assert!(!world.project("gone").exists(), "{said}");
            assert_eq!(temporaries(&world), Vec::<String>::new(), "{said}");
            assert_eq!(world.listing("upper/p"), Vec::<String>::new(), "{said}");
        }
        assert!(killed > 0, "no application was killed");
    }
}

#[test]
fn a_jail_that_hides_what_it_has_written_gets_no_later_state_recorded_as_its_own() {
    for world in worlds() {
        world.write("d/f", "base\n");
        world.record();
        world.jail("echo stage >d/f");
        // No right to look into the folder while the next jail begins: of an ordinary user's only.
        fs::set_permissions(world.upper("d"), fs::Permissions::from_mode(0o600)).unwrap();
        world.write("d/f", "mine\n");
        world.record();
        fs::set_permissions(world.upper("d"), fs::Permissions::from_mode(0o755)).unwrap();
        world.apply("", &[]);
        assert_eq!(world.read("d/f"), "mine\n");
        assert_eq!(world.read("d/f.jailgen-theirs"), "stage\n");
    }
}

#[test]
fn a_jail_whose_record_was_never_written_is_not_taken_to_have_seen_what_is_there_now() {
    for world in worlds() {
        world.write("f", "base\n");
        world.record();
        world.jail("echo stage >f");
        fs::remove_file(world.path("base/p/manifest")).unwrap();
        world.write("f", "mine\n");
        world.record();
        world.apply("", &[]);
        assert_eq!(world.read("f"), "mine\n");
        assert_eq!(world.read("f.jailgen-theirs"), "stage\n");
    }
}

#[test]
fn folders_that_the_jail_has_closed_stop_nothing_else() {
    for world in worlds() {
        world.write("read/in", "base\n");
        world.write("shut/in", "base\n");
        world.record();
        world.jail(
            "echo r >read/in; echo p >plain; mkdir fixed own; echo x >fixed/x; echo o >own/o; echo y >shut/in; \
             echo z >shut/z; rm plain; echo p >plain",
        );
        for (name, mode) in [("read", 0o555), ("fixed", 0o555), ("shut", 0o600), ("own", 0o600)] {
            fs::set_permissions(world.upper(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let is_root = rustix::process::geteuid().is_root();
        let changes = world.changes();
        let is_left = |name: &str| changes.contains(&(name.into(), "left alone".into()));
        assert_eq!((is_left("shut"), is_left("own")), (!is_root, !is_root), "{changes:?}");
        if !is_root {
            let said = world.refusal("drop", "", &["shut/in"]);
            assert!(said.contains("`shut/in`: "), "{said}");
        }
        let said = world.apply("", &[]);
        for (name, text) in [("read/in", "r\n"), ("plain", "p\n"), ("fixed/x", "x\n")] {
            assert_eq!(world.read(name), text, "{said}");
        }
        if !is_root {
            assert_eq!(world.read("shut/in"), "base\n", "{said}");
            assert!(!world.project("own").exists(), "{said}");
            assert!(said.contains("  shut: what is in it cannot be looked at"), "{said}");
            let mut left: Vec<_> =
                fs::read_dir(world.upper("")).unwrap().map(|it| it.unwrap().file_name()).collect();
            left.sort();
            assert_eq!(left, ["own", "shut"], "{said}");
        }
        let dropped = world.helper("drop", "", &[]);
        assert!(dropped.status.success(), "{}", String::from_utf8_lossy(&dropped.stderr));
        assert_eq!(world.listing("upper/p"), Vec::<String>::new());
    }
}

#[test]
fn what_is_executed_is_named_however_much_else_there_is() {
    for world in worlds() {
        world.record();
        world.jail(
            "mkdir .githooks .vscode; for i in $(seq 150); do echo x >tool$i; chmod 755 tool$i; echo y >plain$i; done; \
             echo z >zz.envrc; echo z >.envrc; echo t >.vscode/tasks.json",
        );
        let summary = world.shown("summary");
        for name in [".envrc", "tool1", "tool150", "tasks.json"] {
            assert!(summary.contains(&format!("new        {name}  ")), "{name}: {summary}");
        }
        assert!(
            summary.contains("and 133 more, none of which programs outside execute"),
            "{summary}"
        );
        let said = world.apply("", &[]);
        let at = |part: &str| said.find(part).unwrap_or_else(|| panic!("{part}: {said}"));
        assert!(at("  .vscode/tasks.json: ") < at("  tool1: "), "{said}");
        assert!(at("  .envrc: ") < at("  tool150: "), "{said}");
    }
}

#[test]
fn what_a_program_of_the_host_writes_meanwhile_is_not_lost() {
    for world in worlds() {
        for round in 0..30 {
            for file in 0..40 {
                world.write(&format!("f{file}"), &format!("base {round}\n"));
            }
            world.record();
            world.jail(&format!("for f in f*; do echo stage {round} >$f; done"));
            let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
            let mut child = world
                .command("apply", &digest, &[])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            sleep(Duration::from_micros(2000 + 700 * round));
            // As an editor does: the whole file, in the place of the one before.
            let mine = format!("mine {round}\n");
            for file in 0..40 {
                let path = world.project(&format!("f{file}"));
                let own = world.project(&format!("own{file}"));
                fs::write(&own, &mine).unwrap();
                fs::rename(&own, &path).unwrap();
            }
            child.wait().unwrap();
            for file in 0..40 {
                let text = world.read(&format!("f{file}"));
                assert!(text == mine, "round {round}, f{file}: {text}");
            }
            assert_eq!(temporaries(&world), Vec::<String>::new());
            assert!(world.helper("drop", "", &[]).status.success());
        }
    }
}

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    for world in worlds() {
        world.write("big", "base\n");
        world.write("small", "base\n");
        world.record();
        world.jail("head -c 3000000 /dev/urandom >big; echo stage >small; echo n >n");
        // The same project on a file system that is too small for it.
        let script = r#"mount -t tmpfs -o size=1m none "$5"; cp -a "$2"/project/. "$5"
            digest=$("$1" stage changes "$2" p "$5" json | sed -n 's/.*"digest": "\(.*\)",/\1/p')
            "$1" stage apply "$2" p "$5" "$digest"; echo "status $?"; ls -A "$5"; cat "$5"/small "$5"/big; ls "$2/base/p""#;
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.arg(helper()).arg(world.path("")).args(["", ""]).arg(world.path("merged"));
        let output = command.output().unwrap();
        let (said, error) = (text(&output.stdout), text(&output.stderr));
        assert!(error.contains("nothing was applied"), "{said}{error}");
        assert_eq!(
            said, "status 1\nbig\nsmall\nbase\nbase\nbegun\nmanifest\nreferences\n",
            "{error}"
        );
        world.apply("", &[]);
        assert_eq!(world.read("small"), "stage\n");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
