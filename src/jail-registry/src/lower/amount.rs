//! Amounts: sizes as in `"1G"`, durations as in `"1h30m"`, shares of processors as in `"150%"`.

/// The bytes of a size: a number, alone or with `K`, `M`, `G` or `T` (and `B` or `iB`), of 1024.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match text.strip_prefix(digits)?.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1_u64 << 30,
        "T" | "TB" | "TIB" => 1_u64 << 40,
        _ => return None,
    };
    // The kernel takes a limit of zero for no limit (tmpfs(5)).
    number(digits)?.checked_mul(factor).filter(|bytes| *bytes > 0)
}

/// The seconds of a duration: a number, alone or with `s`, `m`, `h` or `d`, or several of
/// those, the largest first.
pub(crate) fn parse_seconds(text: &str) -> Option<u64> {
    if let Some(seconds) = number(text) {
        return Some(seconds);
    }
    let (mut rest, mut seconds) = (text, 0_u64);
    for (unit, factor) in [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((digits, after)) = rest.split_once(unit) {
            seconds = seconds.checked_add(number(digits)?.checked_mul(factor)?)?;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(seconds)
}

/// The share of processors in hundredths of one: `150%`, or a number of processors (`1.5`).
pub(crate) fn parse_percent(text: &str) -> Option<u64> {
    if let Some(percent) = text.strip_suffix('%') {
        return number(percent);
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let hundredths = match part.len() {
        1 => number(part)? * 10,
        2 => number(part)?,
        _ => return None,
    };
    number(whole)?.checked_mul(100)?.checked_add(hundredths)
}

/// Digits and nothing else: `parse` alone would accept a sign.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{parse_percent, parse_seconds, parse_size};

    #[test]
    fn sizes_are_of_1024() {
        for (text, bytes) in
            [("4096", 4096), ("1K", 1024), ("64M", 64 << 20), ("4GiB", 4 << 30), ("1tb", 1 << 40)]
        {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "0", "-1", "+1", "1.5G", "G", "1 G", "1X", "99999999999T"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn durations_have_units_in_order() {
        for (text, seconds) in
            [("90", 90), ("2h", 7200), ("1h30m", 5400), ("1d1s", 86_401), ("0s", 0)]
        {
            assert_eq!(parse_seconds(text), Some(seconds), "{text}");
        }
        for text in ["", "h", "2 h", "30m1h", "1h1h", "-1s", "1w", "1.5h", "99999999999999999999d"]
        {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn shares_are_of_one_processor() {
        for (text, percent) in [("2", 200), ("150%", 150), ("1.5", 150), ("0.25", 25), ("0", 0)] {
            assert_eq!(parse_percent(text), Some(percent), "{text}");
        }
        for text in ["", "%", "1.", ".5", "1.125", "-1", "1,5", "150 %", "half"] {
            assert_eq!(parse_percent(text), None, "{text}");
        }
    }
}
