//! From a spec file to policies: evaluated, then lowered jail by jail. All faults of a spec are
//! collected, not the first.

mod deciding;
mod emission;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jail_lang::{FileSources, Files, Limits, Outcome, Sources as _, Spec, evaluate};
use jail_policy::{Danger, Origin, Policy};
use jail_registry::{Diagnostic, FileId, Jail, Place, Severity, Symbolic, lower};

use crate::files::{behind_link, folder_of};
use crate::render::Sources;

/// What became of a spec file.
#[derive(Debug)]
pub struct Compiled {
    /// Its path as the user gave it; where that is a link, that of the file.
    pub path: PathBuf,
    /// Every file that was read, the spec first, by its name below the spec's folder.
    pub files: Files,
    /// What is wrong with it, and what looks so.
    pub diagnostics: Vec<Diagnostic>,
    /// The result, if nothing is wrong with it.
    pub spec: Option<Spec>,
    /// Its jails' policies, if nothing is wrong with it.
    pub policies: Vec<Policy>,
    /// What else is known of each of them.
    pub judged: Vec<Judged>,
}

/// What is known of a jail in addition to its policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// What is dangerous about it, the worst first.
    pub dangers: Vec<Danger>,
    /// Where the combinators stand that its grants are of.
    pub places: BTreeMap<Origin, Place>,
}

/// A spec file and the folder around it, which is opened once: all that is read of it is read
/// through this, once.
#[derive(Debug)]
pub struct SpecFolder {
    sources: FileSources,
    /// The spec's path as the user gave it; where that is a link, that of the file.
    path: PathBuf,
}

impl SpecFolder {
    /// Opens the folder of the spec at `path`. A link there is followed, so imports are found next
    /// to the file itself; no link that the spec names is followed.
    ///
    /// # Errors
    /// It cannot be opened. A spec that cannot be read is a diagnostic of [`SpecFolder::compile`].
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = behind_link(path)?;
        Ok(Self { sources: FileSources::new(folder_of(&path))?, path })
    }

    /// Compiles the spec. Nothing outside its folder is read.
    #[must_use]
    pub fn compile(&self) -> Compiled {
        compile_from(&self.sources, &self.path)
    }

    /// Where the spec is: an absolute path without links.
    fn place(&self) -> PathBuf {
        Path::new(self.sources.root()).join(self.path.file_name().unwrap_or_default())
    }
}

/// Compiles the spec at `path`, which is directly in the folder of
/// `sources` and is read from there.
#[must_use]
pub fn compile_from(sources: &dyn jail_lang::Sources, path: &Path) -> Compiled {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Outcome { spec, sound, mut diagnostics, files } = evaluate(sources, &name, Limits::SPEC);
    // Jails that nothing is wrong with so far are lowered also where another one is wrong: all
    // faults are reported at once.
    let jails = spec.as_ref().map_or(&sound, |spec| &spec.jails);
    let (policies, judged) = lower_all(jails, &files, &mut diagnostics).into_iter().unzip();
    let compiled = Compiled { path: path.into(), files, diagnostics, spec, policies, judged };
    if has_errors(&compiled.diagnostics) {
        return Compiled { spec: None, policies: Vec::new(), judged: Vec::new(), ..compiled };
    }
    compiled
}

fn lower_all(
    jails: &[Jail],
    files: &Files,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(Policy, Judged)> {
    let mut policies = Vec::new();
    for jail in jails {
        match lower(jail, &Symbolic, &|place| files.display(place)) {
            Ok(lowered) => {
                diagnostics.extend(lowered.warnings);
                let judged = Judged { dangers: lowered.dangers, places: lowered.places };
                policies.push((lowered.policy, judged));
            }
            Err(faults) => diagnostics.extend(faults),
        }
    }
    // In the order of a reader, whichever step found it.
    diagnostics.sort_by_key(|fault| fault.primary.map(|place| (place.file, place.start)));
    // A list that several jails share is reported once.
    let mut reported: Vec<Diagnostic> = Vec::new();
    diagnostics.retain(|diagnostic| {
        let is_new = !reported.contains(diagnostic);
        if is_new {
            reported.push(diagnostic.clone());
        }
        is_new
    });
    policies
}

/// Whether something stops the compilation.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The files as the user names them: relative to where the command was started, not to the spec's
/// folder.
impl Sources for Compiled {
    fn source(&self, file: FileId) -> Option<(Cow<'_, str>, &str)> {
        let file = self.files.get(file)?;
        let name = self.path.with_file_name(&file.name);
        Some((name.to_string_lossy().into_owned().into(), &file.text))
    }
}
