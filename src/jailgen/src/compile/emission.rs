//! A compiled spec as the emitter takes it.

use std::path::Path;

use jail_lang::Input;

use super::Compiled;
use crate::emit::value::NixValue;
use crate::emit::{Copied, FlakeInput, Spec, SpecFile};

/// Where copied files stand in the emitted folder; the language writes references to them.
const COPIES: &str = "files";

impl Compiled {
    /// What is emitted of it; nothing if something is wrong with it.
    #[must_use]
    pub fn emission(&self) -> Option<Spec> {
        let spec = self.spec.as_ref()?;
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let files = self.files.all().iter();
        let copied = spec
            .copied
            .keys()
            .map(|name| Copied { from: folder.join(name), to: format!("{COPIES}/{name}") });
        Some(Spec {
            path: self.path.display().to_string(),
            files: files.map(|file| SpecFile::new(&file.name, file.text.as_bytes())).collect(),
            policies: self.policies.clone(),
            inputs: spec
                .inputs
                .iter()
                .map(|(name, input)| (name.clone(), FlakeInput(value(input))))
                .collect(),
            overlays: spec.overlays.clone(),
            copied: copied.collect(),
        })
    }
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
