//! The files of a jail's own spec are read-only inside, wherever the jail could write them.

use std::path::Path;

use jail_plan::{Access, Missing};

use crate::jail::{Caller, Jail, bind_to, callers};

/// A jail that jailgen has built of these files.
fn built_of(caller: Caller, files: &[&str]) -> Jail {
    let jail = Jail::new(caller);
    let mut list = Vec::new();
    for file in files {
        let path = jail.file(file, "spec");
        for folder in path.ancestors().skip(1).take_while(|path| *path != jail.folder.path()) {
            std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
        }
        list.extend(path.to_str().expect("UTF-8").bytes().chain([0]));
    }
    write_list(&jail, &list);
    jail
}

fn write_list(jail: &Jail, list: &[u8]) {
    let folder = jail.folder.path().join("state/jailgen/kept");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("test"), list).expect("a file");
}

#[track_caller]
fn is_spec(file: &Path) {
    assert_eq!(std::fs::read_to_string(file).expect("it is there"), "spec");
}

/// Every way to change a file by its name.
const CHANGES: [&str; 5] = [
    "echo x >>$F",
    "rm -f $F",
    "echo x >new; mv new $F",
    "ln $F other && echo x >>other",
    "chmod 777 $F",
];

#[test]
fn the_spec_and_what_it_imports_cannot_be_changed_and_the_rest_of_the_folder_can() {
    for caller in callers() {
        let jail = built_of(caller, &["project/x.jail", "project/lib/deep/part.nix"]);
        for file in ["x.jail", "lib/deep/part.nix"] {
            for change in CHANGES {
                let script = change.replace("$F", file);
                jail.sh(&format!("if {script}; then echo done; else echo refused; fi; cat {file}"))
                    .prints("refused\nspec");
                is_spec(&jail.project().join(file));
            }
        }
        // Nor can what they lie in be moved away.
        jail.sh("mv lib away || echo refused").prints("refused");
        jail.sh("rm new; echo x >beside && echo x >lib/beside && mkdir lib/deep/more && ls")
            .prints("beside\nlib\nx.jail");
        // The control: a jail of which nothing is recorded.
        let jail = built_of(caller, &["project/x.jail"]);
        write_list(&jail, b"");
        jail.sh("echo x >x.jail; cat x.jail").prints("x");
    }
}

#[test]
fn it_is_kept_in_another_folder_and_at_another_place_too() {
    for caller in callers() {
        let jail = built_of(caller, &["home/specs/x.jail"]);
        let specs = jail.home().join("specs");
        let jail = jail.op(bind_to(&specs, "/specs", Access::ReadWrite, Missing::Fail));
        jail.sh("echo x >>/specs/x.jail || echo refused; echo x >/specs/other; ls /specs")
            .prints("refused\nother\nx.jail");
        is_spec(&specs.join("x.jail"));
    }
}

#[test]
fn what_is_not_there_or_is_no_longer_the_spec_is_left_alone() {
    for caller in callers() {
        let jail = built_of(caller, &["project/x.jail"]);
        let spec = jail.project().join("x.jail");
        std::fs::remove_file(&spec).expect("the spec");
        jail.sh("echo x >x.jail; cat x.jail").prints("x");
        std::fs::remove_file(&spec).expect("the file");
        // A link would lead the mount elsewhere.
        let other = jail.file("home/other", "other");
        std::os::unix::fs::symlink(&other, &spec).expect("a link");
        jail.sh("readlink x.jail | grep -c other").prints("1");
        // Something that the plan puts there lies over it.
        let jail = built_of(caller, &["project/x.jail"]);
        let other = jail.file("home/other", "other");
        let op = bind_to(&other, jail.project().join("x.jail"), Access::ReadWrite, Missing::Fail);
        jail.op(op).sh("cat x.jail; echo; echo new >x.jail; cat x.jail").prints("other\nnew");
        let jail = built_of(caller, &["home/x.jail"]);
        jail.sh("cat ../home/x.jail || echo absent").prints("absent");
    }
}
