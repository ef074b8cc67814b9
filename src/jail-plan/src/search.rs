//! Where programs of the host look for code to run: PATH, and variables like it.
//! Only their form; no I/O.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The variable that names, for a program outside, the folder in which the jail was started.
pub const PROJECT: &str = "JAIL_PROJECT";

/// The list of folders in which programs are looked for.
pub const PATH: &str = "PATH";

/// Variables that name places where a program looks for code to run, for files that name such code,
/// or for tools that build it: lists separated by colons, or single places.
const LISTS: &[&str] = &[
    PATH,
    "BASH_ENV",
    "CLASSPATH",
    "ENV",
    "GCONV_PATH",
    "GDK_PIXBUF_MODULE_FILE",
    "GEM_HOME",
    "GEM_PATH",
    "GIO_EXTRA_MODULES",
    "GIO_MODULE_DIR",
    "GIT_ASKPASS",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_DIR",
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_TEMPLATE_DIR",
    "GI_TYPELIB_PATH",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SCANNER",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_PLUGIN_SYSTEM_PATH_1_0",
    "GTK_EXE_PREFIX",
    "GTK_PATH",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOCPATH",
    "NIX_CONF_DIR",
    "NIX_LD",
    "NIX_LD_LIBRARY_PATH",
    "NIX_USER_CONF_FILES",
    "NODE_PATH",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "PERL5LIB",
    "PERLLIB",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "QML2_IMPORT_PATH",
    "QML_IMPORT_PATH",
    "QT_PLUGIN_PATH",
    "QT_QPA_PLATFORM_PLUGIN_PATH",
    "RUBYLIB",
    "SHELL",
    "SSH_ASKPASS",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "ZDOTDIR",
];

/// Whether a variable is such a list.
#[must_use]
pub fn is_list(name: &[u8]) -> bool {
    LISTS.iter().any(|list| list.as_bytes() == name)
}

/// The entries of a list that may be searched. A relative or empty entry means another place in
/// every folder, so it is left out whatever `is_trusted` says. An empty list counts as no list: in
/// PATH it would mean the working folder.
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

/// The most links: as many as the kernel follows (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// Every place that `path`, which is absolute, passes through: also folders that it leaves
/// again by `..`, and links, each by a path without links. `link` returns the target of the
/// link at a place, if there is one. `None` if there are more links than the kernel
/// follows.
///
/// # Errors
/// Those of `link`.
pub fn passed<E>(
    path: &[u8],
    mut link: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<Option<Vec<Vec<u8>>>, E> {
    let mut passed = alloc::vec![b"/".to_vec()];
    let mut names: VecDeque<Vec<u8>> = names(path).collect();
    let (mut folder, mut links) = (Vec::new(), 0);
    while let Some(name) = names.pop_front() {
        if name == b".." {
            folder.truncate(folder.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
            continue;
        }
        let place = [&folder, b"/".as_slice(), &name].concat();
        match link(&place)? {
            None => folder.clone_from(&place),
            Some(_) if links == LINKS_MAX => return Ok(None),
            Some(target) => {
                links += 1;
                if target.starts_with(b"/") {
                    folder.clear();
                }
                names = self::names(&target).chain(names).collect();
            }
        }
        passed.push(place);
    }
    Ok(Some(passed))
}

fn names(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use alloc::string::String;

    use super::*;

    #[test]
    fn a_path_leads_past_what_it_leaves_again_and_past_links() {
        let link = |place: &[u8]| -> Result<Option<Vec<u8>>, Infallible> {
            Ok(match place {
                b"/user/bin" => Some(b"../project/result/bin".to_vec()),
                b"/project/result" => Some(b"/store/x".to_vec()),
                b"/loop" => Some(b"loop".to_vec()),
                _ => None,
            })
        };
        for (path, places) in [
            ("/", Some("/")),
            ("/a//./b/", Some("/ /a /a/b")),
            ("/a/b/../../c", Some("/ /a /a/b /c")),
            ("/../..", Some("/")),
            (
                "/user/bin",
                Some("/ /user /user/bin /project /project/result /store /store/x /store/x/bin"),
            ),
            ("/loop/x", None),
        ] {
            let Ok(passed) = passed(path.as_bytes(), link);
            let passed = passed.map(|places| String::from_utf8(places.join(&b' ')).unwrap());
            assert_eq!(passed.as_deref(), places, "{path}");
        }
    }

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
        // The variable with the place of jailgen's state stays.
        assert!(is_list(b"XDG_CONFIG_HOME") && !is_list(b"XDG_STATE_HOME"));
    }
}
