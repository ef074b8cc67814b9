//! Where programs of the host look for what they run: PATH, and variables like it. Only their form; no I/O.

use alloc::vec::Vec;

/// The variable that tells a program outside which folder the jail was started in.
pub const PROJECT: &str = "JAIL_PROJECT";

/// The list of folders in which programs are looked for.
pub const PATH: &str = "PATH";

/// The variables that name places where a program looks for code to run: lists of them with colons, or one place.
const LISTS: &[&str] = &[
    PATH,
    "BASH_ENV",
    "CLASSPATH",
    "ENV",
    "GCONV_PATH",
    "GIO_EXTRA_MODULES",
    "GI_TYPELIB_PATH",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_DIR",
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_TEMPLATE_DIR",
    "GST_PLUGIN_PATH",
    "GTK_PATH",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOCPATH",
    "NODE_PATH",
    "PERL5LIB",
    "PERLLIB",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "QML2_IMPORT_PATH",
    "QT_PLUGIN_PATH",
    "RUBYLIB",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_DIRS",
];

/// Whether a variable is such a list.
#[must_use]
pub fn is_list(name: &[u8]) -> bool {
    LISTS.iter().any(|list| list.as_bytes() == name)
}

/// The entries of a list that may be searched. What is relative, or empty, means another place in every folder, so it is
/// left out whatever `is_trusted` says. An empty list is none: for PATH it would mean the working folder.
pub fn clean(list: &[u8], mut is_trusted: impl FnMut(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    for entry in list.split(|byte| *byte == b':') {
        if entry.starts_with(b"/") && is_trusted(entry) {
            if !kept.is_empty() {
                kept.push(b':');
            }
            kept.extend_from_slice(entry);
        }
    }
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_entries_that_are_trusted_are_searched() {
        for (list, kept) in [
            ("/a:/b", Some("/a:/b")),
            (":/a::.:b:./c:../d:~/e:", Some("/a")),
            ("/a:/mine/bin:/b", Some("/a:/b")),
            ("/mine", None),
            ("", None),
            (":", None),
        ] {
            let cleaned = clean(list.as_bytes(), |entry| !entry.starts_with(b"/mine"));
            assert_eq!(cleaned.as_deref(), kept.map(str::as_bytes), "{list}");
        }
        assert!(is_list(b"PATH") && is_list(b"LD_PRELOAD") && !is_list(b"HOME"));
    }
}
