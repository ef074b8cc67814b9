//! How keys begin that services hand out. Programs look at that, and it is public: it names the
//! service and nothing more.

/// The longer of two that fit counts, so their order does not matter.
pub(super) const KNOWN: &[&str] = &[
    // Anthropic
    "sk-ant-",
    "sk-ant-admin01-",
    "sk-ant-api03-",
    "sk-ant-oat01-",
    "sk-ant-ort01-",
    // OpenAI, and those that took its form over
    "sk-",
    "sk-admin-",
    "sk-or-v1-",
    "sk-proj-",
    "sk-svcacct-",
    // other models
    "AIza",
    "fw_",
    "gsk_",
    "hf_",
    "nvapi-",
    "pplx-",
    "r8_",
    "tvly-",
    "xai-",
    // forges
    "ghp_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "glrt-",
    // registries
    "dckr_pat_",
    "npm_",
    "pypi-",
    "rubygems_",
    // clouds
    "AKIA",
    "ASIA",
    "dop_v1_",
    "ya29.",
    // services
    "SG.",
    "figd_",
    "lin_api_",
    "ntn_",
    "pk_live_",
    "pk_test_",
    "rk_live_",
    "rk_test_",
    "secret_",
    "sk_live_",
    "sk_test_",
    "sntrys_",
    "whsec_",
    "xapp-",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
];

/// How many bytes of a value are one of them.
pub(crate) fn known(value: &[u8]) -> usize {
    KNOWN
        .iter()
        .filter(|prefix| value.starts_with(prefix.as_bytes()))
        .map(|prefix| prefix.len())
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_that_fits_counts() {
        for (value, length) in
            [("sk-ant-api03-abc", 13), ("sk-abc", 3), ("skabc", 0), ("ghp_x", 4), ("", 0)]
        {
            assert_eq!(known(value.as_bytes()), length, "{value}");
        }
    }
}
