//! A package in a temporary folder, and what the wrapper forwards of it.

#![expect(clippy::disallowed_methods, reason = "the tests start programs")]

use std::fs;
use std::path::Path;
use std::process::Command;

use expect_test::expect;

use super::Forward;

struct Folders {
    folder: tempfile::TempDir,
}

impl Folders {
    /// A package with these files, and an empty output.
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        for (path, content) in files {
            let path = folder.path().join("package").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Self { folder }
    }

    fn out(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }

    fn forward(&self, command: &str) -> Vec<String> {
        let packages = [self.folder.path().join("package")];
        let (out, program) = (self.out(), "demo");
        Forward { out: &out, command, program, packages: &packages }.write().unwrap()
    }

    fn read(&self, path: &str) -> String {
        let text = fs::read_to_string(self.out().join(path)).unwrap();
        text.replace(self.folder.path().to_str().unwrap(), "")
    }
}

const ENTRY: &str = "\
[Desktop Entry]
Name=Demo
Exec=demo --open %U
TryExec=/absent/demo
DBusActivatable=true
Actions=new

[Desktop Action new]
Exec=\"demo\" --new
";

#[test]
fn a_desktop_entry_starts_the_jail() {
    let entry = ENTRY.replace("TryExec=/absent/demo\n", "");
    let folders = Folders::with(&[("share/applications/demo.desktop", &entry)]);
    assert_eq!(folders.forward("jailed-demo"), Vec::<String>::new());
    expect![[r#"
        [Desktop Entry]
        Name=Demo
        Exec=/out/bin/jailed-demo --open %U
        Actions=new

        [Desktop Action new]
        Exec=/out/bin/jailed-demo --new
    "#]]
    .assert_eq(&folders.read("share/applications/demo.desktop"));
}

#[test]
fn an_entry_that_would_start_something_outside_the_jail_is_left_out() {
    for exec in
        ["demo-helper %U", "/usr/bin/demo", "env A=1 demo", "\"/opt/x/demo\" y", "sh -c demo"]
    {
        let entry = ENTRY.replace("\"demo\" --new", exec).replace("TryExec=/absent/demo\n", "");
        let folders = Folders::with(&[("share/applications/demo.desktop", &entry)]);
        let reported = folders.forward("demo");
        assert!(
            reported.len() == 1 && reported[0].contains("outside the jail"),
            "{exec}: {reported:?}"
        );
        assert!(!folders.out().join("share/applications/demo.desktop").exists(), "{exec}");
    }
}

#[test]
fn manuals_and_icons_are_those_of_the_package() {
    let folders = Folders::with(&[
        ("share/man/man1/demo.1", "manual"),
        ("share/icons/hicolor/demo.svg", "icon"),
        ("share/dbus-1/services/demo.service", "service"),
        ("etc/xdg/autostart/demo.desktop", ENTRY),
        ("bin/demo-helper", "program"),
    ]);
    folders.forward("jailed-demo");
    assert_eq!(folders.read("share/man/man1/demo.1"), "manual");
    assert_eq!(folders.read("share/icons/hicolor/demo.svg"), "icon");
    let names = |path: &Path| {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(
        names(&folders.out()),
        ["share"],
        "no program, and nothing that is started by itself"
    );
    assert_eq!(names(&folders.out().join("share")), ["icons", "man"]);
}

#[test]
fn bash_completes_the_command_as_the_program() {
    let completion = "_demo() { COMPREPLY=(--colour); }\ncomplete -o nospace -F _demo demo\n";
    let folders = Folders::with(&[("share/bash-completion/completions/demo", completion)]);
    folders.forward("jailed-demo");
    let file = folders.out().join("share/bash-completion/completions/jailed-demo");
    let script = format!(". '{}'; complete -p jailed-demo", file.display());
    let output = Command::new("bash").args(["-euc", &script]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "complete -o nospace -F _demo jailed-demo\n"
    );
}

#[test]
fn a_command_of_the_programs_own_name_has_its_completions_as_they_are() {
    let files = [
        "share/bash-completion/completions/demo",
        "share/fish/vendor_completions.d/demo.fish",
        "share/zsh/site-functions/_demo",
    ];
    let folders = Folders::with(&files.map(|file| (file, "theirs")));
    folders.forward("demo");
    for file in files {
        assert_eq!(folders.read(file), "theirs", "{file}");
    }
}

#[test]
fn fish_and_zsh_are_told_whose_completions_they_are() {
    let folders = Folders::with(&[
        ("share/fish/vendor_completions.d/demo.fish", "complete -c demo -s x"),
        ("share/zsh/site-functions/_demo", "#compdef demo"),
    ]);
    folders.forward("jailed-demo");
    expect![[r#"
        source /package/share/fish/vendor_completions.d/demo.fish
        complete --command jailed-demo --wraps demo
    "#]]
    .assert_eq(&folders.read("share/fish/vendor_completions.d/jailed-demo.fish"));
    expect![[r#"
        #compdef jailed-demo
        fpath+=(/package/share/zsh/site-functions)
        autoload -Uz _demo && _demo "$@"
    "#]]
    .assert_eq(&folders.read("share/zsh/site-functions/_jailed-demo"));
}
