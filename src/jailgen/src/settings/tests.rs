//! Valid files, what is refused with its line, what an edit leaves alone,
//! and whose file is trusted.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::*;

fn home() -> Option<&'static Path> {
    Some(Path::new("/home/u"))
}

const ALL: &str = "\
# mine
color = \"never\"
kit = \"path:~/kit\"
commands = \"~/.local/bin\"

[override-input]
nixpkgs = \"path:/nix/store/x-source\"  # from this machine
\"llm-agents/nixpkgs\" = \"github:NixOS/nixpkgs/nixos-25.11\"

[nix]
sandbox = false
max-jobs = 4
substituters = []
experimental-features = [\"nix-command\", \"flakes\"]
";

#[test]
fn a_file_says_what_holds_and_on_which_line() {
    let settings = parse(ALL, home()).unwrap();
    assert_eq!(settings.color, Some(Setting { value: Color::Never, line: 2 }));
    assert_eq!(settings.kit, Some(Setting { value: "path:/home/u/kit".into(), line: 3 }));
    assert_eq!(settings.commands, Some(Setting { value: "/home/u/.local/bin".into(), line: 4 }));
    assert_eq!(settings.inputs["nixpkgs"].line, 7);
    assert_eq!(
        settings.overrides(),
        [
            ("llm-agents/nixpkgs".into(), "github:NixOS/nixpkgs/nixos-25.11".into()),
            ("nixpkgs".into(), "path:/nix/store/x-source".into()),
        ]
    );
    assert_eq!(
        settings.nix_config(),
        "experimental-features = nix-command flakes\nmax-jobs = 4\nsandbox = false\nsubstituters = \n"
    );
    assert_eq!(parse("", None).unwrap(), Settings::none());
}

#[test]
fn what_is_not_known_is_refused_with_its_line_and_the_nearest_name() {
    for (text, line, message, help) in [
        ("\ncolour = \"never\"", 2, "unknown key `colour`", "did you mean `color`?"),
        ("whatever = 1", 1, "unknown key `whatever`", "there are `color`, `commands`, `kit`"),
        ("color = \"blue\"", 1, "`color` has no such value", "\"auto\", \"always\""),
        ("color = true", 1, "`color` takes a string", "write \"auto\""),
        ("kit = \"./kit\"", 1, "`kit` takes a reference", "path:/FOLDER"),
        ("kit = \"github:a/b\"", 1, "`kit` takes the path of a kit", "path:/FOLDER"),
        ("commands = \"bin\"", 1, "`commands` takes an absolute path", "~/.local/bin"),
        ("nix = 1", 1, "`nix` takes a table", "[nix]"),
        ("[override-input]\nnixpgks = \"x\"", 2, "no input is called `nixpgks`", "`nixpkgs`?"),
        ("[override-input]\nmine = \"x\"", 2, "no input is called `mine`", "`--override-input`"),
        ("[override-input]\nnixpkgs = \"path:.\"", 2, "takes a reference to a flake", "path:/"),
        ("[override-input]\nnixpkgs = \"--impure\"", 2, "takes a reference to a flake", "path:/"),
        ("[nix]\nsandbox = 1.5", 2, "`sandbox` takes a string", "\"false\""),
        ("[nix]\nsandbox = \"no\\npost-build-hook = /x\"", 2, "`sandbox` takes a string", ""),
        ("[nix]\n\"a = b\\nc\" = \"x\"", 2, "is not the name of a Nix setting", "nix.conf(5)"),
        ("color = \"auto\"\ncolor = \"auto\"", 2, "duplicate key", ""),
        ("color = ", 1, "", ""),
    ] {
        let fault = parse(text, home()).unwrap_err();
        assert_eq!(fault.line, Some(line), "{text}: {fault}");
        assert!(fault.message.contains(message), "{text}: {fault}");
        let found = fault.help.unwrap_or_default();
        assert!(found.contains(help), "{text}: {found}");
    }
    let fault = parse("kit = \"path:~/kit\"", None).unwrap_err();
    assert!(fault.message.contains("no home folder"), "{fault}");
}

#[test]
fn an_edit_leaves_comments_and_the_rest_alone() {
    let set = |text: &str, key, value| set(text, key, value, home());
    let edited = set(ALL, "override-input.nixpkgs", "path:/nix/store/y-source").unwrap();
    assert_eq!(edited, ALL.replace("/x-source", "/y-source"));
    let edited = set(ALL, "nix.cores", "2").unwrap();
    assert_eq!(edited, format!("{ALL}cores = \"2\"\n"));
    let fresh = set("", "override-input.llm-agents/nixpkgs", "path:/x").unwrap();
    assert_eq!(fresh, "[override-input]\n\"llm-agents/nixpkgs\" = \"path:/x\"\n");
    assert_eq!(unset(ALL, "color").unwrap().unwrap(), ALL.replace("color = \"never\"\n", ""));
    assert_eq!(unset("# mine\nkit = \"/x\"\n", "kit").unwrap().unwrap(), "# mine\n");
    assert_eq!(unset(&fresh, "override-input.nixpkgs").unwrap(), None);
    assert_eq!(unset("", "kit").unwrap(), None);

    for (key, value, message) in [
        ("colour", "never", "there is no setting `colour`"),
        ("nix", "x", "there is no setting `nix`"),
        ("nix.", "x", "there is no setting `nix.`"),
        ("override-input.mine", "x", "no input is called `mine`"),
        ("kit", "here", "`kit` takes the path of a kit"),
    ] {
        let fault = set(ALL, key, value).unwrap_err();
        assert!(fault.message.contains(message), "{key}: {fault}");
    }
    // What is in the way of reading the file can be removed.
    assert_eq!(unset("colour = 1\n", "colour").unwrap().unwrap(), "");
    assert!(unset("colour = ", "colour").unwrap_err().line.is_some());
}

/// A home folder with this file, and whether it is trusted if `jailed` is the only place
/// that a jail could write.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        for folder in [".config/jailgen", "jailed"] {
            fs::create_dir_all(scratch.path(folder)).unwrap();
            fs::set_permissions(scratch.path(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        for file in [".config/jailgen/config.toml", "jailed/config.toml"] {
            fs::write(scratch.path(file), "# here").unwrap();
            fs::set_permissions(scratch.path(file), fs::Permissions::from_mode(0o600)).unwrap();
        }
        scratch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn read(&self, file: &str, jailed: &[&str]) -> Result<Option<String>, String> {
        let jailed: Vec<_> = jailed.iter().map(|name| self.path(name)).collect();
        let is_outside = |place: &Path| !jailed.iter().any(|tree| place.starts_with(tree));
        let covered = self.path(".config/jailgen");
        read(&self.path(file), Some(&covered), &is_outside).map_err(|error| error.to_string())
    }
}

#[test]
fn only_a_file_that_no_jail_and_no_other_user_could_write_is_believed() {
    let (own, elsewhere) = (".config/jailgen/config.toml", "jailed/config.toml");
    let here = Ok(Some("# here".to_owned()));
    let scratch = Scratch::new();
    assert_eq!(scratch.read(own, &[]), here);
    // The launcher keeps it from every jail, whatever else of the home folder one is given.
    assert_eq!(scratch.read(own, &[".config"]), here);
    assert_eq!(scratch.read(own, &["."]), here);
    assert_eq!(scratch.read(elsewhere, &[]), here, "the control");
    let refused = scratch.read(elsewhere, &["jailed"]).unwrap_err();
    assert_eq!(refused, "a jail could write it, or replace a link on the way to it");
    assert_eq!(scratch.read(".config/jailgen/nothing", &["."]), Ok(None));

    fs::remove_file(scratch.path(own)).unwrap();
    symlink(scratch.path(elsewhere), scratch.path(own)).unwrap();
    assert_eq!(scratch.read(own, &[]), here, "a link of one's own");
    assert!(scratch.read(own, &["jailed"]).is_err());
    fs::remove_file(scratch.path(elsewhere)).unwrap();
    assert!(scratch.read(own, &[]).is_err(), "a link that leads nowhere is no missing file");

    for (path, mode) in [(own, 0o602), (own, 0o620), (".config/jailgen", 0o770)] {
        let scratch = Scratch::new();
        fs::set_permissions(scratch.path(path), fs::Permissions::from_mode(mode)).unwrap();
        let refused = scratch.read(own, &[]).unwrap_err();
        assert!(refused.contains("chmod go-w"), "{path}: {refused}");
    }
    let scratch = Scratch::new();
    fs::remove_file(scratch.path(own)).unwrap();
    fs::create_dir(scratch.path(own)).unwrap();
    assert!(scratch.read(own, &[]).unwrap_err().contains("not a regular file"));
    if rustix::process::geteuid().is_root() {
        let scratch = Scratch::new();
        std::os::unix::fs::chown(scratch.path(own), Some(1000), None).unwrap();
        assert!(scratch.read(own, &[]).unwrap_err().contains("belongs to another user"));
    }
}
