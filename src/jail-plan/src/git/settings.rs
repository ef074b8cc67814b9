//! Parses the text of a git configuration, setting by setting (git-config(1), "Syntax"). It stops
//! at the first line that it does not understand.

use alloc::vec::Vec;

/// `key = value` in `[section "about"]`. Section and key are in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// The section's name.
    pub section: Vec<u8>,
    /// The text in quotes after it.
    pub about: Option<Vec<u8>>,
    /// The key, which is the last part of the setting's name.
    pub key: Vec<u8>,
    /// The value, without quotes and escapes.
    pub value: Vec<u8>,
}

/// All settings of a file that have a value, up to the first that is not understood.
#[must_use]
pub fn settings(text: &[u8]) -> Vec<Setting> {
    let (found, _) = read(text);
    found.into_iter().filter(|(_, has_value)| *has_value).map(|(setting, _)| setting).collect()
}

/// All settings of a file, if all of it is understood. A setting without a value is `true`.
#[must_use]
pub fn settings_of_whole(text: &[u8]) -> Option<Vec<Setting>> {
    let (found, is_whole) = read(text);
    is_whole.then(|| found.into_iter().map(|(setting, _)| setting).collect())
}

/// The settings, each with whether it has a value, and whether the end was reached.
fn read(text: &[u8]) -> (Vec<(Setting, bool)>, bool) {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = Reader { rest: text, section: Vec::new(), about: None };
    let mut found = Vec::new();
    while !reader.rest.is_empty() {
        let Some(next) = reader.next() else { return (found, false) };
        found.extend(next);
    }
    (found, true)
}

struct Reader<'a> {
    rest: &'a [u8],
    section: Vec<u8>,
    about: Option<Vec<u8>>,
}

impl Reader<'_> {
    /// The next setting, or something else that was understood. `None` at the end.
    fn next(&mut self) -> Option<Option<(Setting, bool)>> {
        match *self.rest.first()? {
            b'#' | b';' => {
                self.take_while(|byte| byte != b'\n');
                Some(None)
            }
            b'[' => self.header().map(|()| None),
            byte if byte.is_ascii_whitespace() => {
                self.take_while(|byte| byte.is_ascii_whitespace());
                Some(None)
            }
            byte if byte.is_ascii_alphabetic() => self.setting(),
            _ => None,
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Vec<u8> {
        let end = self.rest.iter().position(|byte| !wanted(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_vec()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
    }

    /// `[section]`, `[section "about"]`.
    fn header(&mut self) -> Option<()> {
        self.take(b'[')?;
        let name = self.take_while(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        self.section = name.to_ascii_lowercase();
        self.blanks();
        self.about = match self.take(b'"') {
            Some(()) => Some(self.about()?),
            None => None,
        };
        self.take(b']')
    }

    fn about(&mut self) -> Option<Vec<u8>> {
        let mut about = Vec::new();
        loop {
            match self.byte()? {
                b'"' => return Some(about),
                b'\n' => return None,
                b'\\' => about.push(self.byte()?),
                byte => about.push(byte),
            }
        }
    }

    fn setting(&mut self) -> Option<Option<(Setting, bool)>> {
        let key = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        self.blanks();
        let has_value = self.take(b'=').is_some();
        let value = match has_value {
            true => self.value()?,
            // Without a value it is `true`, unless something else follows.
            false if matches!(self.rest.first(), None | Some(b'\n' | b'#' | b';')) => {
                b"true".to_vec()
            }
            false => return None,
        };
        let (section, about, key) =
            (self.section.clone(), self.about.clone(), key.to_ascii_lowercase());
        Some(Some((Setting { section, about, key, value }, has_value)))
    }

    /// The value up to the end of the line. Blanks at both ends, and
    /// comments, count only in quotes.
    fn value(&mut self) -> Option<Vec<u8>> {
        self.blanks();
        let (mut value, mut in_quotes, mut end) = (Vec::new(), false, 0);
        while let Some(byte) = self.byte() {
            match byte {
                b'\n' if in_quotes => return None,
                b'\n' => break,
                b'"' => in_quotes = !in_quotes,
                b'#' | b';' if !in_quotes => {
                    self.take_while(|byte| byte != b'\n');
                    break;
                }
                b'\\' => value.extend(self.escaped()?),
                byte => value.push(byte),
            }
            if in_quotes || !matches!(byte, b' ' | b'\t' | b'\r') {
                end = value.len();
            }
        }
        value.truncate(end);
        (!in_quotes).then_some(value)
    }

    /// The characters after a backslash. At the end of a line, the value continues in the next one.
    fn escaped(&mut self) -> Option<Option<u8>> {
        match self.byte()? {
            b'\n' => Some(None),
            b'\r' => self.take(b'\n').map(|()| None),
            b't' => Some(Some(b'\t')),
            b'b' => Some(Some(b'\x08')),
            b'n' => Some(Some(b'\n')),
            byte @ (b'\\' | b'"') => Some(Some(byte)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, expected: &[&str]) {
        let shown = |setting: Setting| {
            let text = |bytes: Vec<u8>| alloc::string::String::from_utf8(bytes).unwrap();
            let about = setting.about.map(|about| format!(" {}", text(about))).unwrap_or_default();
            format!(
                "{}{about}.{}={}",
                text(setting.section),
                text(setting.key),
                text(setting.value)
            )
        };
        let found: Vec<_> = settings(text.as_bytes()).into_iter().map(shown).collect();
        assert_eq!(found, expected, "{text}");
    }

    extern crate std;
    use std::format;

    #[test]
    fn settings_are_read_as_git_reads_them() {
        reads(
            "[user]\n\tname = Ann O'Neil\n\temail=a@b.org ; x\n",
            &["user.name=Ann O'Neil", "user.email=a@b.org"],
        );
        reads(
            "\u{feff}# x\n[User] NAME = \"  A \\\"B\\\" # c  \"  # d\r\n",
            &["user.name=  A \"B\" # c  "],
        );
        reads(
            "[a \"B \\\"c\\\\\"]\nk = a\\\n  b\\tc\n[d.E]\nflag\nx =\n",
            &["a B \"c\\.k=a  b\tc", "d.e.x="],
        );
        reads("[a]k=1\n[b]\nk = \"open\n[c]\nk = 2\n", &["a.k=1"]);
        reads("[a]\nk = 1\n!\nk = 2\n", &["a.k=1"]);
        reads("", &[]);
    }

    #[test]
    fn a_file_counts_as_a_whole_or_not_at_all() {
        let whole = |text: &str| settings_of_whole(text.as_bytes()).map(|found| found.len());
        assert_eq!(whole("[a]\nflag\nk = 1\n"), Some(2));
        assert_eq!(whole(""), Some(0));
        for text in ["[a]\nk = \"open", "[a\nk = 1\n", "[a]\nk = 1\n!\n", "[a]\nk \\q\n"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
