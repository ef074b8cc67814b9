//! What a project is built with, by the names of its files: packages, hosts and caches for a
//! starter spec.
//!
//! An earlier jail may have written what is there. So only names count, and the few numbers that
//! are read of files are compared with a table; nothing of a file is put into the spec.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use crate::files::{Below, EntryKind};

/// What a file of a project's root says about it.
struct Sign {
    /// Its name.
    file: &'static str,
    /// Names of packages in nixpkgs.
    packages: &'static [&'static str],
    /// Hosts, or groups of them.
    hosts: &'static [&'static str],
    /// Names of caches.
    caches: &'static [&'static str],
}

const fn sign(
    file: &'static str,
    packages: &'static [&'static str],
    hosts: &'static [&'static str],
    caches: &'static [&'static str],
) -> Sign {
    Sign { file, packages, hosts, caches }
}

static SIGNS: &[Sign] = &[
    sign("package.json", &["nodejs"], &["@npm"], &["npm"]),
    sign("pnpm-lock.yaml", &["pnpm"], &["@npm"], &["pnpm"]),
    sign("yarn.lock", &["yarn"], &["@npm", "registry.yarnpkg.com"], &["yarn"]),
    sign("bun.lock", &["bun"], &["@npm"], &["bun"]),
    sign("bun.lockb", &["bun"], &["@npm"], &["bun"]),
    sign("deno.json", &["deno"], &["jsr.io", "deno.land"], &["deno"]),
    sign("Cargo.toml", &["cargo", "rustc", "gcc"], &["@crates"], &["cargo"]),
    sign("go.mod", &["go"], &["proxy.golang.org", "sum.golang.org"], &["go"]),
    sign("pyproject.toml", &["python3"], &["@pypi"], &["pip"]),
    sign("requirements.txt", &["python3"], &["@pypi"], &["pip"]),
    sign("setup.py", &["python3"], &["@pypi"], &["pip"]),
    sign("uv.lock", &["uv"], &["@pypi"], &["uv"]),
    sign("poetry.lock", &["poetry"], &["@pypi"], &["poetry"]),
    sign("Gemfile", &["ruby"], &["rubygems.org", "index.rubygems.org"], &["bundler"]),
    sign("composer.json", &["php"], &["repo.packagist.org"], &["composer"]),
    sign("pom.xml", &["jdk", "maven"], &["repo.maven.apache.org"], &["maven"]),
    sign("build.gradle", &["jdk", "gradle"], GRADLE, &["gradle"]),
    sign("build.gradle.kts", &["jdk", "gradle"], GRADLE, &["gradle"]),
    sign("mix.exs", &["elixir"], &["repo.hex.pm"], &[]),
    sign("build.zig", &["zig"], &[], &["zig"]),
    sign("Makefile", &["gnumake"], &[], &[]),
    sign("CMakeLists.txt", &["cmake", "gcc", "gnumake"], &[], &[]),
    sign("meson.build", &["meson", "ninja", "gcc"], &[], &[]),
    sign("justfile", &["just"], &[], &[]),
    sign(".pre-commit-config.yaml", &["pre-commit"], &["@github"], &["pre-commit"]),
];

const GRADLE: &[&str] = &["repo.maven.apache.org", "plugins.gradle.org", "services.gradle.org"];

/// Features of a dev container by their names, and what they stand for.
const FEATURES: [(&str, &str); 8] = [
    ("features/go:", "go.mod"),
    ("features/java:", "pom.xml"),
    ("features/node:", "package.json"),
    ("features/php:", "composer.json"),
    ("features/python:", "pyproject.toml"),
    ("features/ruby:", "Gemfile"),
    ("features/rust:", "Cargo.toml"),
    ("features/deno:", "deno.json"),
];

/// Files that say which Node.js they want, and what stands before the number.
const NODE_VERSIONS: [(&str, &str); 3] =
    [(".nvmrc", ""), (".node-version", ""), ("package.json", "\"node\"")];

/// Releases of Node.js that nixpkgs has under a name of their own.
const NODES: [(&str, &str); 2] = [("22", "nodejs_22"), ("24", "nodejs_24")];

