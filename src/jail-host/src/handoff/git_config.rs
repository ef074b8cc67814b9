//! A repository's configuration of git, read strictly: the keys by which something is executed or
//! believed, and where they lead.
//!
//! What this reader does not understand counts as a whole: git might.

use std::collections::BTreeMap;

use jail_plan::handoff::{HarmlessValue, harmless_keys};

/// More keys are not the configuration of a repository.
const KEYS_MAX: usize = 10_000;

/// The keys that count, each with its values in order. `None` where it cannot be read.
pub(crate) fn counted_keys(bytes: &[u8]) -> Option<BTreeMap<String, Vec<String>>> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    let mut reader = Reader { rest: std::str::from_utf8(bytes).ok()?, section: String::new() };
    while let Some((key, value)) = reader.next()? {
        count += 1;
        if count > KEYS_MAX {
            return None;
        }
        if !is_harmless(&key, &value) {
            keys.entry(key).or_default().push(value);
        }
    }
    Some(keys)
}

fn is_harmless(key: &str, value: &str) -> bool {
    harmless_keys().any(|harmless| {
        let fits = match harmless.value {
            HarmlessValue::Any => true,
            HarmlessValue::Address => is_plain_address(value),
            HarmlessValue::Name => value == "." || is_plain_name(value) || is_plain_address(value),
        };
        is_key(harmless.key, key) && fits
    })
}

/// Whether a key is the one of a pattern. A subsection may hold dots.
fn is_key(pattern: &str, key: &str) -> bool {
    if let Some(section) = pattern.strip_suffix(".*") {
        return key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
    }
    match pattern.split_once(".*.") {
        None => pattern == key,
        Some((section, name)) => {
            let Some((first, rest)) = key.split_once('.') else { return false };
            rest.rsplit_once('.').is_some_and(|(_, last)| first == section && last == name)
        }
    }
}

/// Whether it is not a path, or one of something that is looked through.
fn is_plain_name(value: &str) -> bool {
    !value.contains(['/', ':']) && !value.starts_with(['.', '-', '~'])
}

/// Whether git reaches what is there by a protocol that runs nothing of the repository's choice.
fn is_plain_address(value: &str) -> bool {
    const PLAIN: [&str; 4] = ["https://", "http://", "ssh://", "git://"];
    // An address that begins with a dash was an option of ssh, and `::` names a program.
    if value.contains("::") || value.starts_with('-') || value.contains("//-") {
        return false;
    }
    let is_scp = value.split_once(':').is_some_and(|(host, path)| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "@.-_".contains(c);
        !host.is_empty() && host.chars().all(fits) && !path.starts_with("//")
    });
    PLAIN.iter().any(|scheme| value.starts_with(scheme)) || is_scp
}

struct Reader<'a> {
    rest: &'a str,
    section: String,
}

impl Reader<'_> {
    /// The next key with its value; `Some(None)` at the end, and `None` where it is not understood.
    #[expect(clippy::option_option, reason = "the end of a file and a fault are two things")]
    fn next(&mut self) -> Option<Option<(String, String)>> {
        loop {
            self.rest = self.rest.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
            match self.rest.chars().next() {
                None => return Some(None),
                Some('#' | ';') => {
                    self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
                }
                Some('[') => self.section()?,
                Some(_) => return self.key().map(Some),
            }
        }
    }

    /// `[section]`, `[section.sub]` or `[section "sub"]`.
    fn section(&mut self) -> Option<()> {
        let rest = self.rest.strip_prefix('[')?;
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'))?;
        let (name, rest) = rest.split_at(end);
        let mut section = name.to_ascii_lowercase();
        let rest = rest.trim_start_matches([' ', '\t']);
        let Some(quoted) = rest.strip_prefix('"') else {
            self.section = section;
            self.rest = rest.strip_prefix(']')?;
            return (!name.is_empty()).then_some(());
        };
        section.push('.');
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at + 1,
                (_, '\\') => section.push(characters.next()?.1),
                (_, '\n') => return None,
                (_, other) => section.push(other),
            }
        };
        self.section = section;
        self.rest = quoted.get(end..)?.strip_prefix(']')?;
        (!name.is_empty()).then_some(())
    }

    /// `name = value` or `name`.
    fn key(&mut self) -> Option<(String, String)> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if self.section.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let key = format!("{}.{}", self.section, name.to_ascii_lowercase());
        let rest = rest.trim_start_matches([' ', '\t']);
        match rest.strip_prefix('=') {
            Some(value) => {
                let (value, rest) = value_of(value)?;
                self.rest = rest;
                Some((key, value))
            }
            None => {
                // A name alone means `true`; behind it is a comment or nothing.
                let is_alone = rest.is_empty() || rest.starts_with(['\n', '\r', '#', ';']);
                self.rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
                is_alone.then(|| (key, "true".into()))
            }
        }
    }
}

