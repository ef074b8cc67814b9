//! Messages of Nix when it fails, and what to do then.

/// The parts that an error message must all contain, and what to do. The first match counts.
const REMEDIES: &[(&[&str], &str)] = &[
    (
        &["cannot connect to socket", "Permission denied"],
        "you may not use the Nix daemon: ask the administrator of this machine (`jailgen doctor` says what to change)",
    ),
    (
        &["cannot connect to socket"],
        "the Nix daemon does not answer: start it as root (`nix-daemon`; `jailgen doctor` says how this machine does it)",
    ),
    (&["/big-lock", "Permission denied"], NO_DAEMON),
    // The first message of a client if root has used the store without a daemon.
    (&["could not set permissions on '/nix/var", "not permitted"], NO_DAEMON),
    (
        &["the group '", "specified in 'build-users-group'"],
        "Nix as root needs build users: set `build-users-group =` in nix.conf, or create the group `nixbld`",
    ),
    (
        &["the build users group", "has no members"],
        "Nix as root needs build users: set `build-users-group =` in nix.conf, or add users to the group",
    ),
    (
        &["NAR hash mismatch in input"],
        "an input has changed since it was pinned: pin it again with `--override-input NAME REF`",
    ),
    (&["--no-update-lock-file"], "flake.lock does not pin every input: emit the spec again"),
    (
        &["resolve host"],
        "DNS does not know the name of that server: is there a network? Without one, only what is in the store \
         already can be built: pin inputs with `--override-input NAME path:/…`",
    ),
    (
        &["unable to download", "HTTP error 404"],
        "it does not exist on that server, or is not public: check the name of the input",
    ),
    (
        &["unable to download", "HTTP error 403"],
        "the server refuses: it may limit requests (GitHub does; `access-tokens` in nix.conf raises the limit)",
    ),
    (
        &["unable to download", "HTTP error 401"],
        "the server wants credentials: `access-tokens` or `netrc-file` in nix.conf",
    ),
    (
        &["unable to download", "ertificate"],
        "the server's certificate is not trusted: behind a proxy of your own, set NIX_SSL_CERT_FILE to the certificate of its authority",
    ),
    (
        &["unable to download", "onnect to server"],
        "that server does not answer: is there a network, or a proxy that `https_proxy` must name?",
    ),
    (
        &["unable to download", "imeout"],
        "that server does not answer in time: is there a network, or a proxy that `https_proxy` must name?",
    ),
    (
        &["unable to download"],
        "without a network, only what is in the store already can be built: pin inputs with `--override-input NAME path:/…`",
    ),
    (
        &["No space left on device"],
        "the disk is full: `jailgen gc` and `nix-collect-garbage` make room",
    ),
    (&["Read-only file system"], "the store, or Nix's own state, is on a read-only file system"),
    (&["kernel namespaces that are required for sandboxing"], SANDBOX),
    (&["clon", "Operation not permitted"], SANDBOX),
    (&["private mount namespace"], SANDBOX),
    (&["mounting /proc"], SANDBOX),
    (
        &["is required to build", "but I am a"],
        "this machine builds only for its own processor: give Nix a builder for the other one (`builders` in nix.conf)",
    ),
    (
        &["Required system", "Current system"],
        "this machine builds only for its own processor: give Nix a builder for the other one (`builders` in nix.conf)",
    ),
    (&["refusing to evaluate"], "allow it where nixpkgs is imported, or take another package"),
];

const NO_DAEMON: &str = "this user may not write to the store, and no Nix daemon runs: start one as root \
                         (`nix-daemon`; `jailgen doctor` says how this machine does it)";

const SANDBOX: &str = "Nix cannot make its sandbox here, as in many containers: let the container make namespaces, or set \
                       `sandbox = false` in the nix.conf of the store's owner";

/// What to do about Nix's message, where that is known.
pub(super) fn remedy(stderr: &str) -> Option<&'static str> {
    // The last one ends Nix; those before may say why.
    errors(stderr).into_iter().rev().find_map(|error| {
        let fits = |(parts, _): &&(&[&str], &str)| parts.iter().all(|part| error.contains(part));
        REMEDIES.iter().find(fits).map(|(_, remedy)| *remedy)
    })
}

/// Nix's errors, in their order. Not among them: warnings, for Nix went on after them, and what
/// builders print.
fn errors(stderr: &str) -> Vec<String> {
    let mut errors: Vec<String> = Vec::new();
    let mut inside = false;
    for line in stderr.lines() {
        if line.starts_with("error:") {
            inside = true;
            errors.push(String::new());
        } else if !line.starts_with([' ', '\t']) && !line.is_empty() {
            // A line without indentation starts a message of its own.
            inside = false;
        }
        let is_log = line.trim_start().starts_with('>');
        if let Some(error) = errors.last_mut().filter(|_| inside && !is_log) {
            error.push_str(line.trim_end());
            error.push('\n');
        }
    }
    errors
}

