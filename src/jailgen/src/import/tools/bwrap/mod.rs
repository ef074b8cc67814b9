//! A command line of bubblewrap: its options become the combinators that say the same, and those
//! that have none stay as they are, in `unsafe-add-raw-args`, where jails know them.

mod words;

use jail_plan::raw;
use jail_registry::names;
use jail_registry::nix_text::{is_name, quoted};

use super::draft::{Draft, Maker, is_visible, shown};
use super::node::TextRange;
use super::secrets::has_secret;
use words::{Word, words};

/// How many arguments an option has, where that is not one.
const ARGUMENTS: [(&str, usize); 15] = [
    ("--bind", 2),
    ("--bind-data", 2),
    ("--bind-fd", 2),
    ("--bind-try", 2),
    ("--chmod", 2),
    ("--dev-bind", 2),
    ("--dev-bind-try", 2),
    ("--file", 2),
    ("--overlay", 3),
    ("--ro-bind", 2),
    ("--ro-bind-data", 2),
    ("--ro-bind-fd", 2),
    ("--ro-bind-try", 2),
    ("--setenv", 2),
    ("--symlink", 2),
];

/// Options with one argument.
const ONE_ARGUMENT: [&str; 33] = [
    "--add-seccomp-fd",
    "--args",
    "--argv0",
    "--block-fd",
    "--cap-add",
    "--cap-drop",
    "--chdir",
    "--dev",
    "--dir",
    "--exec-label",
    "--file-label",
    "--gid",
    "--hostname",
    "--info-fd",
    "--json-status-fd",
    "--lock-file",
    "--mqueue",
    "--overlay-src",
    "--perms",
    "--pidns",
    "--proc",
    "--remount-ro",
    "--ro-overlay",
    "--seccomp",
    "--size",
    "--sync-fd",
    "--tmp-overlay",
    "--tmpfs",
    "--uid",
    "--unsetenv",
    "--userns",
    "--userns-block-fd",
    "--userns2",
];

/// Options without arguments, besides `--unshare-…`.
const ALONE: [&str; 8] = [
    "--as-pid-1",
    "--assert-userns-disabled",
    "--clearenv",
    "--die-with-parent",
    "--disable-userns",
    "--level-prefix",
    "--new-session",
    "--share-net",
];

/// The programs that may stand before `bwrap`.
const BEFORE: [&str; 4] = ["exec", "sudo", "env", "command"];

/// Whether a text is, or has, a command line of bubblewrap.
pub(super) fn is_command(text: &str) -> bool {
    command(text).is_some()
}

/// The words of the first command line of bubblewrap, after `bwrap`, and the range of the whole.
fn command(text: &str) -> Option<(Vec<Word>, TextRange)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if line.trim_start().starts_with('#') || !line.contains("bwrap") {
            continue;
        }
        let mut all = words(text.get(start..)?);
        let skipped = all.iter().take_while(|word| BEFORE.contains(&word.text.as_str())).count();
        let is_bwrap =
            all.get(skipped).is_some_and(|word| word.text.rsplit('/').next() == Some("bwrap"));
        if is_bwrap {
            for word in &mut all {
                word.range = word.range.start + start..word.range.end + start;
            }
            let end = all.last().map_or(start, |word| word.range.end);
            all.drain(..=skipped);
            return Some((all, start..end));
        }
    }
    None
}

/// Why there is no spec, and where.
type Refusal = (String, Option<TextRange>);

pub(super) fn read(text: &str, draft: &mut Draft) -> Result<(), Refusal> {
    let (words, range) =
        command(text).ok_or(("the file has no command line of `bwrap`".to_owned(), None))?;
    others(text, &range, draft);
    let mut rest = words.as_slice();
    let mut seen = Seen::default();
    let mut modifiers = Vec::new();
    while let [option, after @ ..] = rest {
        let Some(name) = option_name(option)? else { break };
        rest = after;
        if name == "--" {
            break;
        }
        let count = arguments(option, name)?.min(rest.len());
        let (given, after) = rest.split_at(count);
        rest = after;
        for word in given {
            if word.splits && word.is_computed && !word.is_project() {
                return Err(uncertain(word));
            }
            seen.is_uncertain |= word.is_uncertain();
        }
        seen.note(name);
        if matches!(name, "--perms" | "--size" | "--overlay-src") {
            modifiers.push((option, given));
            continue;
        }
        self::option(option, given, &modifiers, draft);
        modifiers.clear();
    }
    seen.say(text, draft);
    program(rest, draft);
    Ok(())
}

