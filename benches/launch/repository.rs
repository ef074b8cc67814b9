//! A repository of git as `git init` makes it, but for its samples of hooks.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use super::contender::PROJECT;

/// Makes it in the project of `folder`, which belongs to the user.
pub(crate) fn make(folder: &Path, user: Option<u32>) {
    let git = folder.join(PROJECT).join(".git");
    let own = |path: &Path| chown(path, user, user).expect("its owner");
    for name in ["hooks", "info", "objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        fs::create_dir_all(git.join(name)).expect("a folder");
    }
    for (name, text) in [
        ("HEAD", "ref: refs/heads/main\n"),
        ("config", "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"),
        ("description", "a repository\n"),
        ("info/exclude", "*~\n"),
    ] {
        fs::write(git.join(name), text).expect("a file");
        own(&git.join(name));
    }
    for name in ["", "hooks", "info", "objects", "objects/info", "objects/pack", "refs"] {
        own(&git.join(name));
    }
    fs::create_dir_all(folder.join("home")).expect("a folder");
    [folder.join(PROJECT), folder.join("home")].iter().for_each(|path| own(path));
}
