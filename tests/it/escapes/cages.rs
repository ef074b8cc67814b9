//! The jails in which everything is tried, built once by the real compiler and the real Nix.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::harness::Scratch;
use crate::real_nix::{has_user_namespaces, setup};

/// A jail.
pub(crate) struct Cage {
    pub(crate) name: &'static str,
    /// Whether its filter kills instead of refusing.
    pub(crate) kills: bool,
    pub(crate) wrapper: PathBuf,
}

/// Name, whether it kills, what the compiler must know for it, the permissions.
const SPECS: &[(&str, bool, &str, &str)] = &[
    ("default", false, "base", "[ mount-cwd (add-pkg-deps [ pkgs.gnugrep ]) ]"),
    (
        "walled",
        false,
        "landlock",
        "[ mount-cwd (add-pkg-deps [ pkgs.gnugrep ]) (landlock \"full\") ]",
    ),
    (
        "strict",
        true,
        "seccomp",
        "[ mount-cwd (add-pkg-deps [ pkgs.gnugrep ]) (seccomp \"strict\") ]",
    ),
];

/// All cages, or nothing where this machine cannot make them.
pub(crate) fn cages() -> Option<&'static [Cage]> {
    static CAGES: OnceLock<Option<Vec<Cage>>> = OnceLock::new();
    CAGES.get_or_init(build).as_deref()
}

fn build() -> Option<Vec<Cage>> {
    let setup = setup()?;
    if !has_user_namespaces() {
        return None;
    }
    let known = |name: &str| jail_registry::combinator(name).is_some();
    let wanted: Vec<_> = SPECS.iter().filter(|(_, _, needs, _)| known(needs)).collect();
    let jails: Vec<String> = wanted
        .iter()
        .map(|(name, _, _, permissions)| {
            format!("{name} = jail \"jailed-escape-{name}\" pkgs.bashInteractive {permissions};")
        })
        .collect();
    let spec = format!("{{\n{}\n}}\n", jails.join("\n"));
    let scratch = Scratch::with(&[("escapes.jail", &spec)]);
    let arguments = [&["build", "escapes.jail"][..], &setup.overrides()].concat();
    setup.jailgen(&scratch, &setup.programs[0], &arguments).assert_status(0);
    let wrapper = |name: &str| {
        let link = scratch.path(&format!(".local/state/jailgen/bin/jailed-escape-{name}"));
        std::fs::read_link(link).unwrap()
    };
    let cage = |(name, kills, _, _): &&(&'static str, bool, &str, &str)| Cage {
        name,
        kills: *kills,
        wrapper: wrapper(name),
    };
    Some(wanted.iter().map(cage).collect())
}