/// The option that a word is, or `None` for the program. A word that a shell makes could be either.
fn option_name(word: &Word) -> Result<Option<&str>, Refusal> {
    let begins_open = word.text.starts_with(['$', '`', '{', '*', '?', '[', '-']);
    match word.literal() {
        Some(name) if name.starts_with("--") && !word.splits => Ok(Some(name)),
        _ if begins_open => Err(uncertain(word)),
        _ => Ok(None),
    }
}

fn uncertain(word: &Word) -> Refusal {
    let message = format!(
        "`{}` may stand for options, which only the shell knows: write them out, and `--` before the program",
        shown(&word.text)
    );
    (message, Some(word.range.clone()))
}

/// Says which lines have another command line of bubblewrap.
fn others(text: &str, taken: &TextRange, draft: &mut Draft) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if line.trim_start().starts_with('#') {
            continue;
        }
        for (place, word) in line.match_indices("bwrap") {
            let place = start + place;
            let is_part = |it: Option<char>| {
                it.is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.'))
            };
            let before = text.get(..place).and_then(|it| it.chars().next_back());
            let after = text.get(place + word.len()..).and_then(|it| it.chars().next());
            if taken.contains(&place) || is_part(before) || is_part(after) {
                continue;
            }
            let message = "this is not read: a spec is written for the first command line alone";
            draft.left_out(
                &(place..place + word.len()),
                message.into(),
                "import each command line from a file of its own",
            );
        }
    }
}

/// How many arguments an option has. One that is not known could have any number.
fn arguments(option: &Word, name: &str) -> Result<usize, Refusal> {
    if name.starts_with("--unshare-") || ALONE.contains(&name) {
        return Ok(0);
    }
    if ONE_ARGUMENT.contains(&name) {
        return Ok(1);
    }
    let known = ARGUMENTS.iter().find(|(known, _)| *known == name);
    known.map(|(_, count)| *count).ok_or_else(|| {
        let message = format!("the option `{}` of bubblewrap is not known here", shown(name));
        (message, Some(option.range.clone()))
    })
}

/// What the absence of options in a command line means.
#[derive(Default)]
struct Seen {
    /// The last option about it counts.
    has_own_network: bool,
    /// Whether options come from elsewhere, or may be other ones than they look.
    is_uncertain: bool,
    clears: bool,
}

impl Seen {
    fn note(&mut self, name: &str) {
        match name {
            "--unshare-net" | "--unshare-all" => self.has_own_network = true,
            "--share-net" => self.has_own_network = false,
            "--args" => self.is_uncertain = true,
            _ => {}
        }
        self.clears |= name == "--clearenv";
    }

    fn say(&self, text: &str, draft: &mut Draft) {
        let at = command(text).map_or(0, |(_, range)| range.start);
        let at = text.get(at..).and_then(|it| it.find("bwrap")).map_or(0, |it| it + at);
        if !self.has_own_network && self.is_uncertain {
            let message = "the network is not granted: options that are not read may forbid it";
            draft.left_out(&(at..at + 5), message.into(), "grant `network`, or hosts, in the spec");
        } else if !self.has_own_network {
            draft.grant("network");
        }
        if !self.clears {
            let message = "the launcher's variables are not all passed on";
            draft.left_out(
                &(at..at + 5),
                message.into(),
                "name those that the program needs with `try-fwd-env`",
            );
        }
    }
}

type Modifiers<'a> = [(&'a Word, &'a [Word])];

