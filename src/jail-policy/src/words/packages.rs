//! Packages in words: as the spec names them, or, resolved, by what the store calls them.

use crate::grant::NetworkGrant;
use crate::text::{Package, Piece, Text};

/// The value of a variable in the store tells a reader nothing, nor does the file with the
/// authorities, which many variables name.
pub(super) fn variable(name: &str, value: &Text) -> String {
    let is_dull =
        |value: &str| value.starts_with("/nix/store/") || value == NetworkGrant::AUTHORITIES;
    let value = value.as_str().filter(|value| !is_dull(value));
    value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}"))
}

pub(super) fn program(path: &Text) -> String {
    match path.pieces() {
        [Piece::Package { package, .. }] => package_words(package),
        _ => path.to_string(),
    }
}

pub(super) fn commands(folder: &Text) -> String {
    match folder.pieces() {
        [Piece::Package { package, .. }, Piece::Literal(bin)] if bin == "/bin" => {
            let words = package_words(package);
            words.strip_prefix("pkgs.").map(str::to_owned).unwrap_or(words)
        }
        [Piece::Literal(path)] => store_name(path).unwrap_or(path).to_owned(),
        _ => folder.to_string(),
    }
}

/// `git-2.50` of `/nix/store/<hash>-git-2.50/bin`.
fn store_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/nix/store/")?.strip_suffix("/bin")?;
    let (hash, name) = name.split_once('-')?;
    (hash.len() == 32 && !name.contains('/')).then_some(name)
}

fn package_words(package: &Package) -> String {
    match package {
        Package::Symbolic { nix } => {
            let (before, nix) = match nix.strip_prefix(super::PACKAGES_OF) {
                Some(list) => ("all of ", list),
                None => ("", nix.as_str()),
            };
            format!("{before}{}", nix.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        Package::Resolved { paths } => paths.program.clone().unwrap_or_else(|| paths.out.clone()),
    }
}
