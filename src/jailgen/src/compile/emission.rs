//! A compiled spec as the emitter takes it: with all that was read for it, so that nothing is read a second time.

use std::collections::BTreeMap;
use std::path::Path;

use jail_lang::{Bounds, FileSources, Input, SourceError, Sources as _};

use super::{Compiled, SpecFolder};
use crate::backends::nix::FlakeInput;
use crate::backends::nix::value::NixValue;
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
            answers: self.sources.answered().into_iter().map(Answer::of).collect(),
            copied: copied.collect::<Result<_, _>>().map_err(EmitError::Source)?,
            ..emission
        }))
    }
}

impl Compiled {
    /// The inputs that it declares, as flake.nix says them.
    #[must_use]
    pub fn inputs(&self) -> BTreeMap<String, FlakeInput> {
        let inputs = self.spec.iter().flat_map(|spec| &spec.inputs);
        inputs.map(|(name, input)| (name.clone(), FlakeInput(value(input)))).collect()
    }

    /// What is emitted of it but for what it copies, which a [`SpecFolder`] reads; nothing if something is wrong with it.
    #[must_use]
    pub fn emission_without_copies(&self) -> Option<Spec> {
        let spec = self.spec.as_ref()?;
        Some(Spec {
            path: self.path.display().to_string(),
            place: self.path.clone(),
            files: files(self),
            answers: Vec::new(),
            policies: self.policies.clone(),
            inputs: self.inputs(),
            overlays: spec.overlays.clone(),
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

/// An input as flake.nix says it.
fn value(input: &Input) -> NixValue {
    let mut fields = Vec::new();
    let mut add = |name: &str, value| fields.push((name.to_owned(), value));
    if let Some(url) = &input.url {
        add("url", NixValue::text(url));
    }
    if let Some(flake) = input.flake {
        add("flake", NixValue::Bool(flake));
    }
    if let Some(follows) = &input.follows {
        add("follows", NixValue::text(follows));
    }
    if !input.inputs.is_empty() {
        let inputs = input.inputs.iter().map(|(name, input)| (name.clone(), value(input)));
        add("inputs", NixValue::Set(inputs.collect()));
    }
    NixValue::Set(fields)
}