fn option(option: &Word, given: &[Word], modifiers: &Modifiers<'_>, draft: &mut Draft) {
    let name = option.text.as_str();
    let range = option.range.start..given.last().map_or(option.range.end, |it| it.range.end);
    if arguments(option, name).is_ok_and(|count| given.len() < count) {
        draft.left_out(&range, format!("`{}` lacks an argument", shown(name)), "");
        return;
    }
    if let Some(computed) = given.iter().find(|word| word.is_computed && !word.is_project()) {
        let message = format!("`{}` is computed by a shell", shown(&computed.text));
        draft.left_out(&range, message, "write what it gives, or compute it with `add-runtime`");
        return;
    }
    let has_modifiers = !modifiers.is_empty();
    match (name, given) {
        ("--unshare-net", _) => {
            draft.holds(name, "there is a network only where the spec grants it");
        }
        ("--share-net", _) => {}
        (name, []) if name.starts_with("--unshare-") => {
            draft.holds(name, "a jail has all namespaces of its own");
        }
        ("--clearenv", _) => {
            draft.holds(name, "a jail gets only the variables that the spec names");
        }
        ("--die-with-parent", _) => draft.holds(name, "every jail ends with its launcher"),
        ("--new-session", _) => draft.grant(names::NEW_SESSION),
        ("--cap-drop" | "--as-pid-1" | "--disable-userns" | "--assert-userns-disabled", _) => {
            draft.holds(name, "a jail has no capabilities, and makes no namespaces");
        }
        ("--proc", [to]) if to.text == "/proc" => draft.grant(names::MOUNT_PROC),
        ("--dev", [to]) if to.text == "/dev" => draft.grant(names::MOUNT_DEV),
        ("--tmpfs", [to]) if !has_modifiers => draft.grant(format!("(tmpfs {})", source(to))),
        ("--setenv", [variable, value]) if has_secret(&variable.text, &value.text) => {
            draft.secret(&variable.text);
        }
        ("--setenv", [variable, value]) => {
            draft.grant(format!("(set-env {} {})", source(variable), source(value)));
        }
        ("--unsetenv", [variable]) => draft.grant(format!("(unset-env {})", source(variable))),
        ("--hostname", [host]) => draft.grant(format!("(set-hostname {})", source(host))),
        ("--chdir", [to]) if to.is_project() => draft.holds(name, "the jail starts in its project"),
        (
            "--bind" | "--bind-try" | "--ro-bind" | "--ro-bind-try" | "--dev-bind"
            | "--dev-bind-try",
            [from, to],
        ) => bind(name, from, to, draft),
        _ => raw_option(option, given, modifiers, &range, draft),
    }
}

fn bind(name: &str, from: &Word, to: &Word, draft: &mut Draft) {
    let is_read_only = name.starts_with("--ro");
    if from.is_project() {
        match (to.is_project() || to.text == from.text, is_read_only) {
            (true, true) => draft.grant(names::MOUNT_CWD_READONLY),
            (true, false) => draft.grant(names::MOUNT_CWD),
            (false, true) => {
                draft.grant(format!("(ro-bind (noescape {}) {})", quoted("$PWD"), source(to)));
            }
            (false, false) => draft.grant(format!("(workspace {})", source(to))),
        }
        return;
    }
    let attempt = if name.ends_with("-try") { "try-" } else { "" };
    let (from_source, to_source) = (source(from), source(to));
    if name.starts_with("--dev-bind") {
        draft.grant(if from.text == to.text {
            format!("(bind-device {from_source})")
        } else {
            format!(
                "(unsafe-add-raw-args {})",
                quoted(&format!("{name} {} {}", shell(from), shell(to)))
            )
        });
        return;
    }
    draft.grant(match (from.text == to.text, is_read_only) {
        (true, true) => format!("({attempt}readonly {from_source})"),
        (true, false) => format!("({attempt}readwrite {from_source})"),
        (false, true) => format!("({attempt}ro-bind {from_source} {to_source})"),
        (false, false) => format!("({attempt}rw-bind {from_source} {to_source})"),
    });
}

