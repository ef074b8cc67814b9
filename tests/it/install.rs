//! `make install` into a folder, and the jailgen that is there: without the checkout, with and
//! without Nix, and away again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jailgen::kit::Kit;

use crate::harness::{Outcome, Scratch, project};
use crate::real_nix::{Setup, has_user_namespaces, setup};

const SHELL: &str = r#"jail "jailed-sh" pkgs.bashInteractive [ mount-cwd ]"#;

/// The kit of the tests, with a static jailgen in it: nothing is compiled here.
fn kit() -> PathBuf {
    let record = assert_cmd::cargo::cargo_bin!("jailgen").with_file_name("jailgen-kit.json");
    let kit: Kit = serde_json::from_str(&fs::read_to_string(record).unwrap()).unwrap();
    PathBuf::from(kit.locked["path"].as_str().unwrap())
}

fn make(target: &str, root: &Path, prefix: &str) -> String {
    let output = Command::new("make")
        .args(["--no-print-directory", "--directory"])
        .arg(project())
        .args([target, &format!("DESTDIR={}", root.display()), &format!("PREFIX={prefix}")])
        .arg(format!("KIT={}", kit().display()))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

/// A scratch folder with a project, and an installed jailgen in `root`.
fn installed(prefix: &str) -> (Scratch, PathBuf) {
    let scratch = Scratch::outside_of_tmp();
    scratch.write("project/sh.jail", SHELL.as_bytes());
    make("install", &scratch.path("root"), prefix);
    let program = scratch.path("root").join(prefix.trim_start_matches('/')).join("bin/jailgen");
    (scratch, program)
}

fn run(scratch: &Scratch, program: &Path, setup: Option<&Setup>, arguments: &[&str]) -> Outcome {
    let mut command = assert_cmd::Command::new(program);
    command.env_clear().current_dir(scratch.path("project")).args(arguments);
    command.env("HOME", scratch.path("."));
    match setup {
        None => command.env("PATH", "/nonexistent"),
        Some(setup) => command
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("NIX_CONFIG", setup.config())
            .envs(
                std::env::var_os("NIX_DAEMON_SOCKET_PATH").map(|at| ("NIX_DAEMON_SOCKET_PATH", at)),
            ),
    };
    Outcome::of(&command.assert())
}

#[test]
fn an_installed_jailgen_builds_and_runs_jails_without_the_checkout() {
    let Some(setup) = setup() else { return };
    let (scratch, program) = installed("/usr");
    // It finds its kit wherever the tree is, and through a link.
    fs::rename(scratch.path("root/usr"), scratch.path("moved")).unwrap();
    fs::remove_dir_all(scratch.path("root")).unwrap();
    let program =
        scratch.path("moved").join(program.strip_prefix(scratch.path("root/usr")).unwrap());
    std::os::unix::fs::symlink(&program, scratch.path("link")).unwrap();
    let program = scratch.path("link");
    let version = run(&scratch, &program, None, &["--version"]);
    assert_eq!(version.assert_status(0).stdout, format!("jailgen {}\n", env!("CARGO_PKG_VERSION")));
    let arguments = [&["build", "sh.jail"], &setup.overrides()[..]].concat();
    run(&scratch, &program, Some(&setup), &arguments).assert_status(0);
    let flakes = fs::read_dir(scratch.path(".local/state/jailgen/flakes")).unwrap();
    let flake =
        flakes.map(|entry| entry.unwrap().path().join("flake.nix")).find(|file| file.exists());
    let flake = fs::read_to_string(flake.unwrap()).unwrap();
    let kit = scratch.path("moved/lib/jailgen/kit").canonicalize().unwrap();
    assert!(flake.contains(&format!("path:{}", kit.display())), "{flake}");
    if has_user_namespaces() {
        let ran =
            run(&scratch, &program, Some(&setup), &["run", "sh.jail", "--", "-c", "echo ran"]);
        assert_eq!(ran.assert_status(0).stdout, "ran\n");
        let audit = run(&scratch, &program, Some(&setup), &["audit", "sh.jail"]);
        assert!(audit.stdout.contains("jailed-sh"), "{}", audit.all());
    }
}

#[test]
fn without_nix_it_checks_explains_and_emits() {
    if setup().is_none() {
        return;
    }
    let (scratch, program) = installed("/opt/jailgen");
    run(&scratch, &program, None, &["check", "sh.jail"]).assert_status(0);
    let explained = run(&scratch, &program, None, &["explain", "sh.jail"]);
    assert!(explained.assert_status(0).stdout.contains("jailed-sh"), "{}", explained.all());
    run(&scratch, &program, None, &["emit", "sh.jail", "-o", "out"]).assert_status(0);
    let lock = scratch.read("project/out/flake.lock");
    assert!(lock.contains("/opt/jailgen/lib/jailgen/kit"), "{lock}");
    let build = run(&scratch, &program, None, &["build", "sh.jail"]);
    assert!(build.assert_status(1).stderr.contains("nix"), "{}", build.all());
}

#[test]
fn a_kit_that_is_not_what_was_installed_is_refused() {
    let Some(setup) = setup() else { return };
    let (scratch, program) = installed("/usr");
    let manifest = scratch.path("root/usr/lib/jailgen/kit.json");
    let arguments = [&["build", "sh.jail"], &setup.overrides()[..]].concat();
    let written = fs::read_to_string(&manifest).unwrap();
    let hash = written.split('"').find(|word| word.starts_with("sha256-")).unwrap();
    let other = format!("sha256-{}=", "A".repeat(43));
    fs::write(&manifest, written.replace(hash, &other)).unwrap();
    let refused = run(&scratch, &program, Some(&setup), &arguments);
    assert!(refused.assert_status(1).stderr.contains("hash mismatch"), "{}", refused.all());
    fs::write(&manifest, written.replace(env!("CARGO_PKG_VERSION"), "0.0.1")).unwrap();
    let refused = run(&scratch, &program, Some(&setup), &arguments);
    assert!(refused.assert_status(1).stderr.contains("of jailgen 0.0.1"), "{}", refused.all());
    fs::write(&manifest, &written).unwrap();
    run(&scratch, &program, Some(&setup), &arguments).assert_status(0);
}

#[test]
fn everything_that_is_installed_is_readable_and_goes_away_again() {
    if setup().is_none() {
        return;
    }
    let scratch = Scratch::new();
    scratch.write("root/etc/apparmor.d/abi/4.0", b"");
    scratch.write("root/usr/bin/other", b"");
    let root = scratch.path("root");
    let said = make("install", &root, "/usr");
    assert!(said.contains("apparmor_parser -r /etc/apparmor.d/jail-stub"), "{said}");
    for file in [
        "usr/bin/jailgen",
        "usr/lib/jailgen/kit/flake.nix",
        "usr/lib/jailgen/kit.json",
        "usr/share/man/man1/jailgen.1",
        "usr/share/man/man1/jailgen-config-set.1",
        "usr/share/bash-completion/completions/jailgen",
        "usr/share/zsh/site-functions/_jailgen",
        "usr/share/fish/vendor_completions.d/jailgen.fish",
        "usr/share/jailgen/apparmor.d/jail-stub",
        "usr/share/doc/jailgen/LICENSE",
        "usr/share/doc/jailgen/docs/settings.md",
        "etc/apparmor.d/jail-stub",
    ] {
        let size =
            fs::metadata(root.join(file)).unwrap_or_else(|why| panic!("{file}: {why}")).len();
        assert!(size > 0, "{file}");
    }
    let closed = "find \"$0\" ! -perm -a=r -o -type d ! -perm -a=x -o -perm /go=w";
    let closed =
        Command::new("sh").args(["-c", closed]).arg(root.join("usr/lib")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&closed.stdout), "");
    let profile = scratch.read("root/usr/share/jailgen/apparmor.d/jail-stub");
    assert!(profile.contains("usr/{,local/}lib/jailgen/kit/tools/"), "{profile}");
    // Once more over what is there, then away.
    make("install", &root, "/usr");
    make("uninstall", &root, "/usr");
    let left = Command::new("find").arg(&root).args(["-type", "f"]).output().unwrap();
    let mut left: Vec<_> = std::str::from_utf8(&left.stdout).unwrap().lines().collect();
    left.sort_unstable();
    let expected =
        ["etc/apparmor.d/abi/4.0", "usr/bin/other"].map(|it| root.join(it).display().to_string());
    assert_eq!(left, expected);

    make("install", &root, "/opt/jailgen");
    let profile = scratch.read("root/opt/jailgen/share/jailgen/apparmor.d/jail-stub");
    assert!(profile.contains(",opt/jailgen/lib/jailgen/kit/tools/"), "{profile}");
    for prefix in ["/opt/a b", "relative", "/opt/*"] {
        let mut command = Command::new(project().join("scripts/install"));
        let output = command.env("DESTDIR", &root).env("PREFIX", prefix).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("PREFIX is"), "{prefix}: {said}");
    }
}

