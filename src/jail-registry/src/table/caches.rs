//! Caches of package managers, compilers and agents: data, and the combinator that gives a
//! jail its own. The host's caches are never granted: a program outside would build with
//! what a jail has put there.

use jail_policy::{Grant, Text};

use super::names;
use crate::diagnostic::{Code, Diagnostic};
use crate::lower::Call;
use crate::suggest::nearest;
use crate::term::{Place, Value};

/// A cache that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cache {
    /// Its name in a spec.
    pub(crate) name: &'static str,
    /// Its folders.
    pub(crate) folders: &'static [CacheFolder],
    /// Further variables that its program needs if a cache is a file system of its own.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// What is in it.
    pub(crate) reason: &'static str,
}

/// A folder of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheFolder {
    /// Where it is in the jail; a path with `~`.
    pub(crate) inside: &'static str,
    /// The variables that name it to its program. Without one, the program uses this folder unless
    /// a variable of XDG or its settings say otherwise.
    pub(crate) variables: &'static [&'static str],
    /// Its name below the cache's folder on the host; empty if the cache is one folder.
    pub(crate) part: &'static str,
}

/// A cache that is one folder.
const fn cache(name: &'static str, folders: &'static [CacheFolder], reason: &'static str) -> Cache {
    Cache { name, folders, settings: &[], reason }
}

const fn folder(inside: &'static str, variables: &'static [&'static str]) -> CacheFolder {
    part("", inside, variables)
}

const fn part(
    part: &'static str,
    inside: &'static str,
    variables: &'static [&'static str],
) -> CacheFolder {
    CacheFolder { inside, variables, part }
}

/// The name of the cache that a place with `~` is in.
#[must_use]
pub fn cache_at(place: &str) -> Option<&'static str> {
    let is_in = |folder: &CacheFolder| {
        let rest = place.strip_prefix(folder.inside);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    CACHES.iter().find(|cache| cache.folders.iter().any(is_in)).map(|cache| cache.name)
}

