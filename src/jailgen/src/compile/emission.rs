//! A compiled spec as the emitter takes it: with all that was read for it, so that nothing is read
//! a second time.

use std::path::Path;

use jail_lang::{Bounds, FileSources, SourceError, Sources as _};

use super::{Compiled, SpecFolder};
use crate::backends::{Answer, Copied, EmitError, Spec, SpecFile};

/// Where copied files stand in the emitted folder; the language writes references to them.
const COPIES: &str = "files";

impl SpecFolder {
    /// What is emitted of a spec of this folder; nothing if something is wrong with it.
    ///
    /// # Errors
    /// Something that the spec copies cannot be read.
    pub fn emission(&self, compiled: &Compiled) -> Result<Option<Spec>, EmitError> {
        let (Some(spec), Some(emission)) = (&compiled.spec, compiled.emission_without_copies())
        else {
            return Ok(None);
        };
        let mut bounds = Bounds::of_a_spec();
        let copied = spec.copied.keys().map(|name| copy(&self.sources, name, &mut bounds));
        Ok(Some(Spec {
            place: self.place(),
            answers: self.sources.answered().into_iter().map(Answer::record).collect(),
            copied: copied.collect::<Result<_, _>>().map_err(EmitError::Source)?,
            ..emission
        }))
    }
}

impl Compiled {
    /// What is emitted of it but for what it copies, which a [`SpecFolder`] reads; nothing if
    /// something is wrong with it.
    #[must_use]
    pub fn emission_without_copies(&self) -> Option<Spec> {
        let spec = self.spec.as_ref()?;
        Some(Spec {
            path: self.path.display().to_string(),
            place: self.path.clone(),
            files: files(self),
            answers: Vec::new(),
            policies: self.policies.clone(),
            inputs: spec.inputs.clone(),
            overlays: spec.overlays.clone(),
            config: spec.config.clone(),
            copied: Vec::new(),
        })
    }
}

fn files(compiled: &Compiled) -> Vec<SpecFile> {
    let files = compiled.files.all().iter();
    files.map(|file| SpecFile::new(&file.name, file.text.as_bytes())).collect()
}

fn copy(sources: &FileSources, name: &str, bounds: &mut Bounds) -> Result<Copied, SourceError> {
    let from = Path::new(sources.root()).join(name);
    // `.` is the folder itself.
    let from = if name == "." { sources.root().to_owned() } else { from.display().to_string() };
    let tree = sources.tree(&from, bounds)?;
    Ok(Copied { from: from.into(), to: format!("{COPIES}/{name}"), tree })
}
