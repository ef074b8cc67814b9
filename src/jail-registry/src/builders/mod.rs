//! Agent builders: `makeJailedOpencode { … }` and the like. They are expanded
//! here, for both front ends.

pub(crate) mod cage;
mod executed;
mod expand;
mod hosts;
mod meant;
mod needs;
mod options;
mod presets;
mod secrets;
mod unfree;

use crate::signature::{Field, Param, Signature, Type};
use crate::table::by_name::HOST;
use crate::table::limits::AMOUNT;
use crate::table::names;
use crate::table::secrets::SECRET_FIELDS;
use crate::term::{Built, Jail, Made, Value};
use crate::words::Words;

pub use cage::SUFFIX as CAGE_SUFFIX;
pub(crate) use cage::{PROFILES, Profile};
pub use executed::Executed;
pub(crate) use expand::{Expanded, expand, is_file_name};
pub use meant::builder_meant;
pub use needs::{Needs, needs};
pub use presets::{MOVABLE, Movable, PRESETS, Preset, State, Variable, VariableValue};
pub use unfree::{UNFREE_AGENTS, unfree_agents_in};

/// A builder: a function of the spec language that makes a whole jail.
#[derive(Clone, Copy, Debug)]
pub struct Builder {
    /// The name, as specs write it.
    pub name: &'static str,
    /// The version of jailgen that first had it.
    pub since: &'static str,
    /// What it makes, in one sentence without a full stop.
    pub summary: &'static str,
    /// What it takes: one attribute set.
    pub signature: Signature,
    /// An expression that uses it.
    pub example: &'static str,
    /// The agent that it is for. `None` for a builder whose arguments name the agent.
    pub preset: Option<&'static Preset>,
    /// What it makes.
    pub makes: Makes,
}

/// What a builder makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// A jail: mounts and namespaces of its own.
    Jail,
    /// A cage: rules of Landlock on the host as it is.
    Cage,
}

impl Builder {
    /// What its argument may contain.
    #[must_use]
    pub fn fields(&self) -> &'static [Field] {
        self.signature.params.iter().find_map(|param| param.ty.fields()).unwrap_or_default()
    }
}

/// All builders: the cage, the general one, then those of the presets.
pub static BUILDERS: &[Builder] = &[
    cage::CAGE,
    Builder {
        name: "makeJailedAgent",
        since: "0.1.0",
        summary: "A jail for an agent that jailgen does not know",
        signature: Signature { params: GENERAL },
        example: "makeJailedAgent { name = \"jailed-aider\"; pkg = pkgs.aider-chat; configPaths = [ \"~/.aider\" ]; }",
        preset: None,
        makes: Makes::Jail,
    },
    known(
        "makeJailedAmp",
        "A jail for Amp",
        "makeJailedAmp { allowedHosts = \"default\"; secrets = \"default\"; }",
        &presets::AMP,
    ),
    known(
        "makeJailedClaudeCode",
        "A jail for Claude Code",
        "makeJailedClaudeCode { extraPkgs = [ pkgs.nodejs ]; }",
        &presets::CLAUDE_CODE,
    ),
    known(
        "makeJailedCodex",
        "A jail for Codex",
        "makeJailedCodex { env.CI = \"1\"; }",
        &presets::CODEX,
    ),
    known(
        "makeJailedCopilotCli",
        "A jail for GitHub Copilot CLI",
        "makeJailedCopilotCli { fwdEnv = [ \"COPILOT_GITHUB_TOKEN\" ]; }",
        &presets::COPILOT_CLI,
    ),
    known(
        "makeJailedCrush",
        "A jail for Crush",
        "makeJailedCrush { extraPkgs = [ pkgs.go pkgs.gopls ]; }",
        &presets::CRUSH,
    ),
    known(
        "makeJailedCursorAgent",
        "A jail for Cursor's agent",
        "makeJailedCursorAgent { fwdEnv = [ \"CURSOR_API_KEY\" ]; }",
        &presets::CURSOR_AGENT,
    ),
    known(
        "makeJailedGeminiCli",
        "A jail for Gemini CLI",
        "makeJailedGeminiCli { extraReadonlyDirs = [ \"~/reference\" ]; }",
        &presets::GEMINI_CLI,
    ),
    known(
        "makeJailedGoose",
        "A jail for Goose",
        "makeJailedGoose { extraReadwriteDirs = [ \"~/.agents\" ]; }",
        &presets::GOOSE,
    ),
    known(
        "makeJailedHermesAgent",
        "A jail for Hermes Agent",
        "makeJailedHermesAgent { extraReadonlyDirs = [ \"~/notes\" ]; }",
        &presets::HERMES_AGENT,
    ),
    known(
        "makeJailedOpencode",
        "A jail for opencode",
        "makeJailedOpencode { name = \"secure-opencode\"; }",
        &presets::OPENCODE,
    ),
    known(
        "makeJailedOpencode2",
        "A jail for opencode 2",
        "makeJailedOpencode2 { enableOpenUrls = true; }",
        &presets::OPENCODE2,
    ),
    known(
        "makeJailedPi",
        "A jail for Pi",
        "makeJailedPi { extraJailOptions = [ (tmpfs-sized \"1G\" \"/tmp\") ]; }",
        &presets::PI,
    ),
    known(
        "makeJailedQwenCode",
        "A jail for Qwen Code",
        "makeJailedQwenCode { baseJailOptions = [ mount-cwd ]; }",
        &presets::QWEN_CODE,
    ),
];

