//! A project, a stage over it, and the helper.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{XattrFlags, lsetxattr};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// A disk, and memory.
const PLACES: [&str; 2] = ["/tmp", "/dev/shm"];

/// A project, a stage over it, and something outside of both.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl Drop for World {
    /// The kernel's own folder has no permission bits, and an ordinary user cannot remove it then.
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(self.path("work")).status();
    }
}

impl World {
    pub(crate) fn new(place: &str) -> Self {
        let folder = tempfile::tempdir_in(place).unwrap();
        for name in ["project", "upper/p", "work/p", "base/p", "merged", "outside"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("outside/secret"), "secret").unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn project(&self, name: &str) -> PathBuf {
        self.path("project").join(name)
    }

    pub(crate) fn upper(&self, name: &str) -> PathBuf {
        self.path("upper/p").join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.project(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project(name)).unwrap_or_else(|error| format!("{error}"))
    }

    /// Records the project, as it is done next to a jail that is started.
    pub(crate) fn record(&self) {
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

    pub(crate) fn start_recorder(&self) -> (Child, UnixStream) {
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
    pub(crate) fn jail(&self, script: &str) {
        let mount = "mount -t overlay overlay -o userxattr,lowerdir=$1,upperdir=$2,workdir=$3 $4 && cd $4 && eval \"$5\"";
        let places = ["project", "upper/p", "work/p", "merged"].map(|name| self.path(name));
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", mount, "sh"]);
        let output = command.args(places).arg(script).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn command(&self, mode: &str, word: &str, paths: &[&str]) -> Command {
        let mut command = Command::new(helper());
        command.args(["stage", mode]).arg(self.path("")).arg("p").arg(self.path("project"));
        command.arg(word).args(paths);
        command
    }

    pub(crate) fn helper(&self, mode: &str, word: &str, paths: &[&str]) -> Output {
        self.command(mode, word, paths).output().unwrap()
    }

    pub(crate) fn shown(&self, form: &str) -> String {
        let output = self.helper("changes", form, &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, paths: &[&str]) -> Value {
        let output = self.helper("changes", "json", paths);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Each path and what is said of it.
    pub(crate) fn changes(&self) -> Vec<(String, String)> {
        let all = self.json(&[]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = all["changes"].as_array().unwrap().iter();
        let mut all: Vec<_> = all.map(|it| (text(&it["path"]), text(&it["change"]))).collect();
        all.sort();
        all
    }

    /// Applies, with what host programs execute where the word is `+`.
    pub(crate) fn apply(&self, word: &str, paths: &[&str]) -> String {
        let digest = self.json(paths)["digest"].as_str().unwrap().to_owned();
        let output = self.helper("apply", &format!("{digest}{word}"), paths);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn refusal(&self, mode: &str, word: &str, paths: &[&str]) -> String {
        let output = self.helper(mode, word, paths);
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// All paths of a folder with what is there, sorted.
    pub(crate) fn listing(&self, folder: &str) -> Vec<String> {
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

pub(crate) fn helper() -> &'static str {
    env!("CARGO_BIN_EXE_jail-host")
}

/// Whether an overlay can be mounted over this place. A test that cannot run says so, and fails
/// where the machine is said to have it.
pub(crate) fn can_stage(place: &str) -> bool {
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

pub(crate) fn worlds() -> impl Iterator<Item = World> {
    PLACES.into_iter().filter(|place| can_stage(place)).map(World::new)
}
