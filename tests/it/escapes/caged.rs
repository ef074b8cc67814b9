//! The same attempts in cages: Landlock and a filter, on the host as it is.
//!
//! A cage has no namespaces, so what a jail does not have is there, and closed; and some of it is
//! open. Whatever a cage answers otherwise than a jail stands here, by the reason, and its lines in
//! the second table of docs/escapes.md.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use super::alone::{leaves_nothing, prints, text};
use super::rows::ROWS;
use super::subjects::{Subject, cages};
use super::world::World;
use super::{inside, matches, short};

/// A reason, and the attempts with what a cage answers.
type Group = (&'static str, &'static [(&'static str, &'static str)]);

/// What is not in a jail is there, and closed. Nothing is gained by it.
const CLOSED: Group = (
    "closed",
    &[
        ("list {run-user}", "errno 13"),
        ("connect tcp 127.0.0.1:{port}", "errno 13"),
        ("hard-link {outside-file} {project}/stolen", "errno 18|errno 13"),
        ("read /proc/self/root{outside-file}", "errno 13"),
        ("read /proc/{pid}/root{outside-file}", "errno 13"),
        ("open-write {stub}", "errno 13"),
        ("list /proc/self/cwd/..", "errno 13"),
        ("create /null", "errno 13"),
        ("list /sys", "errno 13"),
        ("list /sys/fs/cgroup", "errno 13"),
        ("list /dev", "errno 13"),
        ("call shmget {shm-key} 0 0", "errno 1"),
        ("call mq_open s:{marker} 0 0 0", "errno 1"),
        ("list /dev/pts", "errno 13"),
        ("open-write /proc/self/oom_score_adj", "errno 13"),
    ],
);

/// No rule of Landlock hides that something is there, its kind and its dates.
const SEEN: Group = (
    "seen",
    &[
        ("stat /nix/var", "folder…"),
        ("stat /proc/{pid}/cwd", "link…|errno 13"),
        ("stat /sys/kernel", "folder…"),
        ("stat /dev/shm/{marker}", "file…"),
        ("stat /dev/fuse", "device…|errno 2"),
        ("stat {terminal}", "device…"),
        ("stat /proc/{pid}", "folder…"),
        // It can be waited for, and neither signalled nor looked into.
        ("call pidfd_open {pid} 0", "ok…"),
        // Their names: they cannot be used.
        ("read /proc/keys", "…"),
    ],
);

/// Known gap: before ABI 9 Landlock does not look at sockets that have a path.
const SOCKETS: Group = (
    "sockets",
    &[
        ("connect unix {run-user}/bus", "ok 0"),
        ("connect unix {run-user}/systemd/private", "ok 0"),
        ("connect unix /run/dbus/system_bus_socket", "ok 0"),
        ("connect unix /var/run/dbus/system_bus_socket", "ok 0|errno 2"),
        ("connect unix /run/systemd/private", "ok 0"),
        ("connect unix {run-user}/gvfsd/socket", "ok 0"),
        ("connect unix {run-user}/keyring/control", "ok 0"),
        ("connect unix /run/docker.sock", "ok 0"),
        ("connect unix {run-user}/docker.sock", "ok 0"),
        ("connect unix /run/podman/podman.sock", "ok 0"),
        ("connect unix /run/containerd/containerd.sock", "ok 0"),
        ("connect unix /run/libvirt/libvirt-sock", "ok 0"),
        ("connect unix /tmp/.X11-unix/X0", "ok 0"),
        ("connect unix {run-user}/wayland-0", "ok 0"),
        ("connect unix {run-user}/pipewire-0", "ok 0"),
        ("connect unix {run-user}/pulse/native", "ok 0"),
        ("connect unix /tmp/ssh-agent/agent.1", "ok 0"),
        ("connect unix {run-user}/gnupg/S.gpg-agent", "ok 0"),
        ("connect unix /tmp/tmux/default", "ok 0"),
        ("connect unix /run/screen/S-user", "ok 0"),
        ("connect unix {run-user}/emacs/server", "ok 0"),
        ("connect unix /nix/var/nix/daemon-socket/socket", "ok 0|errno 2"),
        ("send unix /run/systemd/journal/socket", "ok 0"),
        ("send unix /run/systemd/notify", "ok 0"),
        ("connect unix-datagram /run/systemd/journal/socket", "ok 0"),
    ],
);

/// Known gap: Landlock looks neither at modes, attributes and dates of files, nor
/// at priorities of processes.
const UNRULED: Group = (
    "unruled",
    &[
        ("call chmod s:{outside-file} 0x1a4", "ok 0"),
        ("call setxattr s:{outside-file} s:user.jailgen s:v 1 0", "ok 0|errno 95"),
        ("call utimensat -100 s:{outside-file} 0 0", "ok 0"),
        // Not those of a root that has more capabilities.
        ("call setpriority 0 {pid} {priority}", "ok 0|errno 1"),
    ],
);

const GROUPS: &[Group] = &[CLOSED, SEEN, SOCKETS, UNRULED];

