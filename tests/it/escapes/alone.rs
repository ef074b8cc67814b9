//! What takes more than one attempt.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use super::subjects::{Subject, jails};
use super::world::World;

/// Runs a test in every jail, each in a world of its own.
fn each(test: impl Fn(&World, &Subject)) {
    for jail in jails() {
        test(&World::new(), jail);
    }
}

/// The start of a command in a mount namespace of its own, in which the caller may mount. Private
/// first, so that what is made shared there is not shared with the host.
fn own_mounts() -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args(["--mount", "--propagation", "private"]);
    command
}

#[track_caller]
pub(super) fn prints(output: &Output, expected: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{status}: {stderr}");
}

pub(super) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// D14, D16: whatever the launcher has, and whatever its arguments are.
#[test]
fn the_environment_is_exactly_what_the_plan_says_and_nothing_in_it_is_a_switch() {
    each(|world, jail| {
        let names = "compgen -e | sort | tr '\\n' ' '";
        prints(&world.sh(jail, names), "HOME PATH PWD SHELL SHLVL TZ");
        // The control: they were there.
        let outside = world.command(Path::new("env")).output().unwrap();
        assert!(text(&outside).contains("GITHUB_TOKEN=secret"), "{}", text(&outside));
        // All arguments are the payload's, those that look like switches too.
        let arguments = ["-c", "echo \"$@\"", "--no-jail", "--share-net", "--bind", "/"];
        let output = world.command(&jail.wrapper).args(arguments).output().unwrap();
        prints(&output, "--share-net --bind /");
    });
}

/// C21: nothing of the jail's mounts gets out, and nothing that is mounted outside gets in.
#[test]
fn mounts_travel_neither_in_nor_out() {
    each(|world, jail| {
        prints(&world.sh(jail, "grep -c ' shared:\\| master:' /proc/self/mountinfo"), "0");
        let sub = world.path("project/sub");
        fs::create_dir(&sub).unwrap();
        let script = "
            \"$probe\" call mount s:none s:/ 0 0x104000 0 >/dev/null
            \"$wrapper\" -c ': > started; read -t 20 x < go; ls sub; : > done' &
            for _ in $(seq 200); do test -e started || sleep 0.05; done; test -e started || exit 98
            \"$probe\" call mount s:none s:sub s:tmpfs 0 0 && : > sub/seen-outside && ls sub
            echo > go; wait";
        let made = Command::new("mkfifo").arg(world.path("project/go")).status().unwrap();
        assert!(made.success());
        let mut command = own_mounts();
        command.args(["sh", "-c", script]);
        command.env("probe", world.path("project/jail-probe")).env("wrapper", &jail.wrapper);
        command.env("HOME", world.path("home")).current_dir(world.path("project"));
        let output = command.output().unwrap();
        prints(&output, "ok 0\nseen-outside");
        assert!(world.path("project/done").exists(), "the jail ran: {}", text(&output));
    });
}

/// C23: what a mount of the host forbids stays forbidden inside.
#[test]
fn flags_of_the_hosts_mounts_are_kept() {
    each(|world, jail| {
        // MS_NOEXEC and MS_NOSYMFOLLOW over the project, where a bind of
        // the jail's could drop them.
        let script = "
            \"$probe\" call mount s:none s:. s:tmpfs 0x108 0 >/dev/null || exit 99
            cd \"$PWD\" && echo content > file && ln -s file link && cp \"$probe\" copy && chmod +x copy
            cat link >/dev/null 2>&1 || echo outside; ./copy 32bit 2>/dev/null || echo outside
            \"$wrapper\" -c 'read x < file; echo $x; cat link >/dev/null 2>&1 || echo kept; ./copy 2>/dev/null || echo kept'";
        let mut command = own_mounts();
        command.args(["sh", "-c", script]);
        command.env("probe", world.path("project/jail-probe")).env("wrapper", &jail.wrapper);
        fs::create_dir(world.path("project/flags")).unwrap();
        command.env("HOME", world.path("home")).current_dir(world.path("project/flags"));
        prints(&command.output().unwrap(), "outside\noutside\ncontent\nkept\nkept");
    });
}