/// Nothing larger is looked into.
const READ_MAX: usize = 1 << 20;

/// What was found, each with the file that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Names of packages in nixpkgs.
    pub packages: Vec<Need>,
    /// Hosts, or groups of them.
    pub hosts: Vec<Need>,
    /// Names of caches.
    pub caches: Vec<Need>,
    /// What a reader should know, a sentence each.
    pub notes: Vec<&'static str>,
}

/// Something that a project needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub name: &'static str,
    /// The file that says so.
    pub reason: &'static str,
}

impl Needs {
    /// What the files in the root of a project say.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be read.
    pub fn of_project(folder: &Path) -> io::Result<Self> {
        let Some(root) = Below::open(folder)? else {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        };
        let mut needs = Self::default();
        for sign in SIGNS.iter().filter(|sign| is_file(&root, sign.file)) {
            needs.add(sign, sign.file);
        }
        needs.add_container(&root);
        needs.choose_node(&root);
        needs.add_notes(&root);
        Ok(needs)
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.hosts.is_empty() && self.notes.is_empty()
    }

    fn add(&mut self, sign: &Sign, reason: &'static str) {
        let lists = [
            (&mut self.packages, sign.packages),
            (&mut self.hosts, sign.hosts),
            (&mut self.caches, sign.caches),
        ];
        for (list, names) in lists {
            for name in names {
                if list.iter().all(|need| need.name != *name) {
                    list.push(Need { name, reason });
                }
            }
        }
    }

    /// The features of a dev container.
    fn add_container(&mut self, root: &Below) {
        let folder = root.enter(OsStr::new(".devcontainer")).ok().flatten();
        let inner = folder.as_ref().map(|folder| (folder, "devcontainer.json"));
        let found = inner.into_iter().chain([(root, ".devcontainer.json")]);
        let texts: Vec<String> = found.filter_map(|(at, name)| text(at, name)).collect();
        for (feature, file) in FEATURES {
            let sign = SIGNS.iter().find(|sign| sign.file == file);
            if let (Some(sign), true) = (sign, texts.iter().any(|text| text.contains(feature))) {
                self.add(sign, "devcontainer.json");
            }
        }
    }

    /// The release of Node.js that a file asks for, where nixpkgs has it.
    fn choose_node(&mut self, root: &Below) {
        let Some(node) = self.packages.iter_mut().find(|need| need.name == "nodejs") else {
            return;
        };
        for (file, before) in NODE_VERSIONS {
            let release = text(root, file).and_then(|text| first_number(&text, before));
            let known = NODES.iter().find(|(number, _)| Some(*number) == release.as_deref());
            if let Some((_, package)) = known {
                *node = Need { name: package, reason: file };
                return;
            }
        }
    }

    fn add_notes(&mut self, root: &Below) {
        let notes = [
            (
                "flake.nix",
                "flake.nix may have a development shell: \
                 `(add-dev-shell inputs.project.devShells.${system}.default)` gives the jail what is in it",
            ),
            (
                ".envrc",
                ".envrc: variables that direnv sets are not in the jail unless they are passed on (`fwdEnv`)",
            ),
            (
                "rust-toolchain.toml",
                "rust-toolchain.toml: `cargo` and `rustc` are those of nixpkgs, whatever it asks for",
            ),
        ];
        self.notes
            .extend(notes.iter().filter(|(file, _)| is_file(root, file)).map(|(_, note)| *note));
    }
}

fn is_file(folder: &Below, name: &str) -> bool {
    matches!(folder.kind(OsStr::new(name)), Ok(Some(EntryKind::File { .. })))
}

/// What is in a small file; of a link or a pipe, nothing.
fn text(folder: &Below, name: &str) -> Option<String> {
    let (bytes, _) = folder.read(OsStr::new(name)).ok()??;
    (bytes.len() <= READ_MAX).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// The first number after a word, in the same line.
fn first_number(text: &str, word: &str) -> Option<String> {
    let rest = text.get(text.find(word)? + word.len()..)?;
    let line = rest.lines().next()?;
    let start = line.find(|c: char| c.is_ascii_digit())?;
    Some(line.get(start..)?.chars().take_while(char::is_ascii_digit).collect())
}