/// A value and what follows its line.
fn value_of(text: &str) -> Option<(String, &str)> {
    let (mut value, mut is_quoted, mut kept) = (String::new(), false, 0);
    let mut characters = text.char_indices().peekable();
    let rest = loop {
        let Some((at, character)) = characters.next() else { break "" };
        match character {
            '\n' if is_quoted => return None,
            '\n' => break text.get(at + 1..)?,
            '"' => is_quoted = !is_quoted,
            '#' | ';' if !is_quoted => {
                let rest = text.get(at..)?;
                break rest.split_once('\n').map_or("", |(_, rest)| rest);
            }
            '\\' => match characters.next()?.1 {
                '\n' => continue,
                '\r' if characters.next_if(|(_, next)| *next == '\n').is_some() => continue,
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'b' => value.push('\u{8}'),
                escaped @ ('"' | '\\') => value.push(escaped),
                _ => return None,
            },
            ' ' | '\t' | '\r' if !is_quoted => {
                value.push(character);
                continue;
            }
            other => value.push(other),
        }
        // Blanks at the end are not part of it.
        kept = value.len();
    };
    if is_quoted {
        return None;
    }
    value.truncate(kept);
    Some((value.trim_start_matches([' ', '\t']).to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Option<Vec<String>> {
        let found = counted_keys(text.as_bytes())?;
        let lines = found.into_iter().map(|(key, values)| format!("{key}={}", values.join("|")));
        Some(lines.collect())
    }

    #[test]
    fn keys_that_run_something_are_found_in_every_spelling() {
        for text in [
            "[core]\n\tfsmonitor = touch /tmp/x\n",
            "[CORE] FSMONITOR=touch /tmp/x",
            "[core]\nfsmonitor = \"touch /tmp/x\" ; why\n",
            "[core]\n# [x]\nfsmonitor = touch \\\n/tmp/x\n",
            "\u{feff}[core]\r\n\tfsmonitor = touch /tmp/x\r\n",
        ] {
            assert_eq!(keys(text).unwrap(), ["core.fsmonitor=touch /tmp/x"], "{text:?}");
        }
        for (text, expected) in [
            ("[filter \"a.b\"]\nclean = x", "filter.a.b.clean=x"),
            ("[filter \"a\\\"b\"]\nclean = x", "filter.a\"b.clean=x"),
            ("[include]\npath = ../x", "include.path=../x"),
            ("[alias]\nst = !sh", "alias.st=!sh"),
            ("[core]\nfsmonitor", "core.fsmonitor=true"),
            ("[alias]\na = x\na = y", "alias.a=x|y"),
            ("[remote \"o\"]\nurl = ext::sh -c x", "remote.o.url=ext::sh -c x"),
            ("[remote \"o\"]\nurl = --upload-pack=x", "remote.o.url=--upload-pack=x"),
            ("[branch \"a\"]\nremote = .git/lfs/x", "branch.a.remote=.git/lfs/x"),
            ("[branch \"a\"]\npushRemote = ext::x", "branch.a.pushremote=ext::x"),
            ("[remote \"o\"]\nuploadpack = x", "remote.o.uploadpack=x"),
            ("[submodule \"s\"]\nupdate = !x", "submodule.s.update=!x"),
        ] {
            assert_eq!(keys(text).unwrap(), [expected], "{text:?}");
        }
    }

    #[test]
    fn what_git_writes_every_day_does_not_count() {
        let text = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n\
            [remote \"origin\"]\n\turl = git@example.org:a/b.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n\
            [branch \"a.b\"]\n\tremote = origin\n\tmerge = refs/heads/a.b\n[user]\n\tname = A \"B\" C\n\
            [submodule \"x\"]\n\tactive = true\n\turl = https://example.org/x\n";
        assert_eq!(keys(text).unwrap(), [""; 0]);
    }

    #[test]
    fn a_branch_may_be_of_a_remote_or_of_an_address() {
        for remote in ["origin", ".", "https://example.org/x", "git@example.org:a/b"] {
            assert_eq!(
                keys(&format!("[branch \"a\"]\nremote = {remote}")).unwrap(),
                [""; 0],
                "{remote}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_said_to_be() {
        for text in [
            "x = 1",
            "[core\nx=1",
            "[core]\n= 1",
            "[core]\nx = \"a",
            "[core]\nx = \\q",
            "[a \"b]\nx=1",
        ] {
            assert_eq!(keys(text), None, "{text:?}");
        }
        assert_eq!(counted_keys(b"[core]\nx = \xff"), None);
    }
}