/// C25: only root can make a program that is set to root's id, so as somebody
/// else the flags have to do.
#[test]
fn a_program_that_is_set_to_another_users_id_gains_nothing() {
    each(|world, jail| {
        let mounts = world.sh(jail, "while read -r _ _ _ _ at flags _; do case $flags in *nosuid*) ;; *) echo $at;; esac; done < /proc/self/mountinfo");
        prints(&mounts, "");
        if !rustix::process::getuid().is_root() {
            return;
        }
        let program = world.path("project/set-id");
        let copied =
            Command::new("cp").arg(world.path("project/jail-probe")).arg(&program).status();
        assert!(copied.unwrap().success());
        chown(&program, Some(12345), None).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
        let ids = "./set-id read /proc/self/status | grep ^Uid | tr '\\t' ' '";
        prints(&world.sh(jail, ids), "Uid: 0 0 0 0");
        let control = world.command(Path::new("sh")).args(["-c", ids]).output().unwrap();
        prints(&control, "Uid: 0 12345 12345 12345");
    });
}

/// C29: the wrapper is the plan. What the agent writes next to it changes nothing.
#[test]
fn a_spec_that_was_changed_inside_changes_nothing_of_the_wrapper() {
    each(|world, jail| {
        let spec = "jail \"jailed-x\" pkgs.bash [ (readonly \"/\") ]";
        fs::write(world.path("project/escapes.jail"), spec).unwrap();
        let there = "for name in bin boot lib root srv; do test -e /$name && echo $name; done; :";
        prints(&world.sh(jail, there), "bin");
        prints(&world.sh(jail, "echo x >> \"$0\" 2>/dev/null || echo refused"), "refused");
        let owner = fs::metadata(&jail.wrapper).unwrap().permissions();
        assert_eq!(owner.mode() & 0o222, 0, "the wrapper is in the store");
    });
}

/// C35: what the stub prints of names that a jail may have made.
#[test]
fn nothing_that_a_jail_named_reaches_the_terminal_raw() {
    each(|world, jail| {
        let name = "a\u{1b}]52;c;eA==\u{7}\u{202e}b";
        let home = world.path(&format!("project/{name}"));
        fs::create_dir(&home).unwrap();
        let mut command = Command::new(&jail.wrapper);
        let output = command.env("HOME", &home).current_dir(&home).output().unwrap();
        assert_eq!(output.status.code(), Some(125));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("\\u{1b}]52;c;eA==\\u{7}\\u{202e}b"), "{stderr}");
        assert!(!stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{stderr}");
    });
}

/// D17, D19: a launcher that lacks something gets a message and no jail.
#[test]
fn a_root_without_the_capability_to_be_mapped_is_told_so() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    each(|world, jail| {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-setfcap", "--inh-caps=-setfcap"]).arg(&jail.wrapper);
        command.args(["-c", "echo ran"]).current_dir(world.path("project"));
        let output = command.env("HOME", world.path("home")).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{}", text(&output));
        assert!(text(&output).contains("CAP_SETFCAP"), "{}", text(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    });
}

/// D11, D20: at whatever moment the supervisor or the launcher is killed,
/// nothing of the jail stays.
#[test]
fn a_launch_that_is_killed_at_any_moment_leaves_nothing_behind() {
    each(|world, jail| {
        let script =
            "trap '' HUP TERM INT; exec -a \"$1\" sleep 1000 & while :; do read -t 100 x; done";
        leaves_nothing(world, jail, script, 24);
    });
}

/// Starts this script so often, kills what was started a moment later each time, and waits
/// until nothing of it runs.
pub(super) fn leaves_nothing(world: &World, subject: &Subject, script: &str, times: u64) {
    for step in 0..times {
        let mut child = world
            .command(&subject.wrapper)
            .args(["-c", script, "sh", &world.marker])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // From before the clone to after the payload's start.
        std::thread::sleep(Duration::from_micros(1500 * step));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let begin = std::time::Instant::now();
    while !running(&world.marker).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", running(&world.marker));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes that have this in their command line.
pub(super) fn running(marker: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(marker)).collect()
}
