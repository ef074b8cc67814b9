//! "Did you mean": the nearest of the names that would have been right.

pub(crate) use jail_registry::nearest;

/// The help that names the nearest candidate.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}