const fn known(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    preset: &'static Preset,
) -> Builder {
    let signature = Signature { params: KNOWN };
    Builder {
        name,
        since: "0.1.0",
        summary,
        signature,
        example,
        preset: Some(preset),
        makes: Makes::Jail,
    }
}

impl Jail {
    /// The command's name, if it is known without lowering the jail.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.made {
            Made::Plain { name, .. } => Some(name),
            Made::Built(Built { builder: of, arguments }) => {
                let preset = || builder(of)?.preset.map(|preset| preset.command);
                let given = arguments.get("name").map(|given| match &given.value {
                    Value::Text(text) => text.as_str(),
                    _ => None,
                });
                given.unwrap_or_else(preset)
            }
        }
    }
}

/// The builder of this name.
#[must_use]
pub fn builder(name: &str) -> Option<&'static Builder> {
    BUILDERS.iter().find(|builder| builder.name == name)
}

/// `commonPkgs`: the packages on PATH in every agent's jail, unless `basePackages` replaces them.
/// They are attributes of nixpkgs.
pub static COMMON_PKGS: &[&str] = &[
    "bashInteractive",
    "curl",
    "wget",
    "jq",
    "git",
    "which",
    "ripgrep",
    "gnugrep",
    "gnused",
    "gawkInteractive",
    "ps",
    "findutils",
    "gzip",
    "unzip",
    "gnutar",
    "diffutils",
    "less",
    "file",
    "gnupatch",
    "xz",
    "gnumake",
    "hostname",
    "fd",
    "tree",
];

/// `commonJailOptions`: the permissions of every agent's jail, unless `baseJailOptions` replaces
/// them. They are combinators that take no arguments.
pub static COMMON_JAIL_OPTIONS: &[&str] = &[
    names::NETWORK,
    names::TIME_ZONE,
    names::NO_NEW_SESSION,
    names::MOUNT_CWD,
    names::GIT_IDENTITY,
];

const GENERAL: &[Param] = &[Param { name: "arguments", ty: Type::Fields(GENERAL_FIELDS) }];
const KNOWN: &[Param] = &[Param { name: "arguments", ty: Type::Fields(KNOWN_FIELDS) }];

const GENERAL_FIELDS: &[Field] = &[
    required("name", Type::Literal, "the name of the command"),
    required("pkg", Type::Package, "the agent's package"),
    required(
        "configPaths",
        PATHS,
        "the agent's own state, such as `[ \"~/.config/my-agent\" ]`: read-write, made when missing; what ends like a file's name is a file",
    ),
    EXTRA_PKGS,
    READWRITE,
    READONLY,
    ENV,
    FWD_ENV,
    WORKSPACE,
    GIT_WORKTREES,
    NIX,
    OPEN_URLS,
    NIX_CONFIG_DIR,
    ALLOWED_HOSTS,
    SECRETS,
    LIMITS,
    CACHES,
    MASK,
    BASE_OPTIONS,
    BASE_PACKAGES,
    EXTRA_OPTIONS,
];

const KNOWN_FIELDS: &[Field] = &[
    optional(
        "name",
        Type::Literal,
        "the name of the command, instead of `jailed-` and the agent's",
    ),
    optional(
        "pkg",
        Type::Package,
        "the agent's package, instead of the one of the `llm-agents` input",
    ),
    EXTRA_PKGS,
    READWRITE,
    READONLY,
    ENV,
    FWD_ENV,
    WORKSPACE,
    GIT_WORKTREES,
    NIX,
    OPEN_URLS,
    NIX_CONFIG_DIR,
    ALLOWED_HOSTS,
    SECRETS,
    LIMITS,
    CACHES,
    MASK,
    WRITABLE_SETTINGS,
    SEPARATE_STATE,
    BASE_OPTIONS,
    BASE_PACKAGES,
    EXTRA_OPTIONS,
];

/// What an argument takes that can be left to what is known of the agent.
const DEFAULT: Type = Type::Word(Words::Given(&["default"]));
const PATHS: Type = Type::List(&Type::Text);
const PACKAGES: Type = Type::List(&Type::Package);
const EXTRA_PKGS: Field = optional("extraPkgs", PACKAGES, "further packages on PATH");
const READWRITE: Field = optional(
    "extraReadwriteDirs",
    PATHS,
    "further folders, read-write; `~` and `$VAR` are expanded",
);
const READONLY: Field =
    optional("extraReadonlyDirs", PATHS, "further folders, read-only; `~` and `$VAR` are expanded");
