//! A path that is given as an argument is not copied into the store, which every user can
//! read: it is refused, and nothing of it is left there. What a spec or a flake copies on
//! purpose, as `"${./cfg}"`, is.

use std::fs;
use std::path::{Path, PathBuf};

use jail_registry::PathValue;

use crate::harness::{Scratch, project};
use crate::nix_front_end::{build, eval, nix_file, refused};
use crate::real_nix::{Setup, setup};

/// A file that only its owner can read, with a name that nothing else in the store has.
struct Secret {
    folder: Scratch,
    name: String,
}

impl Secret {
    fn new() -> Self {
        let folder = Scratch::new();
        let unique = folder.path("").file_name().unwrap().to_string_lossy().replace('.', "");
        let name = format!("secret-{unique}");
        folder.write(&name, b"the secret\n");
        Self { folder, name }
    }

    fn path(&self) -> PathBuf {
        self.folder.path(&self.name)
    }

    /// The copies of it in the store.
    fn copies(&self) -> Vec<String> {
        let entries = fs::read_dir("/nix/store").unwrap().filter_map(Result::ok);
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(&format!("-{}", self.name))).collect()
    }
}

/// Arguments of all kinds that a path can be given in. `@` stands for the path.
const ARGUMENTS: &[&str] = &[
    "jail \"x\" pkgs.hello (c: [ (c.readonly @) ])",
    "jail \"x\" pkgs.hello (c: [ (c.ro-bind @ \"/x\") ])",
    "jail \"x\" pkgs.hello (c: [ (c.ro-bind \"/x\" @) ])",
    "jail \"x\" pkgs.hello (c: [ (c.readonly (c.noescape @)) ])",
    "jail \"x\" pkgs.hello (c: [ (c.set-env \"A\" (c.escape @)) ])",
    "jail \"x\" pkgs.hello (c: [ (c.set-env \"A\" @) ])",
    "jail \"x\" pkgs.hello (c: [ (c.write-text \"/x\" @) ])",
    "jail \"x\" pkgs.hello (c: [ (c.write-text @ \"x\") ])",
    "jail \"x\" pkgs.hello (c: [ (c.set-argv [ \"-x\" @ ]) ])",
    "jail \"x\" pkgs.hello (c: [ (c.add-pkg-deps [ @ ]) ])",
    "jail \"x\" pkgs.hello (c: [ (c.add-pkg-deps @) ])",
    "jail \"x\" pkgs.hello (c: [ (c.wrap-entry (entry: @)) ])",
    "jail \"x\" pkgs.hello (c: [ (c.compose [ (c.readonly @) ]) ])",
    "jail \"x\" pkgs.hello (c: [ (c.readonly { outPath = @; }) ])",
    "jail \"x\" pkgs.hello (c: [ (c.readonly { type = \"derivation\"; name = \"x\"; outPath = @; }) ])",
    "jail \"x\" pkgs.hello (c: [ (c.add-pkg-deps [ { type = \"derivation\"; name = \"x\"; outPath = @; } ]) ])",
    "jail \"x\" pkgs.hello (c: [ (c.readonly { __toString = self: @; }) ])",
    "jail \"x\" pkgs.hello (c: [ (c.readonly { __functor = self: @; }) ])",
    "jail \"x\" pkgs.hello (c: [ (c.readonly (c.escape { text = @; })) ])",
    "jail \"x\" pkgs.hello [ @ ]",
    "jail \"x\" pkgs.hello @",
    "jail \"x\" @ [ ]",
    "jail @ pkgs.hello [ ]",
    "jail.makeJailedPi { extraReadonlyDirs = [ @ ]; }",
    "jail.makeJailedPi { env = { A = @; }; }",
    "jail.makeJailedPi { workspace = @; }",
    "jail.makeJailedPi { pkg = @; }",
    "jail.makeJailedPi { name = @; }",
    "jail.makeJailedPi { nixConfigDir = { path = @; }; }",
    "jail.makeJailedPi @",
    "jail.cage { name = \"x\"; argv = [ @ ]; }",
    "jail.cage { name = \"x\"; argv = [ \"/x\" ]; filesystem.ro = [ @ ]; }",
    "jail.cage { name = \"x\"; argv = [ \"/x\" ]; env.A = @; }",
    "(jailgen.extend { inherit pkgs; basePermissions = c: [ (c.readonly @) ]; }) \"x\" pkgs.hello [ ]",
    "jail.mkJail { version = 1; name = \"x\"; grants = [ { __toString = self: @; } ]; places = { }; }",
    "jail.mkJail { version = 1; name = \"x\"; grants = [ { a = @; } ]; places = { }; }",
];

