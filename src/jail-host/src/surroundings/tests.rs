//! Variables and programs, around a project in a folder of its own.

use std::fs;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn get<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(OsStr::new(name)).and_then(|value| value.to_str())
}

struct Scratch {
    folder: tempfile::TempDir,
    project: Project,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["project/bin", "bin"] {
            let place = folder.path().join(name);
            fs::create_dir_all(&place).unwrap();
            let tool = place.join("tool");
            fs::write(&tool, "").unwrap();
            fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = folder.path().join("project").canonicalize().unwrap();
        let project = Project::at(&path, Some(path.clone())).unwrap();
        Self { folder, project }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().canonicalize().unwrap().join(name).display().to_string()
    }
}

#[test]
fn a_path_is_mentioned_as_a_whole_or_as_a_beginning() {
    for value in ["/p", "/p/x", "--require=/p/x", "-I/p", "/a:/p:/b", "/px:/p"] {
        assert!(mentions(value.as_bytes(), b"/p"), "{value}");
    }
    for value in ["", "/", "/px", "/p-x", "/p.old", "p"] {
        assert!(!mentions(value.as_bytes(), b"/p"), "{value}");
    }
}

#[test]
fn handlers_have_the_launchers_variables_but_for_those_that_lead_into_the_project() {
    let scratch = Scratch::new();
    let inside = scratch.path("project/x.js");
    let launcher = environment(&[
        ("HOME", "/home/u"),
        ("NODE_OPTIONS", &format!("--require {inside}")),
        ("JAIL_PROJECT", "/elsewhere"),
        ("PWD", &inside),
        ("OLDPWD", "/x"),
    ]);
    let handlers = scratch.project.of_handlers(&Environment::new(), &launcher);
    let expected = environment(&[
        ("HOME", "/home/u"),
        ("JAIL_PROJECT", &scratch.path("project")),
        ("PWD", "/"),
    ]);
    assert_eq!(handlers, expected);
}

#[test]
fn what_a_script_exports_stays_but_for_where_its_lists_lead() {
    let scratch = Scratch::new();
    let (inside, outside) = (scratch.path("project/bin"), scratch.path("bin"));
    let launcher = environment(&[("PATH", "/gone/but/let/stand"), ("OPTIONS", &inside)]);
    // A link in the project leads out for now, and a folder of the project can become a link.
    std::os::unix::fs::symlink(&outside, scratch.path("project/out")).unwrap();
    std::os::unix::fs::symlink(scratch.path("project/out"), scratch.path("link")).unwrap();
    let [out, link, up] = ["project/out", "link", "project/bin/../../bin"].map(|n| scratch.path(n));
    let path = format!("{inside}::bin:{out}:{link}:{up}:{outside}:/gone/but/let/stand:/gone/too");
    let exported = environment(&[("PATH", &path), ("TOKEN", &inside), ("OPTIONS", &inside)]);
    let handlers = scratch.project.of_handlers(&exported, &launcher);
    assert_eq!(get(&handlers, "PATH"), Some(&*format!("{outside}:/gone/but/let/stand")));
    assert_eq!(get(&handlers, "TOKEN"), Some(&*inside), "the script has said so");
    assert_eq!(get(&handlers, "OPTIONS"), None);
}

#[test]
fn a_program_of_a_recorded_tree_is_not_found() {
    let scratch = Scratch::new();
    let trees = scratch.folder.path().join("trees");
    fs::create_dir(&trees).unwrap();
    let project = Project { trees: Some(trees.clone()), ..scratch.project };
    let outside = scratch.folder.path().canonicalize().unwrap().join("bin");
    let path = environment(&[("PATH", outside.to_str().unwrap())]);
    assert_eq!(project.program("tool", &path), Some(outside.join("tool")), "control");
    fs::write(trees.join(trust::path_name(outside.as_os_str().as_bytes())), "").unwrap();
    assert_eq!(project.program("tool", &path), None);
    let exported = project.of_handlers(&path, &Environment::new());
    assert_eq!(get(&exported, "PATH"), None);
}

#[test]
fn a_program_is_found_outside_of_the_project_and_links_are_followed() {
    let scratch = Scratch::new();
    let (inside, outside) = (scratch.path("project/bin/tool"), scratch.path("bin/tool"));
    for (link, target) in [("in", &inside), ("out", &outside)] {
        std::os::unix::fs::symlink(target, scratch.path(link)).unwrap();
    }
    let path = environment(&[("PATH", &format!("/gone:{}", scratch.path("bin")))]);
    let find = |name: &str| scratch.project.program(name, &path);
    for name in ["tool", &outside, &scratch.path("out")] {
        assert_eq!(find(name), Some(outside.clone().into()), "{name}");
    }
    for name in [&inside, &scratch.path("in"), "other", "./tool", "bin/tool", "/gone", "/"] {
        assert_eq!(find(name), None, "{name}");
    }
}
