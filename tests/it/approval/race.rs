//! E18: a program that swaps what a spec copies and imports while it is built. What was
//! approved is what is built.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{CWD, Mode, RenameFlags, mkfifoat, renameat_with};

use super::{Project, SPEC};

/// How often the command is run while the swapper runs, at least. Where contents are read twice,
/// one run in four is wrong.
const ROUNDS: usize = 40;
/// And at most: until both sides of the swap were met. On some machines one of them is met rarely.
const ROUNDS_MAX: usize = 25 * ROUNDS;

const GOOD: &str = "#!/bin/sh\necho good >&2\n";
const EVIL: &str = "#!/bin/sh\necho evil >&2\n";

/// Swaps two files, or two folders, as fast as it can, in a process of its own. It
/// has begun when it is made.
struct Swapper(Child);

impl Swapper {
    fn new(folder: &Path, pairs: &[(&str, &str)]) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", SWAP]).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        pairs.iter().for_each(|(one, other)| {
            command.args([one, other]);
        });
        let mut child = command.spawn().unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        Self(child)
    }
}

/// renameat2(2) with RENAME_EXCHANGE: neither name is ever missing. After each call it checks
/// whether it must end, so each state lasts equally long.
const SWAP: &str = "
import ctypes, os, select, sys
libc = ctypes.CDLL(None, use_errno=True)
names = [os.fsencode(name) for name in sys.argv[1:]]
pairs = list(zip(names[::2], names[1::2]))
turn = 0
while not select.select([0], [], [], 0)[0]:
    one, other = pairs[turn % len(pairs)]
    if libc.renameat2(-100, one, -100, other, 2) != 0:
        raise OSError(ctypes.get_errno(), 'renameat2')
    turn += 1
    if turn == 1:
        os.write(1, b'.')
";

impl Drop for Swapper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let status = self.0.wait().unwrap();
        assert!(status.success() || std::thread::panicking(), "the swapper failed: {status}");
    }
}

fn flakes(project: &Project) -> PathBuf {
    let flakes = project.scratch.path(".local/state/jailgen/flakes");
    let mut found = fs::read_dir(flakes).unwrap().map(|entry| entry.unwrap().path());
    found.find(|path| path.is_dir()).unwrap()
}

#[test]
fn what_is_swapped_while_it_is_built_was_approved_as_it_is_built() {
    let Some(project) = Project::new() else { return };
    let spec = SPEC.replace("(import ./hook.nix)", "\"sh ${./hook/script}\"");
    project.write("sh.jail", &spec);
    project.write("hook/script", GOOD);
    project.write("other/script", EVIL);
    // Only the good one is approved, and each run builds anew: the copied folder
    // is a change of the record.
    project.build();
    project.write("hook/script", GOOD);
    let folder = project.scratch.path("project");
    let swapper = Swapper::new(&folder, &[("hook", "other"), ("hook/script", "other/script")]);
    let (mut ran, mut refused) = (0, 0);
    for round in 0..ROUNDS_MAX {
        if round >= ROUNDS && ran > 0 && refused > 0 {
            break;
        }
        let (status, said) = project.jailgen(&["run", "sh.jail", "--", "-c", "echo inside"]);
        assert!(!said.contains("evil"), "round {round}: {said}");
        match status {
            0 => ran += 1,
            1 if said.contains("the content of `hook/script`") => refused += 1,
            _ => panic!("round {round}: {status}: {said}"),
        }
        let built = fs::read_to_string(flakes(&project).join("files/hook/script")).unwrap();
        assert_eq!(built, GOOD, "round {round}");
    }
    drop(swapper);
    assert!(ran > 0 && refused > 0, "nothing was raced: {ran} ran, {refused} were refused");
}