/// The archive of the kit that the tests have; compiling is left out.
fn dist(scratch: &Scratch, folder: &str) -> String {
    let folder = scratch.path(folder);
    let output = Command::new(project().join("scripts/dist"))
        .arg(&folder)
        .env("KIT", kit())
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env("GZIP_LEVEL", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(folder.join("SHA256SUMS")).unwrap()
}

#[test]
fn the_archive_is_the_same_each_time_and_runs_where_it_is_unpacked_or_installed() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::outside_of_tmp();
    scratch.write("project/sh.jail", SHELL.as_bytes());
    let sums = dist(&scratch, "one");
    assert_eq!(dist(&scratch, "two/below"), sums);
    let archive = sums.split_whitespace().nth(1).unwrap();
    let sh = |script: &str| {
        let output =
            Command::new("sh").args(["-euc", script]).current_dir(scratch.path(".")).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    sh(&format!(
        "cd one && sha256sum --check SHA256SUMS && tar xf {archive} -C .. && mv ../jailgen-* ../unpacked"
    ));
    let owners =
        sh(&format!("tar --numeric-owner -tvf one/{archive} | awk '{{ print $2 }}' | sort -u"));
    assert_eq!(owners, "0/0\n");
    let arguments = [&["build", "sh.jail"], &setup.overrides()[..]].concat();
    run(&scratch, &scratch.path("unpacked/bin/jailgen"), Some(&setup), &arguments).assert_status(0);

    let said = sh("unpacked/install.sh prefix");
    assert!(said.contains("jailgen is installed in") && said.contains("export PATH="), "{said}");
    fs::remove_dir_all(scratch.path("unpacked/lib")).unwrap();
    let installed = scratch.path("prefix/bin/jailgen");
    run(&scratch, &installed, Some(&setup), &arguments).assert_status(0);
    fs::remove_dir_all(scratch.path("unpacked")).unwrap();
    sh(&format!("tar xf one/{archive} && jailgen-*/install.sh --uninstall prefix"));
    assert_eq!(sh("find prefix -type f"), "");
}
