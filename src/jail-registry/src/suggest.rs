//! The name that was probably meant.

/// The candidate that is the same name in another spelling, or else the nearest one, if it is
/// near enough to be a typo.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<_> = candidates.into_iter().collect();
    respelt(name, candidates.iter().copied()).or_else(|| slip(name, candidates))
}

/// The candidate that differs only in capitals, hyphens and
/// underscores: `add-pkg-deps` for `addPkgDeps`.
#[must_use]
pub fn respelt<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = letters(name);
    let mut candidates = candidates.into_iter();
    candidates.find(|candidate| !bare.is_empty() && letters(candidate) == bare)
}

fn slip<'a>(name: &str, candidates: Vec<&'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A name without the characters in which spellings differ.
pub(crate) fn letters(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}
