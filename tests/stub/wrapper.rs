//! The wrapper as a file: however it is started, it is the plan that runs, and where
//! it cannot, nothing does.

use std::os::unix::fs::PermissionsExt;

use crate::jail::{Jail, Ran, callers};

#[test]
fn a_wrapper_runs_however_it_is_started() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let run = |script: &str| {
            jail.outside_sh(&format!("ln -sf \"$W\" link; ln -sf link link2; {script}"))
                .prints("in jail");
        };
        let inside = "-c 'echo in $(uname -n)'";
        run(&format!("\"$W\" {inside}"));
        run(&format!("./link {inside}"));
        run(&format!("./link2 {inside}"));
        run(&format!("PATH=.:$PATH; link {inside}"));
        run(&format!("cd /; ./\"${{W#/}}\" {inside}")
            .replace("cd /; ", "cd ..; cd project; ")
            .replace("./\"${W#/}\"", "../wrapper"));
        run(&format!("exec \"$W\" {inside}"));
        run(&format!("bash -c 'exec -a other \"$W\" \"$@\"' bash {inside}"));
        run(&format!("dash -c '\"$W\" \"$@\"' dash {inside}"));
        run(&format!("env -i HOME=\"$HOME\" \"$W\" {inside}"));
        run(&format!("nice \"$W\" {inside}"));
    }
}

#[test]
fn where_the_stub_cannot_start_nothing_runs() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let text = std::fs::read_to_string(jail.wrapper()).expect("a wrapper");
        let rest = text.split_once('\n').expect("lines").1;
        let foreign = jail.folder.path().join("foreign");
        // The head of a program for another processor.
        std::fs::write(&foreign, b"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\0\x15")
            .expect("a file");
        std::fs::set_permissions(&foreign, std::fs::Permissions::from_mode(0o755))
            .expect("executable");
        let wrapper = jail.raw_wrapper(format!("#!{}\n{rest}", foreign.display()));
        // execve says ENOEXEC, and shells then take the file for a script.
        for shell in ["sh", "bash", "dash"] {
            let ran = Ran::of(
                jail.command(shell)
                    .env("W", &wrapper)
                    .args(["-c", "\"$W\" -c 'echo ran'; exit $?"]),
            );
            assert!(matches!(ran.code, Some(125..=127)), "{shell}: {ran:?}");
            assert_eq!(ran.stdout, "", "{shell}");
            let ran = Ran::of(jail.command(shell).arg(&wrapper).args(["-c", "echo ran"]));
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{shell} as a script");
        }
    }
}