/// An option that has no combinator: as it is, where jails know it.
fn raw_option(
    option: &Word,
    given: &[Word],
    modifiers: &Modifiers<'_>,
    range: &TextRange,
    draft: &mut Draft,
) {
    let mut all = Vec::new();
    for (modifier, values) in modifiers {
        all.push(modifier.text.clone());
        all.extend(values.iter().map(shell));
    }
    all.push(option.text.clone());
    all.extend(given.iter().map(shell));
    let text = all.join(" ");
    if matches!(option.text.as_str(), "--file" | "--bind-data" | "--ro-bind-data") {
        let message = format!("`{}` reads a descriptor that the launch does not have", option.text);
        draft.left_out(
            range,
            message,
            "`(write-text PATH TEXT)` makes a file; `add-runtime` can open a descriptor",
        );
        return;
    }
    let parsed = raw::split(&text)
        .map_err(|_| None)
        .and_then(|words| raw::parse(&words).map_err(|error| Some(error.help)));
    match parsed {
        Ok(_) => draft.grant(format!("(unsafe-add-raw-args {})", quoted(&text))),
        Err(reason) => {
            let message = format!("`{}` has no counterpart", shown(&option.text));
            draft.left_out(range, message, &reason.map(|it| shown(&it)).unwrap_or_default());
        }
    }
}

/// The source of a text.
fn source(word: &Word) -> String {
    match word.expands {
        true => format!("(noescape {})", quoted(&word.text)),
        false => quoted(&unescaped(&word.text)),
    }
}

/// A word for `unsafe-add-raw-args`, which splits its text as a shell does.
fn shell(word: &Word) -> String {
    match word.expands {
        true if word.text.starts_with('~') => word.text.clone(),
        true => format!("\"{}\"", word.text.replace('"', "\\\"")),
        false => format!("'{}'", unescaped(&word.text).replace('\'', "'\\''")),
    }
}

/// A text of which nothing is expanded, without the backslashes that keep it so.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some('$' | '`' | '\\')) => plain.extend(characters.next()),
            _ => plain.push(character),
        }
    }
    plain
}

/// The program and its arguments.
fn program(words: &[Word], draft: &mut Draft) {
    let Some((program, arguments)) = words.split_first() else { return };
    let name = program.text.rsplit('/').next().unwrap_or_default();
    let is_path = program.literal().is_some_and(|it| it.starts_with('/') && is_visible(it));
    let entry = match name {
        _ if is_path => Some(quoted(&program.text)),
        "bash" | "sh" => Some("pkgs.bashInteractive".into()),
        name if is_name(name) && program.literal() == Some(name) => Some(format!("pkgs.{name}")),
        _ => None,
    };
    if !is_path {
        let message = format!("the program `{}` becomes a package", shown(&program.text));
        draft.left_out(&program.range, message, "check that it is the package that you mean; a program of the host is named by its path");
    }
    let command: String =
        name.chars().filter(|it| it.is_ascii_alphanumeric() || "-_+.".contains(*it)).collect();
    let command = if command.is_empty() { "shell" } else { command.as_str() };
    draft.maker = Maker::Jail {
        name: quoted(&format!("jailed-{command}")),
        entry: entry.unwrap_or_else(|| "pkgs.bashInteractive".into()),
    };
    self::arguments_of_program(arguments, draft);
}

fn arguments_of_program(arguments: &[Word], draft: &mut Draft) {
    let mut all = Vec::new();
    for word in arguments {
        if matches!(word.text.as_str(), "$@" | "${@}" | "$*") {
            continue;
        }
        if word.is_computed {
            let message = format!("`{}` is computed by a shell", shown(&word.text));
            draft.left_out(&word.range, message, "give it when you start the command");
            return;
        }
        if has_secret("", &word.text) {
            draft.secret("an argument of the program");
            return;
        }
        all.push(source(word));
    }
    if !all.is_empty() {
        draft.grant(format!("(set-argv [ {} (noescape {}) ])", all.join(" "), quoted("\"$@\"")));
    }
}