/// What a cage must answer. From ABI 9 on the sockets are closed too.
fn expected(attempt: &str, abi: u32, jails: &'static str) -> &'static str {
    let found = GROUPS.iter().find_map(|(reason, rows)| {
        rows.iter().find(|(words, _)| *words == attempt).map(|(_, answer)| (*reason, *answer))
    });
    match found {
        Some(("sockets", _)) if abi >= 9 => "errno 13|errno 2",
        Some((_, answer)) => answer,
        None => jails,
    }
}

/// The kernel's version of Landlock (landlock_create_ruleset(2)), asked by the probe.
fn abi(world: &World) -> u32 {
    let words = world.words("call landlock_create_ruleset 0 0 1");
    let answer = world.outside(&[words]).remove(0);
    answer.strip_prefix("ok ").and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[test]
fn a_cage_refuses_what_landlock_and_a_filter_can() {
    let world = World::new();
    // PID 1 is the host's, which has an input at least.
    let attempts: Vec<_> =
        ROWS.iter().map(|row| world.words(&row.attempt.replace("{init-fd}", "0"))).collect();
    let abi = abi(&world);
    let mut problems = Vec::new();
    for cage in cages() {
        for (row, answer) in ROWS.iter().zip(inside(&world, cage, &attempts)) {
            if !matches(expected(row.attempt, abi, row.inside), &answer) {
                problems.push(format!("{row} in the cage {} says `{}`", cage.name, short(&answer)));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// What a cage lets through is listed, and nothing that it refuses.
#[test]
fn docs_tell_what_a_cage_answers_otherwise() {
    let docs = fs::read_to_string(crate::harness::project().join("docs/escapes.md")).unwrap();
    for (reason, rows) in GROUPS {
        let unknown: Vec<_> = rows
            .iter()
            .filter(|(words, _)| !ROWS.iter().any(|row| row.attempt == *words))
            .collect();
        assert!(unknown.is_empty(), "no row of {reason}: {unknown:?}");
        let is_of = |attempt: &str| rows.iter().any(|(words, _)| *words == attempt);
        let ids: BTreeSet<&str> =
            ROWS.iter().filter(|row| is_of(row.attempt)).map(|row| row.id).collect();
        let start = format!("| {reason} | ");
        let line = docs.lines().find_map(|line| line.strip_prefix(&start));
        let told: BTreeSet<&str> = line
            .and_then(|line| line.split(" | ").next())
            .unwrap_or_default()
            .split(", ")
            .collect();
        assert_eq!(told, ids, "the line `{reason}` of docs/escapes.md");
    }
}

/// Runs a test in every cage, each in a world of its own.
fn each(test: impl Fn(&World, &Subject)) {
    for cage in cages() {
        test(&World::new(), cage);
    }
}

/// D14, D16.
#[test]
fn the_environment_of_a_cage_is_what_the_plan_says_and_nothing_in_it_is_a_switch() {
    each(|world, cage| {
        let own = "CURL_CA_BUNDLE GIT_CONFIG_SYSTEM HOME NIX_SSL_CERT_FILE ORIG_HOME PATH PWD SHELL SHLVL SSL_CERT_FILE TMPDIR \
                   XDG_CACHE_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_STATE_HOME";
        prints(&world.sh(cage, "set -- $(compgen -e); echo \"$@\""), own);
        let arguments = ["-c", "echo \"$@\"", "--no-jail", "--share-net", "--bind", "/"];
        let output = world.command(&cage.wrapper).args(arguments).output().unwrap();
        prints(&output, "--share-net --bind /");
    });
}

/// C25: no new privileges, where no mount is `nosuid`.
#[test]
fn a_program_that_is_set_to_another_users_id_gains_nothing_in_a_cage() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    each(|world, cage| {
        let program = world.path("project/set-id");
        let copied =
            Command::new("cp").arg(world.path("project/jail-probe")).arg(&program).status();
        assert!(copied.unwrap().success());
        chown(&program, Some(12345), None).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o4755)).unwrap();
        let ids = "./set-id read /proc/self/status | while read -r a b c; do case $a in Uid:) echo $b $c;; esac; done";
        let mut command = world.command(&cage.wrapper);
        prints(&command.env("JAIL_PROBE", &program).args(["-c", ids]).output().unwrap(), "0 0 0 0");
        let control = world.command(Path::new("sh")).args(["-c", ids]).output().unwrap();
        prints(&control, "0 12345 12345 12345");
    });
}

/// C32. Known gap: what may be read can be run by what may be executed, here the dynamic loader.
#[test]
fn rules_of_execution_stop_execve_and_not_the_loader() {
    each(|world, cage| {
        let script = "
            while read -r _ _ _ _ _ file; do case $file in */ld-*) loader=$file;; esac; done < /proc/self/maps
            cp \"$(command -v env)\" copy && { ./copy true || echo $?; } 2>/dev/null; \"$loader\" ./copy echo ran";
        prints(&world.sh(cage, script), "126\nran");
    });
}

/// C35.
#[test]
fn nothing_that_a_cage_named_reaches_the_terminal_raw() {
    each(|world, cage| {
        let home = world.path("project/a\u{1b}]52;c;eA==\u{7}\u{202e}b");
        fs::create_dir(&home).unwrap();
        let mut command = Command::new(&cage.wrapper);
        let output = command.env("HOME", &home).current_dir(&home).output().unwrap();
        assert_eq!(output.status.code(), Some(125));
        assert!(text(&output).contains("\\u{1b}]52;c;eA==\\u{7}\\u{202e}b"), "{}", text(&output));
        assert!(!text(&output).contains(['\u{1b}', '\u{7}', '\u{202e}']), "{}", text(&output));
    });
}

/// D11, D20: also without a PID namespace nothing stays when the supervisor is killed.
#[test]
fn a_cage_that_is_killed_at_any_moment_leaves_nothing_behind() {
    each(|world, cage| {
        let script = "(exec -a \"$1\" sleep 1000) & while :; do read -t 100 x; done";
        leaves_nothing(world, cage, script, 16);
    });
}
