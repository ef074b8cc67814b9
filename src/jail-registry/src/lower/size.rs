//! Sizes, as in `"1G"`.

/// The bytes of a size: a number, alone or with `K`, `M` or `G` (and `B` or `iB`), of 1024.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match text.strip_prefix(digits)?.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1_u64 << 30,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    // A limit of nothing would be no limit to the kernel (tmpfs(5)).
    number.checked_mul(factor).filter(|bytes| *bytes > 0)
}
