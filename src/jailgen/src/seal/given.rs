//! The filters that a spec brings along: a file that is one, or a program that prints one, both in
//! the store.

#![expect(
    clippy::disallowed_methods,
    reason = "a spec can give a filter as a program of the store that prints it"
)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use jail_policy::{Grant, Policy};

use super::SealError;
use jail_seccomp::INSTRUCTIONS_MAX;

/// One instruction more than the kernel takes is enough to see that there are too many.
const BYTES_MAX: u64 = 8 * (INSTRUCTIONS_MAX as u64 + 1);

/// What the filters of a policy hold, by their paths.
pub(crate) fn filters(policy: &Policy) -> Result<Vec<(String, Vec<u8>)>, SealError> {
    let mut found = Vec::new();
    for entry in &policy.grants {
        if let Grant::Filter { path } = &entry.grant {
            let path = path.to_string();
            let bytes = read(Path::new(&path)).map_err(|error| {
                SealError::at(policy, entry, format!("the filter `{path}` cannot be read: {error}"))
                    .help(
                        "name a file of the spec, `\"${./filter.bpf}\"`, or a program of a package",
                    )
            })?;
            found.push((path, bytes));
        }
    }
    Ok(found)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if fs::metadata(path)?.permissions().mode() & 0o111 == 0 {
        fs::File::open(path)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    // What it prints depends on nothing of this user's, nor on a folder that a jail may write.
    let mut command = Command::new(path);
    command.env_clear().current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(output) = child.stdout.take() {
        output.take(BYTES_MAX).read_to_end(&mut bytes)?;
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(bytes);
    }
    Err(std::io::Error::other(format!("the program that prints it ended with {status}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_nothing_of_the_users() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("filter");
        fs::write(&program, "#!/bin/sh\n/usr/bin/env\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let printed = String::from_utf8(read(&program).unwrap()).unwrap();
        // Those that the shell itself sets.
        let own = ["PWD=/", "SHLVL=0", "SHLVL=1", "OLDPWD=/", "_=/usr/bin/env"];
        let others: Vec<_> = printed.lines().filter(|line| !own.contains(line)).collect();
        assert_eq!(others, [""; 0]);
        assert!(printed.lines().any(|line| line == "PWD=/"), "{printed}");
    }

    #[test]
    fn a_filter_without_end_is_read_as_far_as_it_is_seen_to_be_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("filter");
        fs::write(&file, vec![6; 1 << 20]).unwrap();
        assert_eq!(read(&file).unwrap().len(), 8 * (INSTRUCTIONS_MAX + 1));
    }
}