/// A user who builds by hand is shown what is built, whatever the swapper does.
#[test]
fn a_build_by_hand_says_what_it_approves_while_it_is_swapped() {
    let Some(project) = Project::new() else { return };
    project.write("one.nix", "\"echo one\"");
    project.write("two.nix", "\"echo two\"");
    project.write("sh.jail", &SPEC.replace("./hook.nix", "./one.nix"));
    let swapper = Swapper::new(&project.scratch.path("project"), &[("one.nix", "two.nix")]);
    let mut seen = [0, 0];
    for round in 0..ROUNDS_MAX {
        if round >= ROUNDS / 4 && !seen.contains(&0) {
            break;
        }
        let _ = fs::remove_dir_all(project.scratch.path(".local/state/jailgen/trust"));
        let said = project.build();
        let built = fs::read_to_string(flakes(&project).join("jailed-sh.nix")).unwrap();
        for (index, word) in ["echo one", "echo two"].iter().enumerate() {
            assert_eq!(said.contains(word), built.contains(word), "round {round}: {said}\n{built}");
            seen[index] += usize::from(built.contains(word));
        }
    }
    drop(swapper);
    assert!(!seen.contains(&0), "nothing was raced: {seen:?}");
}

#[test]
fn a_pipe_is_an_error_and_never_waited_for() {
    let Some(project) = Project::new() else { return };
    let spec = |what: &str| format!("jail \"x\" pkgs.hello [ (set-env \"A\" {what}) ]");
    fs::create_dir(project.scratch.path("project/folder")).unwrap();
    for name in ["pipe", "pipe.nix", "folder/pipe"] {
        mkfifoat(CWD, project.scratch.path(&format!("project/{name}")), Mode::RWXU).unwrap();
    }
    for (what, command) in [
        ("(import ./pipe.nix)", "check"),
        ("(builtins.readFile ./pipe)", "check"),
        ("(builtins.hashFile \"sha256\" ./pipe)", "explain"),
        ("\"${./pipe}\"", "check"),
        ("\"${./folder}\"", "approve"),
        ("\"${./.}\"", "build"),
    ] {
        project.write("x.jail", &spec(what));
        let (status, said) = project.jailgen(&[command, "x.jail"]);
        assert!(status == 1 && said.contains("is not a regular file"), "{what}: {said}");
    }
    project.write("x.jail", &spec("\"${./word}\""));
    assert_eq!(project.jailgen(&["approve", "x.jail"]).0, 0, "the control");
    // The spec itself, and a device in its place.
    let pipe = project.scratch.path("project/pipe");
    fs::remove_file(project.scratch.path("project/x.jail")).unwrap();
    renameat_with(CWD, pipe, CWD, project.scratch.path("project/x.jail"), RenameFlags::NOREPLACE)
        .unwrap();
    let (status, said) = project.jailgen(&["run", "x.jail"]);
    assert!(status == 1 && said.contains("is a pipe, not a spec"), "{said}");
    let (status, said) = project.jailgen(&["check", "/dev/zero"]);
    assert!(status == 1 && said.contains("is a device, not a spec"), "{said}");
}

#[test]
fn a_link_that_leads_out_of_a_copied_folder_is_refused() {
    let Some(project) = Project::new() else { return };
    project.write("x.jail", "jail \"x\" pkgs.hello [ (set-env \"A\" \"${./folder}\") ]");
    fs::create_dir(project.scratch.path("project/folder")).unwrap();
    let link = project.scratch.path("project/folder/link");
    std::os::unix::fs::symlink("../word", &link).unwrap();
    for words in [&["approve", "x.jail"][..], &["emit", "x.jail", "-o", "out"]] {
        let (status, said) = project.jailgen(words);
        assert_eq!(status, 1, "{said}");
        assert!(said.contains("folder/link` is a symbolic link that leads out"), "{said}");
    }
    fs::remove_file(&link).unwrap();
    project.write("folder/word", "1");
    std::os::unix::fs::symlink("word", &link).unwrap();
    let (status, said) = project.jailgen(&["emit", "x.jail", "-o", "out"]);
    assert_eq!(status, 0, "{said}");
    let copied = fs::read_link(project.scratch.path("project/out/files/folder/link")).unwrap();
    assert_eq!(copied, Path::new("word"));
}
