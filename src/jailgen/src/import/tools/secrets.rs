//! Values that do not go into a spec: the store is readable for every user.

use jail_policy::is_secret;

/// Parts of the names of variables that may hold credentials, besides those of [`is_secret`].
const NAMES: [&str; 6] = ["AUTH", "BEARER", "COOKIE", "KEY", "PASSPHRASE", "PRIVATE"];

/// What keys of known services begin with.
const BEGINNINGS: [&str; 14] = [
    "sk-",
    "sk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xox",
    "AKIA",
    "AIza",
    "eyJ",
    "-----BEGIN",
];

/// Whether a variable of this name, or a text like this, is likely a credential.
pub(super) fn has_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_named = is_secret(name) || NAMES.iter().any(|part| upper.contains(part));
    let words =
        || value.split(|it: char| it.is_whitespace() || matches!(it, '=' | ':' | '\'' | '"'));
    is_named && !value.is_empty()
        || words().any(|word| BEGINNINGS.iter().any(|begin| word.starts_with(begin)))
        || has_userinfo(value)
}

/// Whether an address has a name or a password before its host.
pub(super) fn has_userinfo(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    address.contains("://") && authority.contains('@')
}
