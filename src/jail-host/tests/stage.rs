//! Stages over real overlays, of a disk and of memory: what is shown, applied and dropped, and what a hostile layer cannot do.
#![expect(clippy::disallowed_methods, reason = "the tests start the helper and shells")]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "these are tests, whose helpers clippy does not know for such"
)]

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{FlockOperation, XattrFlags, flock, lsetxattr};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// A disk, and memory.
const PLACES: [&str; 2] = ["/tmp", "/dev/shm"];

/// A project, a stage over it, and something outside of both.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new(place: &str) -> Self {
        let folder = tempfile::tempdir_in(place).unwrap();
        for name in ["project", "upper/p", "work/p", "base/p", "merged", "outside"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("outside/secret"), "secret").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn project(&self, name: &str) -> PathBuf {
        self.path("project").join(name)
    }

    fn upper(&self, name: &str) -> PathBuf {
        self.path("upper/p").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.project(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project(name)).unwrap_or_else(|error| format!("{error}"))
    }

    /// Records the project, as it is done next to a jail that is started.
    fn record(&self) {
        // What is there is older than the launch.
        sleep(Duration::from_millis(30));
        let _ = fs::remove_file(self.path("seen"));
        let before = fs::metadata(self.path("base/p/manifest")).map(|data| data.ino()).ok();
        let mut recorder = self.start_recorder();
        let is_written = || {
            let now = fs::metadata(self.path("base/p/manifest")).map(|data| data.ino()).ok();
            now.is_some() && now != before
        };
        for _ in 0..500 {
            if is_written() {
                break;
            }
            sleep(Duration::from_millis(10));
        }
        assert!(is_written(), "the project was not recorded");
        std::io::Write::write_all(&mut recorder.1, b"e").unwrap();
        assert!(recorder.0.wait().unwrap().success());
    }

    fn start_recorder(&self) -> (Child, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let folder = File::open(self.path("project")).unwrap();
        fcntl_setfd(&theirs, FdFlags::empty()).unwrap();
        fcntl_setfd(&folder, FdFlags::empty()).unwrap();
        // As the stub does: by the clock that ticks.
        let since = clock_gettime(ClockId::RealtimeCoarse);
        let mut command = Command::new(helper());
        command.arg("stage-record").arg(theirs.as_raw_fd().to_string());
        command.arg(folder.as_raw_fd().to_string());
        command.arg(format!("{}.{}", since.tv_sec, since.tv_nsec));
        command.args([self.path(""), self.path("upper/p"), self.path("base/p")]);
        (command.spawn().unwrap(), ours)
    }

    /// Runs a script of the payload's in the merged folder.
    fn jail(&self, script: &str) {
        let mount = "mount -t overlay overlay -o userxattr,lowerdir=$1,upperdir=$2,workdir=$3 $4 && cd $4 && eval \"$5\"";
        let places = ["project", "upper/p", "work/p", "merged"].map(|name| self.path(name));
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", mount, "sh"]);
        let output = command.args(places).arg(script).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, mode: &str, word: &str, paths: &[&str]) -> Command {
        let mut command = Command::new(helper());
        command.args(["stage", mode]).arg(self.path("")).arg("p").arg(self.path("project"));
        command.arg(word).args(paths);
        command
    }

    fn helper(&self, mode: &str, word: &str, paths: &[&str]) -> Output {
        self.command(mode, word, paths).output().unwrap()
    }

    fn shown(&self, form: &str) -> String {
        let output = self.helper("changes", form, &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, paths: &[&str]) -> Value {
        let output = self.helper("changes", "json", paths);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Each path and what is said of it.
    fn changes(&self) -> Vec<(String, String)> {
        let all = self.json(&[]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = all["changes"].as_array().unwrap().iter();
        let mut all: Vec<_> = all.map(|it| (text(&it["path"]), text(&it["change"]))).collect();
        all.sort();
        all
    }

    /// Applies, with what host programs execute where the word is `+`.
    fn apply(&self, word: &str, paths: &[&str]) -> String {
        let digest = self.json(paths)["digest"].as_str().unwrap().to_owned();
        let output = self.helper("apply", &format!("{digest}{word}"), paths);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refusal(&self, mode: &str, word: &str, paths: &[&str]) -> String {
        let output = self.helper(mode, word, paths);
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// All paths of a folder with what is there, sorted.
    fn listing(&self, folder: &str) -> Vec<String> {
        let mut all = Vec::new();
        list(&self.path(folder), &self.path(folder), &mut all);
        all.sort();
        all
    }
}

fn list(root: &Path, folder: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if kind.is_dir() {
            all.push(format!("{name}/"));
            list(root, &path, all);
        } else if kind.is_symlink() {
            all.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
        } else if kind.is_file() {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            let text = fs::read_to_string(&path).unwrap_or_default();
            all.push(format!("{name} {mode:o} {text}"));
        } else {
            all.push(format!("{name} special"));
        }
    }
}

fn helper() -> &'static str {
    env!("CARGO_BIN_EXE_jail-host")
}

/// Whether an overlay can be mounted over this place. A test that cannot run says so, and fails where the machine is said to have it.
fn can_stage(place: &str) -> bool {
    let world = World::new(place);
    let mount = "mount -t overlay overlay -o userxattr,lowerdir=$1,upperdir=$2,workdir=$3 $4";
    let places = ["project", "upper/p", "work/p", "merged"].map(|name| world.path(name));
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", mount, "sh"]).args(places);
    let mounted = command.output().is_ok_and(|output| output.status.success());
    let marked = lsetxattr(world.upper(""), "user.try", b"1", XattrFlags::empty()).is_ok();
    if mounted && marked {
        return true;
    }
    let required = std::env::var("JAIL_TEST_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|it| it == "userns"), "no overlay over {place}");
    println!("skipped: no overlay over {place}");
    false
}

fn worlds() -> impl Iterator<Item = World> {
    PLACES.into_iter().filter(|place| can_stage(place)).map(World::new)
}

#[test]
fn what_a_jail_writes_is_shown_then_applied_and_then_gone_from_the_stage() {
    for world in worlds() {
        for (name, text) in [
            ("a.txt", "one\n"),
            ("b.txt", "two\n"),
            ("src/x.rs", "x\n"),
            ("gone/y", "y\n"),
            ("gone/deep/z", "z\n"),
            ("anew/old", "old\n"),
            ("kept", "kept\n"),
            ("file", "file\n"),
            ("folder/in", "in\n"),
        ] {
            world.write(name, text);
        }
        symlink("a.txt", world.project("l")).unwrap();
        world.record();
        let before = world.listing("project");
        world.jail(
            "echo ONE >a.txt; rm b.txt; mv src/x.rs src/y.rs; rm -r gone; rm -r anew; mkdir anew; echo new >anew/new; \
             mkdir -p fresh/deep; echo f >fresh/deep/f; ln -sf b.txt l; chmod 600 kept; rm file; mkdir file; echo i >file/i; \
             rm -r folder; echo now >folder; chmod 700 src",
        );
        assert_eq!(world.listing("project"), before, "before anybody has said so");
        let changes = world.changes();
        let expected = [
            ("a.txt", "changed"),
            ("anew/new", "new"),
            ("anew/old", "deleted"),
            ("b.txt", "deleted"),
            ("file", "deleted"),
            ("file", "new folder"),
            ("file/i", "new"),
            ("folder", "deleted"),
            ("folder", "new"),
            ("folder/in", "deleted"),
            ("fresh", "new folder"),
            ("fresh/deep", "new folder"),
            ("fresh/deep/f", "new"),
            ("gone", "deleted"),
            ("gone/deep", "deleted"),
            ("gone/deep/z", "deleted"),
            ("gone/y", "deleted"),
            ("kept", "changed"),
            ("l", "changed"),
            ("src", "mode"),
            ("src/y.rs", "renamed"),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(path, it)| ((*path).to_owned(), (*it).to_owned())).collect();
        assert_eq!(changes, expected);
        let diff = world.shown("diff");
        for part in ["-one\n+ONE\n", "-link to a.txt\n+link to b.txt\n", "mode 644 -> 600"] {
            assert!(diff.contains(part), "{part}: {diff}");
        }
        let said = world.apply("", &[]);
        assert!(said.contains("applied"), "{said}");
        let expected = [
            "a.txt 644 ONE\n",
            "anew/",
            "anew/new 644 new\n",
            "file/",
            "file/i 644 i\n",
            "folder 644 now\n",
            "fresh/",
            "fresh/deep/",
            "fresh/deep/f 644 f\n",
            "kept 600 kept\n",
            "l -> b.txt",
            "src/",
            "src/y.rs 644 x\n",
        ];
        assert_eq!(world.listing("project"), expected, "{said}");
        let mode = fs::metadata(world.project("src")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(world.listing("upper/p"), Vec::<String>::new());
        assert_eq!(world.changes(), []);
        // The next jail begins with that, and what it changes is known for its own.
        world.record();
        world.jail("echo again >a.txt");
        world.apply("", &[]);
        assert_eq!(world.read("a.txt"), "again\n");
    }
}

#[test]
fn what_both_sides_have_changed_is_kept_aside_and_nothing_is_overwritten() {
    for world in worlds() {
        for name in ["both", "deleted-here", "deleted-there", "same", "touched", "late", "d/in"] {
            world.write(name, "base\n");
        }
        world.record();
        world.jail(
            "for f in both deleted-here same touched new d/in; do echo stage >$f; done; rm deleted-there; rm -r d; echo f >d",
        );
        sleep(Duration::from_millis(20));
        world.write("both", "mine\n");
        fs::remove_file(world.project("deleted-here")).unwrap();
        world.write("deleted-there", "mine\n");
        world.write("same", "stage\n");
        // The same content, written anew.
        fs::remove_file(world.project("touched")).unwrap();
        world.write("touched", "base\n");
        world.write("new", "mine\n");
        world.write("d/in", "mine\n");
        let said = world.apply("", &[]);
        let expected = [
            "both 644 mine\n",
            "both.jailgen-theirs 644 stage\n",
            "d.jailgen-theirs 644 f\n",
            "d/",
            "d/in 644 mine\n",
            "deleted-here.jailgen-theirs 644 stage\n",
            "deleted-there 644 mine\n",
            "late 644 base\n",
            "new 644 mine\n",
            "new.jailgen-theirs 644 stage\n",
            "same 644 stage\n",
            "touched 644 stage\n",
        ];
        assert_eq!(world.listing("project"), expected, "{said}");
        assert!(said.contains("both -> both.jailgen-theirs"), "{said}");
        assert!(said.contains("but changed here, so they stay:\n  deleted-there"), "{said}");
        // A second one puts nothing aside again.
        world.apply("", &[]);
        assert_eq!(world.listing("project"), expected);
    }
}

#[test]
fn what_was_changed_after_the_launch_counts_as_changed_on_both_sides() {
    for world in worlds() {
        world.write("f", "base\n");
        sleep(Duration::from_millis(30));
        let mut recorder = world.start_recorder();
        // Whether it is recorded before or after this, the jail may have seen either.
        world.write("f", "mine\n");
        sleep(Duration::from_millis(300));
        std::io::Write::write_all(&mut recorder.1, b"e").unwrap();
        assert!(recorder.0.wait().unwrap().success());
        world.jail("echo stage >f");
        world.apply("", &[]);
        assert_eq!(world.read("f"), "mine\n");
        assert_eq!(world.read("f.jailgen-theirs"), "stage\n");
    }
}

#[test]
fn a_stage_keeps_the_base_of_what_it_has_changed_in_an_earlier_session() {
    for world in worlds() {
        world.write("f", "base\n");
        world.write("g", "base\n");
        world.write("d/h", "base\n");
        world.record();
        world.jail("echo stage >f; rm -r d");
        world.write("f", "mine\n");
        world.write("g", "mine\n");
        world.write("d/h", "mine\n");
        world.record();
        world.jail("echo stage >g");
        world.apply("", &[]);
        assert_eq!((world.read("f"), world.read("g")), ("mine\n".into(), "stage\n".into()));
        assert_eq!(world.read("f.jailgen-theirs"), "stage\n");
        assert_eq!(world.read("d/h"), "mine\n", "the jail that deleted it has never seen this");
    }
}

#[test]
fn without_a_record_nothing_is_overwritten() {
    for world in worlds() {
        world.write("f", "base\n");
        world.jail("echo stage >f; echo n >n");
        assert!(world.shown("summary").contains("is not recorded"), "{}", world.shown("summary"));
        world.apply("", &[]);
        assert_eq!(world.read("f"), "base\n");
        assert_eq!(world.read("f.jailgen-theirs"), "stage\n");
        assert_eq!(world.read("n"), "n\n");
    }
}

#[test]
fn what_host_programs_execute_is_applied_only_where_that_was_said() {
    for world in worlds() {
        world.write("run.sh", "base\n");
        world.record();
        world.jail(
            "echo x >.envrc; echo y >plain; echo z >tool; chmod 755 tool; mkdir .vscode; echo t >.vscode/tasks.json; \
             ln -s /etc/passwd out; ln -s plain in; mkdir bare; touch bare/HEAD",
        );
        let said = world.apply("", &[]);
        let held = [".envrc", "tool", ".vscode/tasks.json", "out", "bare/HEAD"];
        for name in held {
            assert!(fs::symlink_metadata(world.project(name)).is_err(), "{name}: {said}");
            assert!(said.contains(&format!("  {name}: ")), "{name}: {said}");
            assert!(fs::symlink_metadata(world.upper(name)).is_ok(), "{name}");
        }
        assert_eq!(world.read("plain"), "y\n");
        world.apply("+", &[]);
        for name in held {
            assert!(fs::symlink_metadata(world.project(name)).is_ok(), "{name}");
        }
        assert_eq!(world.listing("upper/p"), Vec::<String>::new());
    }
}

#[test]
fn nothing_is_applied_but_what_was_shown() {
    for world in worlds() {
        world.record();
        world.jail("echo one >f");
        let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
        world.jail("echo two >f");
        let said = world.refusal("apply", &digest, &[]);
        assert!(said.contains("no longer what was shown"), "{said}");
        assert_eq!(world.listing("project"), Vec::<String>::new());
        world.apply("", &[]);
        assert_eq!(world.read("f"), "two\n");
    }
}

#[test]
fn a_stage_is_applied_by_one_process_and_while_no_jail_runs_in_it() {
    for world in worlds() {
        world.record();
        world.jail("echo one >f");
        let upper = File::open(world.upper("")).unwrap();
        flock(&upper, FlockOperation::LockExclusive).unwrap();
        let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
        for mode in ["apply", "drop"] {
            let said = world.refusal(mode, &digest, &[]);
            assert!(said.contains("a jail runs in it"), "{said}");
        }
        drop(upper);
        world.apply("", &[]);
        assert_eq!(world.read("f"), "one\n");
    }
}

#[test]
fn paths_are_applied_and_dropped_alone() {
    for world in worlds() {
        world.write("src/a", "base\n");
        world.write("anew/old", "base\n");
        world.record();
        world.jail(
            "echo 1 >src/a; echo 2 >src/b; echo 3 >c; rm -r anew; mkdir anew; echo n >anew/new; echo o >anew/old; mkdir d; echo i >d/i; echo j >d/j",
        );
        world.apply("", &["src", "d/i", "anew/new"]);
        assert_eq!((world.read("src/a"), world.read("src/b")), ("1\n".into(), "2\n".into()));
        assert_eq!((world.read("d/i"), world.read("anew/new")), ("i\n".into(), "n\n".into()));
        assert_eq!(world.read("anew/old"), "base\n");
        assert!(!world.project("c").exists() && !world.project("d/j").exists());
        // In the stage it is all still there.
        world.jail("test $(cat d/i d/j c src/a anew/new anew/old | tr -d '\\n') = ij31no");
        let said = world.refusal("drop", "", &["anew/old"]);
        assert!(said.contains("drop it as a whole"), "{said}");
        let said = world.refusal("drop", "", &["nothing"]);
        assert!(said.contains("is not in the stage"), "{said}");
        assert!(world.helper("drop", "", &["anew", "c"]).status.success());
        world.jail("test $(cat anew/old) = base; test ! -e c; test -e d/j");
        assert!(world.helper("drop", "", &[]).status.success());
        assert_eq!(world.listing("upper/p"), Vec::<String>::new());
        assert_eq!(world.changes(), []);
    }
}

#[test]
fn git_is_left_in_the_stage() {
    for world in worlds() {
        world.write(".git/config", "base\n");
        world.write("sub/.git/config", "base\n");
        world.record();
        world.jail("echo '[core] fsmonitor = x' >.git/config; mkdir -p .git/hooks sub/.GIT; echo x >.git/hooks/pre-commit; echo y >sub/.GIT/config; rm -r sub/.git; echo f >f");
        assert!(
            world.shown("summary").contains("leaves in the stage"),
            "{}",
            world.shown("summary")
        );
        let said = world.apply("+", &[]);
        assert!(said.contains("files of git stay in the stage"), "{said}");
        assert_eq!(
            world.listing("project"),
            [
                ".git/",
                ".git/config 644 base\n",
                "f 644 f\n",
                "sub/",
                "sub/.git/",
                "sub/.git/config 644 base\n"
            ]
        );
    }
}

/// Gives a path of a layer an attribute that a payload cannot set, but whoever can write there could.
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
        // A link in the place of a folder, and a folder in the place of a link that leads out of the project.
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
        // The folder took the place of the link, which nobody had changed.
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
