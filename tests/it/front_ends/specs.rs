//! The specs that both front ends are given.

use std::fs;

use jail_registry::{BUILDERS, combinators};

use crate::harness::{Scratch, project};

/// A spec below the scratch folder.
pub(super) struct Spec {
    pub(super) file: String,
}

/// Writes all of them.
pub(super) fn all(scratch: &Scratch) -> Vec<Spec> {
    let mut specs = folder(scratch, "examples");
    specs.extend(folder(scratch, "tests/users"));
    let mut add = |file: String, text: &str| {
        scratch.write(&file, text.as_bytes());
        specs.push(Spec { file });
    };
    for combinator in combinators() {
        let (name, example) = (combinator.name, combinator.example);
        add(
            format!("combinators/{name}.jail"),
            &format!("jail \"uses-{name}\" pkgs.hello [ ({example}) ]"),
        );
    }
    for builder in BUILDERS {
        add(format!("builders/{}.jail", builder.name), builder.example);
    }
    for (name, text) in FURTHER {
        add(format!("further/{}.jail", name.replace(' ', "-")), text);
    }
    for (file, text) in IMPORTED {
        scratch.write(&format!("further/{file}"), text.as_bytes());
    }
    specs
}

/// Those of a folder of the project, with what they import.
fn folder(scratch: &Scratch, name: &str) -> Vec<Spec> {
    let folder = project().join(name);
    let mut specs = Vec::new();
    for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
        let entry = entry.unwrap();
        if !entry.file_type().is_file() {
            continue;
        }
        let below = entry.path().strip_prefix(&folder).unwrap().to_str().unwrap();
        let file = format!("{name}/{below}");
        scratch.write(&file, &fs::read(entry.path()).unwrap());
        if file.ends_with(".jail") {
            specs.push(Spec { file });
        }
    }
    specs
}

/// What imported files hold.
const IMPORTED: &[(&str, &str)] = &[
    (
        "common.nix",
        "{ tools = with pkgs; [ git jq ]; state = name: state-dir (noescape \"~/.${name}\"); }",
    ),
    ("nested/default.nix", "jail.combinators // { more = import ../common.nix; }"),
    ("cfg/settings", "a setting\n"),
];

/// What examples do not show.
const FURTHER: &[(&str, &str)] = &[
    ("nothing", "jail \"nothing\" pkgs.hello null"),
    ("function", "jail \"function\" pkgs.hello (c: with c; [ network (readonly \"/etc/os-release\") ])"),
    ("path", "jail \"path\" \"${pkgs.hello}/bin/hello\" [ ]"),
    (
        "lists in lists",
        "jail \"lists\" pkgs.hello [ [ network [ mount-cwd ] ] (compose [ [ (tmpfs \"/a\") ] (defer [ utc ]) ]) ]",
    ),
    (
        "imports",
        "let common = import ./common.nix; in
         jail \"imports\" pkgs.hello [ (add-pkg-deps common.tools) (common.state \"x\") (import ./nested).network ]",
    ),
    ("nested", "let more = (import ./nested).more; in jail \"nested\" pkgs.hello [ (add-pkg-deps more.tools) ]"),
    ("a folder", "jail \"folder\" pkgs.hello [ (ro-bind \"${./cfg}\" \"/cfg\") (ro-bind \"${./cfg}/settings\" \"/s\") ]"),
    (
        "with",
        "with pkgs; jail \"with\" hello [ (add-pkg-deps [ git bashInteractive (python3.withPackages (ps: with ps; [ numpy ])) ]) network ]",
    ),
    (
        "scripts",
        "jail \"scripts\" pkgs.hello [
           (wrap-entry (entry: ''
             export PATH=\"${pkgs.jq}/bin:$PATH\"
             ${entry} --version
             exec ${entry} \"$@\"
           ''))
           (wrap-entry (entry: \"exec ${lib.getExe pkgs.jq} \\\"$@\\\" ${entry}\"))
           (wrap-entry \"exec true \\\"$@\\\"\")
         ]",
    ),
    (
        "one package by two names",
        "jail \"twice\" pkgs.hello [ (add-pkg-deps [ pkgs.git (pkgs.git.override { }) pkgs.jq ]) (add-path \"${pkgs.git}/bin\") ]",
    ),
    (
        "texts",
        "jail \"texts\" pkgs.hello [
           (set-env \"A\" (noescape \"${pkgs.git}/x:$HOME\"))
           (set-env \"B\" (escape \"$HOME\"))
           (set-env \"C\" \"${pkgs.git}: ${lib.getBin pkgs.jq}/bin\")
           (set-env \"D\" pkgs.hello)
           (write-text \"/etc/x\" ''
             a ''${b} é
               ${pkgs.git}
           '')
           (set-argv [ \"-x\" \"${pkgs.jq}\" (noescape \"$@\") ])
         ]",
    ),
    (
        "an agent with everything",
        "makeJailedAgent {
           name = \"everything\"; pkg = pkgs.hello; configPaths = [ \"~/.config/x\" \"~/.x.json\" ];
           extraPkgs = with pkgs; [ jq ]; extraReadwriteDirs = [ \"~/a\" ]; extraReadonlyDirs = [ \"$B\" ];
           env = { A = \"1\"; B = noescape \"$HOME/${pkgs.jq}\"; }; fwdEnv = [ \"EDITOR\" ];
           mask = [ \"@credentials\" \"!.npmrc\" ];
           baseJailOptions = commonJailOptions ++ [ utc ]; basePackages = commonPkgs ++ [ pkgs.jq ];
           extraJailOptions = c: [ (c.tmpfs \"/var/cache\") [ c.new-session ] ];
         }",
    ),
    (
        "development shells",
        "jail \"shells\" pkgs.hello [
           (set-env \"BEFORE\" \"1\") (add-dev-shell (pkgs.mkShell { packages = [ pkgs.jq ]; BEFORE = \"2\"; AFTER = \"2\"; }))
           (set-env \"AFTER\" \"3\") (add-dev-shell pkgs.hello) ]",
    ),
    (
        "several",
        "{ pkgs, lib, ... }: {
           first = jail \"first\" pkgs.hello [ ];
           second = makeJailedAgent { name = \"second\"; pkg = pkgs.hello; configPaths = [ ]; };
         }",
    ),
    ("a flake", "{ outputs = { pkgs, jail, combinators, ... }: jail \"flakelike\" pkgs.hello [ combinators.network ]; }"),
];
