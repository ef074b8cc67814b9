//! Replacements for the values of secrets during an audit. A value is not read: the broker gets a
//! canary in its place, and a canary must be nowhere inside.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;

use jail_plan::{HostText, Plan, Secret, SecretSource};

use super::seen::written;

/// How many random bytes a canary is made of.
const RANDOM: usize = 20;

/// The replacement for one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The secret's name.
    pub secret: String,
    /// The variable of the launch that has it.
    pub variable: String,
    /// The canary itself.
    pub text: String,
    /// Where the value is in a file: its device and inode. The file must not be inside either.
    pub(super) file: Option<(u64, u64)>,
}

/// A canary for each secret of a plan. Secrets that come from one variable have one canary.
///
/// # Errors
/// There are no random bytes.
pub fn canaries(plan: &Plan, home: &str) -> io::Result<Vec<Canary>> {
    let mut all: Vec<Canary> = Vec::new();
    for (index, secret) in secrets(plan).enumerate() {
        let variable = variable(index, secret);
        let known = all.iter().find(|canary| canary.variable == variable);
        let text = match known {
            Some(canary) => canary.text.clone(),
            None => random()?,
        };
        let file = match &secret.from {
            SecretSource::File(path) => identity(path, home),
            SecretSource::Variable(_) | SecretSource::Command(_) | SecretSource::Keyring(_) => None,
        };
        all.push(Canary { secret: secret.name.clone(), variable, text, file });
    }
    Ok(all)
}

/// Has the broker read the canaries. A variable of the launcher stays the source, because another
/// grant could pass it on.
pub fn plant(plan: &mut Plan) {
    let secrets = plan.network.iter_mut().flat_map(|network| &mut network.egress.secrets);
    for (index, secret) in secrets.enumerate() {
        secret.from = SecretSource::Variable(variable(index, secret));
    }
}

pub(super) fn secrets(plan: &Plan) -> impl Iterator<Item = &Secret> {
    plan.network.iter().flat_map(|network| &network.egress.secrets)
}

fn variable(index: usize, secret: &Secret) -> String {
    match &secret.from {
        SecretSource::Variable(name) => name.clone(),
        SecretSource::File(_) | SecretSource::Command(_) | SecretSource::Keyring(_) => {
            format!("JAILGEN_AUDIT_SECRET_{index}")
        }
    }
}

fn random() -> io::Result<String> {
    let mut bytes = [0; RANDOM];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn identity(path: &HostText, home: &str) -> Option<(u64, u64)> {
    let meta = fs::metadata(written(path, home)).ok()?;
    Some((meta.dev(), meta.ino()))
}
