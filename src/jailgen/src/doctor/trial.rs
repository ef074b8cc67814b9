//! A derivation of one line, built as `jailgen build` builds: only a build shows whether that
//! works. It needs no network and no package; its builder is the probe, which is static, as what
//! builds wrappers is.

use std::io;
use std::path::{Path, PathBuf};

use crate::backends::nix::value::NixValue;
use crate::closure::store_path_of;
use crate::files::{create_private, write_atomically};
use crate::nix::{Nix, NixError, Progress};

const PACKAGE: &str = "trial";

/// Why nothing was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In one line.
    pub line: String,
    /// What to do, where that is known.
    pub help: Option<String>,
}

impl From<NixError> for Fault {
    fn from(error: NixError) -> Self {
        Self { line: error.in_a_line(), help: error.help() }
    }
}

/// Builds it, from a flake that is written to `folder`. `mark` makes it one that was never built:
/// Nix would not build the same a second time.
///
/// # Errors
/// It is not built, or the flake cannot be written.
pub fn trial(
    nix: &Nix,
    folder: &Path,
    probe: &Path,
    mark: &str,
    progress: Progress<'_>,
) -> Result<(), Fault> {
    let unwritten =
        |error: io::Error| Fault { line: format!("{}: {error}", folder.display()), help: None };
    let builder = in_store(nix, probe)?;
    create_private(folder).map_err(unwritten)?;
    let flake = flake(&builder.0, &builder.1, mark);
    write_atomically(&folder.join("flake.nix"), flake.as_bytes()).map_err(unwritten)?;
    let built = nix.build(folder, &[PACKAGE], progress)?;
    match built.as_slice() {
        [out] if Path::new(out).exists() => Ok(()),
        _ => Err(Fault {
            line: "Nix says that it is built, but it does not exist".into(),
            help: None,
        }),
    }
}

/// The probe and the store path that it is in; a kit may lie elsewhere.
fn in_store(nix: &Nix, probe: &Path) -> Result<(PathBuf, String), NixError> {
    let real = probe.canonicalize().unwrap_or_else(|_| probe.into());
    match store_path_of(&real, "/nix/store") {
        Some(store_path) => Ok((real, store_path)),
        None => {
            let added = nix.add_path(&real, "jail-probe")?;
            Ok((PathBuf::from(&added), added))
        }
    }
}

fn flake(builder: &Path, store_path: &str, mark: &str) -> String {
    let text = |text: &str| NixValue::text(text).to_nix(0);
    let system = text(&format!("{}-linux", std::env::consts::ARCH));
    let (builder, store_path) = (text(&builder.display().to_string()), text(store_path));
    let mark = text(mark);
    format!(
        r#"# Written by `jailgen doctor`, which builds it to see whether jails can be built here.
{{
  outputs = inputs: {{
    packages.{system}.{PACKAGE} = derivation {{
      name = "jailgen-doctor";
      system = {system};
      builder = builtins.appendContext {builder} {{ {store_path}.path = true; }};
      args = [
        "call"
        "mkdirat"
        "-100"
        "s:${{placeholder "out"}}"
        "493"
      ];
      mark = {mark};
      allowSubstitutes = false;
      preferLocalBuild = true;
    }};
  }};
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flake_is_nix_whatever_its_paths_are() {
        let odd = "/nix/store/a\"b${c}\\";
        let text = flake(Path::new(odd), odd, "1\"");
        let parsed = rnix::Root::parse(&text);
        assert!(parsed.errors().is_empty(), "{:?}\n{text}", parsed.errors());
    }
}
