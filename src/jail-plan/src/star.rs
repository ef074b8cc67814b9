//! Patterns of the tables in which a `*` stands for any characters, also none.

/// Whether a text is what such a pattern means. Both are bytes, because names of files are.
#[must_use]
pub fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let start = parts.next().unwrap_or_default();
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let Some(end) = parts.next_back() else { return text.is_empty() };
    // The first place where a middle part fits is as good as any later one.
    for part in parts.filter(|part| !part.is_empty()) {
        let Some(at) = text.windows(part.len()).position(|window| window == part) else {
            return false;
        };
        text = text.get(at + part.len()..).unwrap_or_default();
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "-home-me", true),
            ("", "", true),
            ("", "a", false),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a**c", "ac", true),
            ("memory", "memory", true),
            ("*.jail", ".jail", true),
            ("*.jail", "jail", false),
            ("*.config.toml", "work.config.toml", true),
            ("*.config.toml", ".config.toml", true),
            ("*.config.toml", "config.toml", false),
            ("compose.y*ml", "compose.yml", true),
            ("/etc/ld.so.*", "/etc/ld.so.cache", true),
            ("/etc/ld.so.*", "/etc/ld.so", false),
            ("*/node_modules/*", "/a/node_modules/b/c", true),
            ("*/node_modules", "/a/node_modules", true),
            ("*/node_modules", "/a/node_modules/b", false),
            ("*.pyc", "/a/b.pyc", true),
            ("*.pyc", "/a/b.py", false),
            ("~/.bashrc", "~/.bashrc", true),
            ("~/.bashrc", "~/.bashrc2", false),
            ("/usr/lib*.so*", "/usr/lib/x86_64-linux-gnu/libc.so.6", true),
            ("/usr/lib*.so*", "/usr/lib/python3", false),
        ] {
            assert_eq!(is_like(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
