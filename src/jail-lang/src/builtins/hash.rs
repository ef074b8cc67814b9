//! `hashString`.

use jail_registry::{Code as DiagnosticCode, Place};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Builtin, builtin, take};
use crate::failure::{Failure, Fallible};
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[builtin("hashString", 2, |evaluator, args, at| {
    let [kind, text] = take(args, at)?;
    let kind = evaluator.string(kind, at)?;
    let text = evaluator.string(text, at)?;
    evaluator.work(text.len().saturating_mul(DIGEST_COST), at)?;
    digest(&kind, text.as_bytes(), at).map(Value::string)
})];

/// How many times longer a digest takes than a copy of the same bytes.
pub(super) const DIGEST_COST: usize = 4;

/// The digest in base 16.
pub(super) fn digest(kind: &str, bytes: &[u8], at: Place) -> Fallible<String> {
    Ok(match kind {
        "md5" => hex(&Md5::digest(bytes)),
        "sha1" => hex(&Sha1::digest(bytes)),
        "sha256" => hex(&Sha256::digest(bytes)),
        "sha512" => hex(&Sha512::digest(bytes)),
        other => {
            return Err(Failure::new(
                DiagnosticCode::TypeMismatch,
                at,
                format!("`{other}` is not a hash algorithm"),
            )
            .label("unknown algorithm")
            .help("use `md5`, `sha1`, `sha256` or `sha512`"));
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
