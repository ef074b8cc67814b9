//! What a spec declares for Nix: places that Nix reads, and code that it evaluates, when the spec
//! is built. A wrapper does not say it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::backends::nix::input_value;
use crate::backends::nixpkgs_settings;
use crate::compile::Compiled;
use crate::render::sanitise;

/// See the module. Each part is in one line.
#[derive(Default, Serialize)]
pub(super) struct Declared {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) inputs: BTreeMap<String, String>,
    /// The configuration of nixpkgs and the overlays, by the names that a spec has for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) nixpkgs: BTreeMap<String, String>,
}

impl Declared {
    pub(super) fn of_spec(compiled: &Compiled) -> Self {
        let Some(spec) = &compiled.spec else { return Self::default() };
        let inputs = spec.inputs.iter();
        let inputs =
            inputs.map(|(name, input)| (name.clone(), line(&input_value(input).to_nix(0))));
        let settings = nixpkgs_settings(&spec.overlays, spec.config.as_deref());
        let settings = settings.into_iter().map(|(name, source)| (name, line(source)));
        Self { inputs: inputs.collect(), nixpkgs: settings.collect() }
    }

    pub(super) fn text(&self) -> Vec<String> {
        let parts = [
            ("Inputs, which Nix reads with your rights when the spec is built", &self.inputs),
            (
                "Code that Nix evaluates with your rights, which decides what packages are",
                &self.nixpkgs,
            ),
        ];
        parts.into_iter().filter_map(|(title, part)| block(title, part)).collect()
    }
}

fn block(title: &str, part: &BTreeMap<String, String>) -> Option<String> {
    let line = |(name, source): (&String, &String)| {
        format!("  {}\n", sanitise(&format!("{name}  {source}")).replace('\n', "\\n"))
    };
    let lines: String = part.iter().map(line).collect();
    (!part.is_empty()).then(|| format!("{title}\n{lines}"))
}

fn line(source: &str) -> String {
    source.split_whitespace().collect::<Vec<_>>().join(" ")
}
