//! The helper is closed to others of the same user: it is not dumpable from before
//! it reads anything (prctl(2)).
#![expect(clippy::disallowed_methods, reason = "the test starts the helper")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it is a test, whose helpers clippy does not know for such"
)]

use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};

/// Starts `$PROGRAM` with its words, and looks into it from its own parent, who may
/// under every setting of Yama.
const LOOK: &str = r#"
"$@" &
process=$!
for moment in 1 2 3 4 5 6 7 8 9 10; do
    [ "$(stat -c %u /proc/$process/environ)" = 0 ] && break
    sleep 0.1
done
(exec 4</proc/$process/environ) 2>/dev/null && echo environ
(exec 4<>/proc/$process/mem) 2>/dev/null && echo memory
# In the place of this shell, and so the parent.
exec perl -e '
    my ($ptrace, $seize, $process) = map { 0 + $_ } @ARGV;
    print syscall($ptrace, $seize, $process, 0, 0) == 0 ? "traced\n" : "untraced: $!\n";
    kill "KILL", $process;
' "$PTRACE" "$SEIZE" $process
"#;

/// ptrace(2)'s number, and PTRACE_SEIZE.
const PTRACE: &str = if cfg!(target_arch = "x86_64") { "101" } else { "117" };
const SEIZE: &str = "16902";

/// What an ordinary user finds in a process of the same user's.
fn found(words: &[&str]) -> String {
    let folder = tempfile::tempdir_in("/tmp").expect("a folder");
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open).expect("open to all");
    // Not every user may enter cargo's folder.
    let program = folder.path().join(Path::new(words[0]).file_name().expect("a name"));
    std::fs::copy(words[0], &program).expect("a copy");
    let mut command = Command::new("sh");
    command.args(["-c", LOOK, "sh"]).arg(program).args(&words[1..]);
    command.current_dir(folder.path()).env("PTRACE", PTRACE).env("SEIZE", SEIZE);
    if rustix::process::geteuid().is_root() {
        command.uid(54321).gid(54321);
    }
    let output = command.output().expect("a shell");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn nobody_of_the_same_user_looks_into_the_helper() {
    let helper = env!("CARGO_BIN_EXE_jail-host");
    // The stub, who says nothing.
    let (_stub, socket) = UnixStream::pair().expect("a socket");
    fcntl_setfd(&socket, FdFlags::empty()).expect("passed on");
    let number = socket.as_raw_fd().to_string();
    assert_eq!(found(&[helper, "run", &number, "-"]), "untraced: Operation not permitted\n");
    // The control: another program in its place is open to its parent.
    let other = found(&["/bin/sleep", "100"]);
    assert_eq!(other, "environ\nmemory\ntraced\n");
}