#[test]
fn a_path_that_is_an_argument_is_refused_and_not_copied() {
    let Some(setup) = setup() else { return };
    let secret = Secret::new();
    let path = secret.path().display().to_string();
    for nix in &setup.programs {
        for argument in ARGUMENTS {
            let told = refused(&setup, nix, &argument.replace('@', &path));
            assert_eq!(secret.copies(), [""; 0], "{argument}:\n{told}");
        }
    }
    // In a string it is copied, because this is what it says; the refusals
    // above would have been seen.
    build(&setup, &format!("jail \"x\" pkgs.hello (c: [ (c.readonly \"${{{path}}}\") ])"));
    assert_eq!(secret.copies().len(), 1);
}

#[test]
fn what_to_write_instead_of_a_path_is_told_and_is_a_spec() {
    let Some(setup) = setup() else { return };
    let told =
        refused(&setup, &setup.programs[0], "jail \"x\" pkgs.hello (c: [ (c.readonly /etc/sec) ])");
    for says in [
        "`readonly` takes a string for `path`, got a path",
        "write `\"/etc/sec\"` for the place on the machine",
        "`\"${/etc/sec}\"` for a copy in the store, which every user can read",
    ] {
        assert!(told.contains(says), "missing {says:?} in\n{told}");
    }
    let bound = build(&setup, "jail \"x\" pkgs.hello (c: [ (c.ro-bind \"/proc\" \"/proc\") ])");
    assert!(bound.read("result/bin/x").contains("/proc"));
}

/// What a help says to write, one expression each.
fn suggested(help: &str) -> Vec<&str> {
    help.split('`').skip(1).step_by(2).collect()
}

#[test]
fn what_to_write_instead_parses_whatever_the_path_is_called() {
    let rows = [
        PathValue::absolute("/etc/secret".into()),
        PathValue::absolute("/".into()),
        PathValue::absolute("/a b/\"${c}\"".into()),
        PathValue::of_spec("/project/cfg", Some("cfg")),
        PathValue::of_spec("/project", Some(".")),
        PathValue::of_spec("/project/a b", Some("a b")),
        PathValue::of_spec("/etc/secret", None),
    ];
    for (path, suggestions) in rows.iter().zip([2, 2, 2, 2, 2, 2, 1]) {
        let help = path.help();
        assert_eq!(suggested(&help).len(), suggestions, "{help}");
        for expression in suggested(&help) {
            let parsed = jail_lang::check_syntax(expression);
            assert!(parsed.is_ok(), "{expression}: {parsed:?}");
        }
    }
}

/// Path values that stand for what is in the store already.
#[test]
fn a_path_below_the_store_stays_what_it_is() {
    let Some(setup) = setup() else { return };
    let answer = eval(
        &setup,
        "let
           inside = /. + builtins.unsafeDiscardStringContext \"${pkgs.hello}/bin\";
           argument = builtins.head (jail.combinators.readonly inside).term.arguments;
         in {
           isPath = builtins.isPath inside;
           same = argument == \"${pkgs.hello}/bin\";
           context = builtins.attrNames (builtins.getContext argument) == [ (builtins.unsafeDiscardStringContext \"${pkgs.hello}\") ];
           expanded = (jail.combinators.noescape inside).term.noescape == \"${pkgs.hello}/bin\";
         }",
    );
    let yes = serde_json::json!(true);
    for (what, answer) in answer.as_object().unwrap() {
        assert_eq!(*answer, yes, "{what}");
    }
    let built = build(
        &setup,
        "let file = builtins.toFile \"cfg\" \"a setting\";
             inside = /. + builtins.unsafeDiscardStringContext file;
         in jail \"x\" pkgs.hello (c: [ (c.ro-bind inside \"/cfg\") ])",
    );
    let references = references(&setup, &built.path("result"));
    assert!(references.contains("-cfg\n"), "{references}");
}

fn references(setup: &Setup, wrapper: &Path) -> String {
    let words = ["path-info", "--recursive", wrapper.to_str().unwrap()];
    setup.nix_ok(&setup.programs[0], project(), &words)
}

#[test]
fn a_path_of_a_spec_is_refused_by_both_front_ends() {
    let Some(setup) = setup() else { return };
    let secret = Secret::new();
    let path = secret.path().display().to_string();
    let scratch = nix_file(&setup, "result = jail.buildJail ./spec.jail;");
    scratch.write("cfg", b"a setting\n");
    for (argument, says) in [(path.as_str(), "got a path"), ("./cfg", "`\"${./cfg}\"` for a copy")]
    {
        let spec = format!("jail \"x\" pkgs.hello [ (readonly {argument}) ]");
        scratch.write("spec.jail", spec.as_bytes());
        let checked = scratch.run(&["check", "spec.jail"]);
        checked.assert_status(1);
        assert!(checked.stderr.contains(says), "{}", checked.stderr);
        let words = ["build", "--impure", "--no-link", "-L", "-f", "jails.nix", "result"];
        let output = setup.nix(&setup.programs[0], &scratch.path("."), &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains("got a path"), "{told}");
    }
    assert_eq!(secret.copies(), [""; 0]);
}
