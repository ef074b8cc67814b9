//! The names of combinators that code outside their entries needs, as constants: a misspelt
//! one does not compile. Other names are only in their entries. `tests/it/tidy.rs` finds a
//! name that is written twice.

pub use jail_policy::BASE;

/// `add-cleanup`
pub const ADD_CLEANUP: &str = "add-cleanup";
/// `add-path`
pub const ADD_PATH: &str = "add-path";
/// `add-pkg-deps`
pub const ADD_PKG_DEPS: &str = "add-pkg-deps";
/// `add-runtime`
pub const ADD_RUNTIME: &str = "add-runtime";
/// `add-seccomp`
pub const ADD_SECCOMP: &str = "add-seccomp";
/// `allow-git-config`
pub const ALLOW_GIT_CONFIG: &str = "allow-git-config";
/// `allow-home-cwd`
pub const ALLOW_HOME_CWD: &str = "allow-home-cwd";
/// `allow-nested-sandbox`
pub const ALLOW_NESTED_SANDBOX: &str = "allow-nested-sandbox";
/// `best-effort`
pub const BEST_EFFORT: &str = "best-effort";
/// `bind-device`
pub const BIND_DEVICE: &str = "bind-device";
/// `bind-nix-store-runtime-closure`
pub const BIND_NIX_STORE_RUNTIME_CLOSURE: &str = "bind-nix-store-runtime-closure";
/// `dns`
pub const DNS: &str = "dns";
/// `escape`
pub const ESCAPE: &str = "escape";
/// `fake-passwd`
pub const FAKE_PASSWD: &str = "fake-passwd";
/// `fwd-env`
pub const FWD_ENV: &str = "fwd-env";
/// `camera`
pub const CAMERA: &str = "camera";
/// `git-identity`
pub const GIT_IDENTITY: &str = "git-identity";
/// `git-worktree`
pub const GIT_WORKTREE: &str = "git-worktree";
/// `gpu`
pub const GPU: &str = "gpu";
/// `http-allow`
pub const HTTP_ALLOW: &str = "http-allow";
/// `internet`
pub const INTERNET: &str = "internet";
/// `internet-ports`
pub const INTERNET_PORTS: &str = "internet-ports";
/// `landlock`
pub const LANDLOCK: &str = "landlock";
/// `limit-cpu`
pub const LIMIT_CPU: &str = "limit-cpu";
/// `limit-file-size`
pub const LIMIT_FILE_SIZE: &str = "limit-file-size";
/// `limit-files`
pub const LIMIT_FILES: &str = "limit-files";
/// `limit-memory`
pub const LIMIT_MEMORY: &str = "limit-memory";
/// `limit-pids`
pub const LIMIT_PIDS: &str = "limit-pids";
/// `limit-time`
pub const LIMIT_TIME: &str = "limit-time";
/// `mask`
pub const MASK: &str = "mask";
/// `mount-cwd`
pub const MOUNT_CWD: &str = "mount-cwd";
/// `mount-cwd-readonly`
pub const MOUNT_CWD_READONLY: &str = "mount-cwd-readonly";
/// `mount-dev`
pub const MOUNT_DEV: &str = "mount-dev";
/// `mount-proc`
pub const MOUNT_PROC: &str = "mount-proc";
/// `network`
pub const NETWORK: &str = "network";
/// `network-allow`
pub const NETWORK_ALLOW: &str = "network-allow";
/// `new-session`
pub const NEW_SESSION: &str = "new-session";
/// `nix-daemon`
pub const NIX_DAEMON: &str = "nix-daemon";
/// `no-die-with-parent`
pub const NO_DIE_WITH_PARENT: &str = "no-die-with-parent";
/// `no-new-session`
pub const NO_NEW_SESSION: &str = "no-new-session";
/// `noescape`
pub const NOESCAPE: &str = "noescape";
/// `open-urls-in-browser`
pub const OPEN_URLS_IN_BROWSER: &str = "open-urls-in-browser";
/// `pipewire`
pub const PIPEWIRE: &str = "pipewire";
/// `protect`
pub const PROTECT: &str = "protect";
/// `caches`
pub const CACHES: &str = "caches";
/// `proxy-variables`
pub const PROXY_VARIABLES: &str = "proxy-variables";
/// `pulse`
pub const PULSE: &str = "pulse";
/// `quarantine`
pub const QUARANTINE: &str = "quarantine";
/// `readonly`
pub const READONLY: &str = "readonly";
/// `readwrite`
pub const READWRITE: &str = "readwrite";
/// `seccomp`
pub const SECCOMP: &str = "seccomp";
/// `secret`
pub const SECRET: &str = "secret";
/// `secret-file`
pub const SECRET_FILE: &str = "secret-file";
/// `secret-socket`
pub const SECRET_SOCKET: &str = "secret-socket";
/// `set-argv`
pub const SET_ARGV: &str = "set-argv";
/// `set-env`
pub const SET_ENV: &str = "set-env";
/// `set-hostname`
pub const SET_HOSTNAME: &str = "set-hostname";
/// `share-ns`
pub const SHARE_NS: &str = "share-ns";
/// `share-terminal`
pub const SHARE_TERMINAL: &str = "share-terminal";
/// `private-copies`
pub const PRIVATE_COPIES: &str = "private-copies";
/// `separate-state-dir`
pub const SEPARATE_STATE_DIR: &str = "separate-state-dir";
/// `separate-state-file`
pub const SEPARATE_STATE_FILE: &str = "separate-state-file";
/// `stage-cwd`
pub const STAGE_CWD: &str = "stage-cwd";
/// `stage-cwd-as`
pub const STAGE_CWD_AS: &str = "stage-cwd-as";
/// `state-dir`
pub const STATE_DIR: &str = "state-dir";
/// `state-file`
pub const STATE_FILE: &str = "state-file";
/// `time-zone`
pub const TIME_ZONE: &str = "time-zone";
/// `try-fwd-env`
pub const TRY_FWD_ENV: &str = "try-fwd-env";
/// `try-readonly`
pub const TRY_READONLY: &str = "try-readonly";
/// `try-readwrite`
pub const TRY_READWRITE: &str = "try-readwrite";
/// `unsafe-add-raw-args`
pub const UNSAFE_ADD_RAW_ARGS: &str = "unsafe-add-raw-args";
/// `wayland`
pub const WAYLAND: &str = "wayland";
/// `whole-nix-store`
pub const WHOLE_NIX_STORE: &str = "whole-nix-store";
/// `workspace`
pub const WORKSPACE: &str = "workspace";
/// `wrap-entry`
pub const WRAP_ENTRY: &str = "wrap-entry";
/// `xwayland`
pub const XWAYLAND: &str = "xwayland";
