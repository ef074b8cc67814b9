//! What the editor shows about words: Markdown from the registry, and a sentence for each name of
//! the spec language.

use jail_registry::{
    Builder, COMMON_JAIL_OPTIONS, COMMON_PKGS, Combinator, Field, Signature, Type, builder,
    combinator, describe_type,
};

/// The names of the spec language that are in no table.
pub(super) const WORDS: &[(&str, &str, &str)] = &[
    (
        "agents",
        "agents.NAME",
        "The packages of the coding agents: those of llm-agents, or of `pkgs` where that has none.",
    ),
    (
        "builtins",
        "builtins.NAME",
        "Nix's own functions, except those that need a store, network, clock or environment.",
    ),
    (
        "combinators",
        "combinators.NAME",
        "All combinators as one set. They are also in scope by their names.",
    ),
    (
        "commonJailOptions",
        "commonJailOptions",
        "What an agent's jail is granted, unless `baseJailOptions` says otherwise.",
    ),
    (
        "commonPkgs",
        "commonPkgs",
        "The packages that an agent's jail has on PATH, unless `basePackages` says otherwise.",
    ),
    ("import", "import PATH", "The value of another file, next to or below the spec."),
    (
        "jail",
        "jail NAME PACKAGE PERMISSIONS",
        "Makes a jail: a command NAME that runs the program of PACKAGE with what the list of permissions grants.",
    ),
    ("lib", "lib.NAME", "The library of nixpkgs."),
    (
        "pkgs",
        "pkgs.NAME",
        "The packages of nixpkgs, as the lock file pins it. They are symbolic here: Nix resolves them when it builds.",
    ),
];

/// Packages that many specs name.
pub(super) const PACKAGES: &[&str] = &[
    "bashInteractive",
    "bat",
    "bun",
    "cargo",
    "cargo-nextest",
    "clang",
    "clang-tools",
    "clippy",
    "cmake",
    "coreutils",
    "curl",
    "delta",
    "deno",
    "diffutils",
    "direnv",
    "docker-client",
    "dotnet-sdk",
    "elixir",
    "eslint",
    "fd",
    "ffmpeg",
    "file",
    "findutils",
    "fish",
    "fzf",
    "gawk",
    "gcc",
    "gdb",
    "gh",
    "git",
    "git-lfs",
    "glab",
    "gnugrep",
    "gnumake",
    "gnupg",
    "gnused",
    "gnutar",
    "go",
    "golangci-lint",
    "gopls",
    "gradle",
    "gzip",
    "hello",
    "htop",
    "imagemagick",
    "jdk",
    "jq",
    "jujutsu",
    "just",
    "kotlin",
    "less",
    "lua",
    "maven",
    "meson",
    "neovim",
    "ninja",
    "nix",
    "nixfmt",
    "nodejs",
    "openssh",
    "openssl",
    "patch",
    "perl",
    "php",
    "pkg-config",
    "playwright-driver",
    "pnpm",
    "poetry",
    "postgresql",
    "prettier",
    "procps",
    "protobuf",
    "ps",
    "python3",
    "redis",
    "ripgrep",
    "rsync",
    "ruby",
    "ruff",
    "rust-analyzer",
    "rustc",
    "rustfmt",
    "shellcheck",
    "shfmt",
    "sqlite",
    "strace",
    "terraform",
    "tmux",
    "tree",
    "typescript",
    "typescript-language-server",
    "unzip",
    "uv",
    "vim",
    "wget",
    "which",
    "xz",
    "yarn",
    "yq-go",
    "zig",
    "zip",
    "zsh",
    "zstd",
];

/// A global name, if there is a description of it.
pub(super) fn describe(name: &str) -> Option<String> {
    combinator(name)
        .map(of_combinator)
        .or_else(|| builder(name).map(of_builder))
        .or_else(|| of_word(name))
}

fn of_word(name: &str) -> Option<String> {
    let (_, form, text) = WORDS.iter().find(|(word, ..)| *word == name)?;
    let names = match name {
        "commonJailOptions" => COMMON_JAIL_OPTIONS,
        "commonPkgs" => COMMON_PKGS,
        _ => &[],
    };
    let mut page = format!("```nix\n{form}\n```\n\n{text}");
    if !names.is_empty() {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        page.push_str(&format!(" They are {}.", names.join(", ")));
    }
    Some(page)
}

/// `ro-bind FROM TO`.
pub(super) fn form(name: &str, signature: Signature) -> String {
    let params = signature.params.iter().map(|param| param.name.to_uppercase());
    std::iter::once(name.to_owned()).chain(params).collect::<Vec<_>>().join(" ")
}

pub(super) fn of_combinator(combinator: &Combinator) -> String {
    let Combinator { name, summary, docs, signature, example, .. } = combinator;
    let mut page = format!("```nix\n{}\n```\n\n{summary}.\n", form(name, *signature));
    for param in signature.params {
        page.push_str(&format!("\n- `{}`: {}", param.name.to_uppercase(), describe_type(param.ty)));
    }
    if !signature.params.is_empty() {
        page.push('\n');
    }
    if !docs.trim().is_empty() {
        page.push_str(&format!("\n{}\n", docs.trim()));
    }
    page.push_str(&format!("\n```nix\n{example}\n```"));
    page
}

pub(super) fn of_builder(builder: &Builder) -> String {
    let Builder { name, summary, example, preset, .. } = builder;
    let mut page = format!("```nix\n{name} {{ … }}\n```\n\n{summary}.\n");
    if let Some(preset) = preset {
        page.push_str(&format!(
            "\nThe command is `{}`, the package `agents.{}`.\n",
            preset.command, preset.package
        ));
    }
    for field in fields(builder) {
        page.push_str(&format!("\n- `{}`: {}", field.name, about(field)));
    }
    page.push_str(&format!("\n\n```nix\n{example}\n```"));
    page
}

/// The arguments that a builder takes in its set.
pub(super) fn fields(builder: &Builder) -> &'static [Field] {
    let mut types = builder.signature.params.iter().map(|param| param.ty);
    let fields = types.find_map(|ty| match ty {
        Type::Fields(fields) => Some(fields),
        _ => None,
    });
    fields.unwrap_or(&[])
}

pub(super) fn of_field(field: &Field) -> String {
    format!("```nix\n{} = …;\n```\n\n{}.", field.name, about(field))
}

fn about(field: &Field) -> String {
    let must = if field.required { "; it must be given" } else { "" };
    format!("{} ({}{must})", field.doc, describe_type(field.ty))
}