/// All of them, by name.
pub(crate) static CACHES: &[Cache] = &[
    cache(
        "bun",
        &[folder("~/.bun/install/cache", &["BUN_INSTALL_CACHE_DIR"])],
        "packages that `bun install` has fetched",
    ),
    cache(
        "bundler",
        &[folder("~/.bundle/cache", &["BUNDLE_USER_CACHE"])],
        "gems that Bundler has fetched",
    ),
    // The lock is next to `registry`, so two jails can share the cache safely
    // only with the whole folder.
    cache(
        "cargo",
        &[folder("~/.cargo", &["CARGO_HOME"])],
        "crates, the registry's index, and what `cargo install` has built",
    ),
    cache("ccache", &[folder("~/.cache/ccache", &["CCACHE_DIR"])], "objects that C compilers made"),
    cache(
        "composer",
        &[folder("~/.cache/composer", &["COMPOSER_CACHE_DIR"])],
        "packages that Composer has fetched",
    ),
    cache(
        "copilot",
        &[folder("~/.cache/copilot", &["COPILOT_CACHE_HOME"])],
        "what GitHub Copilot CLI unpacks when it starts: more than 200 MB",
    ),
    cache("deno", &[folder("~/.cache/deno", &["DENO_DIR"])], "modules, and what Deno made of them"),
    cache(
        "go",
        &[
            part("build", "~/.cache/go-build", &["GOCACHE"]),
            part("mod", "~/go/pkg/mod", &["GOMODCACHE"]),
        ],
        "modules, and what the compiler made of them",
    ),
    // Not all of `~/.gradle`: its `daemon` folder names processes, which end with a jail.
    cache(
        "gradle",
        &[part("dependencies", "~/.gradle/caches", &[]), part("wrapper", "~/.gradle/wrapper", &[])],
        "dependencies, and Gradle itself as its wrapper has fetched it",
    ),
    cache(
        "huggingface",
        &[folder("~/.cache/huggingface/hub", &["HF_HUB_CACHE"])],
        "models and data sets",
    ),
    cache("maven", &[folder("~/.m2/repository", &[])], "dependencies and plugins"),
    cache("nix", &[folder("~/.cache/nix", &[])], "what Nix has fetched and evaluated"),
    cache(
        "node-gyp",
        &[folder("~/.cache/node-gyp", &[])],
        "Node's headers, for packages with C code",
    ),
    cache(
        "npm",
        &[folder("~/.npm", &["npm_config_cache"])],
        "packages that npm and npx have fetched",
    ),
    cache(
        "nuget",
        &[folder("~/.nuget/packages", &["NUGET_PACKAGES"])],
        "packages that .NET has fetched",
    ),
    cache(
        "opencode",
        &[folder("~/.cache/opencode", &[])],
        "opencode's list of models, and the plugins and providers that it installs",
    ),
    cache(
        "pip",
        &[folder("~/.cache/pip", &["PIP_CACHE_DIR"])],
        "wheels that pip has fetched or built",
    ),
    cache(
        "playwright",
        &[folder("~/.cache/ms-playwright", &["PLAYWRIGHT_BROWSERS_PATH"])],
        "browsers that Playwright has fetched",
    ),
    // Without a variable it makes a store in the project, because it cannot make
    // hard links across mounts.
    cache(
        "pnpm",
        &[folder("~/.local/share/pnpm/store", &["npm_config_store_dir", "pnpm_config_store_dir"])],
        "pnpm's store of packages",
    ),
    cache(
        "poetry",
        &[folder("~/.cache/pypoetry", &["POETRY_CACHE_DIR"])],
        "packages and virtual environments of Poetry",
    ),
    cache(
        "pre-commit",
        &[folder("~/.cache/pre-commit", &["PRE_COMMIT_HOME"])],
        "hooks and their environments",
    ),
    cache(
        "sccache",
        &[folder("~/.cache/sccache", &["SCCACHE_DIR"])],
        "objects that compilers made",
    ),
    Cache {
        name: "uv",
        folders: &[folder("~/.cache/uv", &["UV_CACHE_DIR"])],
        // A project is another mount. Without this, each install warns that hard links fail.
        settings: &[("UV_LINK_MODE", "copy")],
        reason: "wheels that uv has fetched or built",
    },
    // No variable: `YARN_CACHE_FOLDER` would also move caches that projects keep in git.
    cache(
        "yarn",
        &[part("berry", "~/.yarn/berry", &[]), part("classic", "~/.cache/yarn", &[])],
        "packages that Yarn has fetched",
    ),
    cache("zig", &[folder("~/.cache/zig", &["ZIG_GLOBAL_CACHE_DIR"])], "what the compiler made"),
];

/// Gives the jail its own of each cache in the list.
pub(super) fn caches(call: &mut Call<'_, '_>) -> Option<()> {
    let own = call.place_of(0);
    for element in call.elements(0)? {
        let Value::Text(text) = &element.value else { return None };
        let (name, place) = (text.as_str()?, element.place.or(own));
        match CACHES.iter().find(|cache| cache.name == name) {
            // A preset may have added it already.
            Some(cache) if call.once(&format!("{} {name}", names::CACHES)) => {
                grant(call, cache, place);
            }
            Some(_) => {}
            None => call.report(unknown(name, place)),
        }
    }
    Some(())
}

fn grant(call: &mut Call<'_, '_>, cache: &Cache, place: Option<Place>) {
    let jail = call.jail();
    for CacheFolder { inside, variables, part } in cache.folders {
        let slash = if part.is_empty() { "" } else { "/" };
        let path =
            format!("${{XDG_CACHE_HOME:-~/.cache}}/jailgen/{jail}/{}{slash}{part}", cache.name);
        let (path, to) = (Text::expanded(path), Text::expanded(*inside));
        call.grant_at(place, Grant::StateDirectory { path, to: to.clone() });
        for name in *variables {
            call.grant(Grant::SetEnv { name: (*name).into(), value: to.clone() });
        }
    }
    for (name, value) in cache.settings {
        call.grant(Grant::SetEnv { name: (*name).into(), value: Text::literal(*value) });
    }
}

fn unknown(name: &str, place: Option<Place>) -> Diagnostic {
    let message = format!("unknown cache `{}`", jail_plan::one_line(name));
    let known: Vec<_> = CACHES.iter().map(|cache| cache.name).collect();
    let all = format!("the known caches are `{}`", known.join("`, `"));
    let help = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None => format!("{all}; for another folder, use `separate-state-dir`"),
    };
    Diagnostic::error(Code::UnknownCache, place, message).help(help)
}
