//! The jails and cages in which everything is tried, built once by the real
//! compiler and the real Nix.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::harness::Scratch;
use crate::real_nix::{has_user_namespaces, setup};

/// What is tried in.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) wrapper: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Jail,
    /// A jail whose filter kills instead of refusing.
    Strict,
    /// Landlock alone, on the host as it is.
    Cage,
}

/// Name, kind, the command, the value in the spec.
const SPECS: &[(&str, Kind, &str, &str)] = &[
    (
        "default",
        Kind::Jail,
        "jailed-escape-default",
        r#"jail "jailed-escape-default" pkgs.bashInteractive [ mount-cwd (add-pkg-deps [ pkgs.gnugrep ]) ]"#,
    ),
    (
        "walled",
        Kind::Jail,
        "jailed-escape-walled",
        r#"jail "jailed-escape-walled" pkgs.bashInteractive [ mount-cwd (add-pkg-deps [ pkgs.gnugrep ]) (landlock "full") ]"#,
    ),
    (
        "strict",
        Kind::Strict,
        "jailed-escape-strict",
        r#"jail "jailed-escape-strict" pkgs.bashInteractive [ mount-cwd (add-pkg-deps [ pkgs.gnugrep ]) (seccomp "strict") ]"#,
    ),
    (
        "offline",
        Kind::Cage,
        "escape-offline-cage",
        r#"cage { name = "escape-offline"; profile = "offline"; argv = bash; packages = tools; filesystem.rox = probe; }"#,
    ),
    (
        "aiAgent",
        Kind::Cage,
        "escape-agent-cage",
        r#"cage { name = "escape-agent"; profile = "aiAgent"; argv = bash; packages = tools; filesystem.rox = probe; }"#,
    ),
];

/// What the cages' attempts are made with stands in the project, where a cage executes nothing.
const HEAD: &str = "let bash = [ \"${pkgs.bashInteractive}/bin/bash\" ]; probe = [ \"$JAIL_PROBE\" ]; tools = [ pkgs.coreutils ]; in";

/// All jails, or none where this machine cannot make them.
pub(crate) fn jails() -> impl Iterator<Item = &'static Subject> {
    all().iter().filter(|subject| subject.kind != Kind::Cage)
}

/// All cages, or none where this machine cannot make them.
pub(crate) fn cages() -> impl Iterator<Item = &'static Subject> {
    all().iter().filter(|subject| subject.kind == Kind::Cage)
}

/// Both.
pub(crate) fn all() -> &'static [Subject] {
    static SUBJECTS: OnceLock<Vec<Subject>> = OnceLock::new();
    SUBJECTS.get_or_init(|| build().unwrap_or_default())
}

fn build() -> Option<Vec<Subject>> {
    let setup = setup()?;
    if !has_user_namespaces() {
        return None;
    }
    let values: Vec<String> =
        SPECS.iter().map(|(name, _, _, value)| format!("{name} = {value};")).collect();
    let spec = format!("{HEAD} {{\n{}\n}}\n", values.join("\n"));
    let scratch = Scratch::with(&[("escapes.jail", &spec)]);
    setup.build(&scratch, "escapes.jail");
    let wrapper = |command: &str| {
        let link = scratch.path(&format!(".local/state/jailgen/bin/{command}"));
        std::fs::canonicalize(link).unwrap()
    };
    let subject = |(name, kind, command, _): &(&'static str, Kind, &str, &str)| Subject {
        name,
        kind: *kind,
        wrapper: wrapper(command),
    };
    Some(SPECS.iter().map(subject).collect())
}