/// Why Nix failed, in one line: the innermost message of its last error.
pub(super) fn last_line(stderr: &str) -> Option<String> {
    let last = errors(stderr).pop()?;
    let messages = last.lines().filter_map(|line| line.trim().strip_prefix("error:"));
    let message = messages.map(str::trim).rfind(|message| !message.is_empty())?;
    let reason = last.lines().find_map(|line| line.trim().strip_prefix("Reason:"));
    Some(match reason {
        Some(reason) => format!("{message} {}", reason.trim()),
        None => message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNINGS: &str = "warning: the group 'nixbld' specified in 'build-users-group' does not exist\n\
        warning: error: unable to download 'https://x/y': Couldn't resolve host name (6); retrying in 593 ms\n\
        copying path '/nix/store/x' from 'https://x'...\n";

    #[track_caller]
    fn check(error: &str, says: &str) {
        for stderr in [error.to_owned(), format!("{WARNINGS}{error}")] {
            let remedy = remedy(&stderr).unwrap_or_default();
            assert!(remedy.contains(says), "{stderr}\n{remedy}");
        }
    }

    #[test]
    fn each_cause_has_its_own_remedy_whatever_nix_warned_of_before() {
        for (error, says) in [
            (
                "error:\n       … This command\n\n       error: opening lock file \"/nix/var/nix/db/big-lock\": Permission denied",
                "may not write",
            ),
            (
                "error: could not set permissions on '/nix/var/nix/profiles/per-user' to 755: Operation not permitted",
                "no Nix daemon runs",
            ),
            (
                "error: Cannot build '/x.drv'.\n       Reason: platform mismatch\n       Required system: 'aarch64-linux'\n       Current system: 'x86_64-linux'",
                "processor",
            ),
            (
                "error:\n       … while fetching\n\n       error: Failed to open archive (error: unable to download 'http://x': Could not connect to server (7))",
                "does not answer:",
            ),
            (
                "error: cannot connect to socket at '/n/socket': No such file or directory",
                "does not answer",
            ),
            ("error: cannot connect to socket at '/n/socket': Permission denied", "may not use"),
            (
                "error: opening lock file '/nix/var/nix/db/big-lock': Permission denied",
                "may not write",
            ),
            (
                "error: the group 'nixbld' specified in 'build-users-group' does not exist",
                "create the group",
            ),
            ("error: the build users group 'daemon' has no members", "add users"),
            ("error: unable to download 'https://x/y': Couldn't resolve host name (6)", "DNS"),
            (
                "error: unable to download 'https://x/y': Could not resolve hostname (6) Could not resolve host: x",
                "DNS",
            ),
            (
                "error: unable to download 'http://x/y': Couldn't connect to server (7)",
                "does not answer:",
            ),
            ("error: unable to download 'http://x/y': Timeout was reached (28)", "in time"),
            (
                "error: unable to download 'http://x/y': HTTP error 404\n\n       response body:",
                "does not exist on that server",
            ),
            ("error: unable to download 'http://x/y': HTTP error 403", "refuses"),
            (
                "error: unable to download 'http://x/y': Problem with the SSL CA cert (path? access rights?) (77)",
                "without a network",
            ),
            (
                "error: unable to download 'http://x/y': SSL peer certificate or SSH remote key was not OK (60)",
                "is not trusted",
            ),
            ("error: writing to file: No space left on device", "disk is full"),
            (
                "error: a 'aarch64-linux' with features {} is required to build '/x.drv', but I am a 'x86_64-linux'",
                "processor",
            ),
            ("error: cloning builder process: Operation not permitted", "sandbox = false"),
            (
                "error: this system does not support the kernel namespaces that are required for sandboxing; use '--no-sandbox'",
                "sandbox = false",
            ),
            (
                "error: Package ‘x’ in /y has an unfree license (‘unfree’), refusing to evaluate.",
                "another package",
            ),
        ] {
            check(error, says);
        }
    }

    #[test]
    fn what_is_only_warned_of_or_printed_by_a_builder_is_no_cause() {
        assert_eq!(remedy(WARNINGS), None);
        let log = "error: builder for '/nix/store/x.drv' failed with exit code 1;\n       last 2 log lines:\n       \
                   > error: unable to download 'https://x': Couldn't resolve host name (6)\n       > No space left on device\n";
        assert_eq!(remedy(log), None);
        assert_eq!(remedy("error: attribute 'no-such' missing\n\n       at /x/y.nix:3:4:\n"), None);
    }

    #[test]
    fn one_line_is_the_innermost_message_of_the_last_error() {
        for (stderr, line) in [
            ("warning: x\nerror: the group\n", "the group"),
            (
                "error:\n       … while fetching\n\n       error: unable to download\n",
                "unable to download",
            ),
            ("error: first\nerror: second\n       at x\n", "second"),
            (
                "error: Cannot build 'x'.\n       Reason: platform mismatch\n",
                "Cannot build 'x'. platform mismatch",
            ),
        ] {
            assert_eq!(last_line(stderr).as_deref(), Some(line));
        }
        assert_eq!(last_line("warning: error: x\n"), None);
    }

    #[test]
    fn an_error_before_the_last_one_may_be_the_cause() {
        let two = "error: the build users group 'nixbld' has no members\nerror: 1 dependencies of derivation '/x.drv' failed to build\n";
        assert!(remedy(two).is_some_and(|remedy| remedy.contains("add users")));
        let nested = "error:\n       … while fetching the input 'github:a/b'\n\n       error: unable to download 'https://x': HTTP error 404\n";
        assert!(
            remedy(nested).is_some_and(|remedy| remedy.contains("does not exist on that server"))
        );
    }
}