const ENV: Field = optional("env", Type::Map(&Type::Text), "variables with their values");
const FWD_ENV: Field = optional(
    "fwdEnv",
    Type::List(&Type::Literal),
    "variables with the values that they have where the jail is started",
);
const WORKSPACE: Field = optional(
    "workspace",
    Type::Text,
    "where the working folder appears in the jail, instead of its own place",
);
const GIT_WORKTREES: Field = optional(
    "enableGitWorktrees",
    Type::Either(&[Type::Bool, Type::Fields(GIT_WORKTREES_FIELDS)]),
    "git works in linked worktrees: what they share with their repository is read-write",
);
const GIT_WORKTREES_FIELDS: &[Field] = &[
    optional("enable", Type::Bool, "the same as `true`"),
    optional("dir", Type::Text, "a further folder, read-write, to make worktrees in"),
    optional("mountGitConfig", Type::Bool, "`~/.gitconfig` is there, read-only, if it exists"),
];
const NIX: Field = optional(
    "enableNix",
    Type::Bool,
    "the Nix daemon and the `nix` command: the agent can build and fetch whatever it likes, outside of the jail",
);
const OPEN_URLS: Field = optional(
    "enableOpenUrls",
    Type::Bool,
    "what the agent opens with `xdg-open` appears in your browser: http and https only",
);
const NIX_CONFIG_DIR: Field = optional(
    "nixConfigDir",
    Type::Either(&[Type::Null, Type::Text, Type::Fields(NIX_CONFIG_DIR_FIELDS)]),
    "the system's configuration, such as `\"/etc/nixos\"`: read-only, or as `{ path; writable = true; }` says",
);
const NIX_CONFIG_DIR_FIELDS: &[Field] = &[
    required("path", Type::Text, "where it is"),
    optional("writable", Type::Bool, "whether it can be changed"),
];
const ALLOWED_HOSTS: Field = optional(
    "allowedHosts",
    Type::Either(&[DEFAULT, Type::List(&HOST)]),
    "hosts by name instead of `network`: a list as `network-allow` takes it, or `\"default\"` for those of the agent",
);
const SECRETS: Field = optional(
    "secrets",
    Type::Either(&[
        DEFAULT,
        Type::List(&Type::Either(&[Type::Word(Words::Keys), Type::Fields(SECRET_FIELDS)])),
    ]),
    "keys that stay outside: a list of known variables and of what `secret` takes, or `\"default\"` for those of the agent that the launcher has",
);
const LIMITS: Field = optional(
    "limits",
    Type::Fields(LIMITS_FIELDS),
    "how much of the machine it may use, such as `{ memory = \"4G\"; pids = 512; }`",
);
const LIMITS_FIELDS: &[Field] = &[
    optional("memory", AMOUNT, "`limit-memory`"),
    optional("pids", AMOUNT, "`limit-pids`"),
    optional("cpu", AMOUNT, "`limit-cpu`"),
    optional("files", AMOUNT, "`limit-files`"),
    optional("fileSize", AMOUNT, "`limit-file-size`"),
    optional("time", AMOUNT, "`limit-time`"),
    optional("bestEffort", Type::Bool, "`best-effort`"),
];
const MASK: Field = optional(
    names::MASK,
    Type::List(&Type::Literal),
    "globs of files in the working folder whose content the agent does not see, as `mask` takes them, instead of `[ \"@credentials\" ]`; `[ ]` masks nothing",
);
const WRITABLE_SETTINGS: Field = optional(
    "writableSettings",
    Type::Bool,
    "what the agent executes of its own state (hooks, plugins, settings) is shared with the agent outside, instead of copies that are gone with the jail",
);
const SEPARATE_STATE: Field = optional(
    "separateState",
    Type::Bool,
    "the agent's state is one of the jail's own, kept apart from that of the agent outside: it signs in by itself",
);
const CACHES: Field = optional(
    names::CACHES,
    Type::List(&Type::Word(Words::Caches)),
    "caches of the jail's own that stay when it ends, such as `[ \"npm\" \"cargo\" ]`: see [`caches`](#caches)",
);
const BASE_OPTIONS: Field =
    optional("baseJailOptions", Type::Permission, "permissions instead of `commonJailOptions`");
const BASE_PACKAGES: Field = optional("basePackages", PACKAGES, "packages instead of `commonPkgs`");
const EXTRA_OPTIONS: Field =
    optional("extraJailOptions", Type::Permission, "further permissions, applied last");

const fn required(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, required: true, doc }
}

const fn optional(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, required: false, doc }
}
