use alloc::vec;

use super::*;
use crate::expand::Expansion;

fn words(text: &str) -> Vec<HostText> {
    split(text).unwrap()
}

fn literal(text: &str) -> HostText {
    HostText::Literal(text.into())
}

fn expand(text: &str) -> HostText {
    HostText::Expand(Expansion::parse(text).unwrap())
}

fn parsed(text: &str) -> Vec<Raw> {
    parse(&words(text)).unwrap()
}

fn refused(text: &str) -> String {
    let RawError { message, help } = parse(&words(text)).unwrap_err();
    format!("{message}: {help}")
}

#[test]
fn words_are_split_as_a_shell_would() {
    assert_eq!(words("  --bind  /a\n\t/b "), ["--bind", "/a", "/b"].map(literal));
    assert_eq!(
        words(r#"'a b' "c d" e\ f '' a'b'"c""#),
        ["a b", "c d", "e f", "", "abc"].map(literal)
    );
    assert_eq!(words("--bind \\\n  /a"), ["--bind", "/a"].map(literal));
    assert_eq!(words(r"'$A ~' \$B \~ a~"), ["$A ~", "$B", "~", "a~"].map(literal));
    assert_eq!(words(r#""\"\\\$\`\n""#), [literal("\"\\$`\\n")]);
}

#[test]
fn what_only_the_launch_knows_is_expanded_then() {
    assert_eq!(words("~/x"), [expand("~/x")]);
    assert_eq!(words(r#""$A b"c"#), [expand("${A} bc")]);
    assert_eq!(words(r#"$A"b""#), [expand("${A}b")]);
    assert_eq!(words("${A:-~/x}/y"), [expand("${A:-~/x}/y")]);
    assert_eq!(words(r#""~"$A"#), [expand(r"\~${A}")]);
}

#[test]
fn nothing_is_run_and_no_shell_is_imitated_halfway() {
    let command = SplitError::Expansion(ExpansionError::CommandSubstitution);
    for text in ["$(id)", "`id`", "\"$(id)\"", "\"`id`\""] {
        assert_eq!(split(text), Err(command.clone()), "{text}");
    }
    for text in ["a; b", "a | b", "a > b", "a & b", "/a/*", "# a", "(a)", "3< <(a)"] {
        assert!(matches!(split(text), Err(SplitError::Shell(_))), "{text}");
    }
    assert_eq!(split("'a"), Err(SplitError::UnclosedQuote('\'')));
    assert_eq!(split("\"a"), Err(SplitError::UnclosedQuote('"')));
    for text in ["$1", "$", "${A", "${A:=b}", "~root"] {
        assert!(matches!(split(text), Err(SplitError::Expansion(_))), "{text}");
    }
}

use crate::expand::ExpansionError;

#[test]
fn options_become_what_they_mean() {
    let bind =
        |access, missing| Raw::Bind { from: literal("/a"), to: literal("/b"), access, missing };
    for (text, expected) in [
        ("--bind /a /b", bind(Access::ReadWrite, Missing::Fail)),
        ("--bind-try /a /b", bind(Access::ReadWrite, Missing::Skip)),
        ("--ro-bind /a /b", bind(Access::ReadOnly, Missing::Fail)),
        ("--ro-bind-try /a /b", bind(Access::ReadOnly, Missing::Skip)),
        ("--dev-bind /a /b", bind(Access::Device, Missing::Fail)),
        ("--dev-bind-try /a /b", bind(Access::Device, Missing::Skip)),
        ("--tmpfs /t", Raw::Tmpfs { to: literal("/t"), mode: 0o755, size: None }),
        ("--dir /d", Raw::Directory { to: literal("/d"), mode: 0o755 }),
        ("--symlink t /l", Raw::Symlink { target: literal("t"), to: literal("/l") }),
        ("--proc /proc", Raw::Proc { to: literal("/proc") }),
        ("--dev /dev", Raw::Dev { to: literal("/dev") }),
        ("--mqueue /q", Raw::Queues { to: literal("/q") }),
        ("--remount-ro /", Raw::RemountReadOnly { to: literal("/") }),
        ("--chdir /c", Raw::StartIn { to: literal("/c") }),
        ("--setenv A $B", Raw::Set { name: "A".into(), value: expand("${B}") }),
        ("--unsetenv A", Raw::Unset { name: "A".into() }),
        ("--clearenv", Raw::Clear),
        ("--hostname h", Raw::Hostname { name: "h".into() }),
        ("--share-net", Raw::Share { namespace: Namespace::Net }),
        ("--unshare-pid", Raw::Own { namespaces: vec![Namespace::Pid] }),
        ("--uid 0", Raw::Uid { id: 0 }),
        ("--gid 100", Raw::Gid { id: 100 }),
        ("--cap-drop ALL", Raw::Given),
        ("--as-pid-1", Raw::Given),
        ("--file 11 /f", Raw::Data { descriptor: 11, to: literal("/f"), mode: 0o666 }),
        ("--ro-bind-data 11 /f", Raw::Data { descriptor: 11, to: literal("/f"), mode: 0o400 }),
    ] {
        assert_eq!(parsed(text), [expected], "{text}");
    }
}

#[test]
fn modifiers_belong_to_the_next_option() {
    assert_eq!(
        parsed("--perms 1777 --size 4096 --tmpfs /t --tmpfs /u"),
        [
            Raw::Tmpfs { to: literal("/t"), mode: 0o1777, size: Some(4096) },
            Raw::Tmpfs { to: literal("/u"), mode: 0o755, size: None },
        ]
    );
    for text in ["--perms 0700 --proc /p", "--size 1 --dir /d", "--perms 0700", "--overlay-src /a"]
    {
        assert!(refused(text).contains("does not belong to"), "{text}");
    }
    for text in ["--perms 0700 --perms 0755 --dir /d", "--size 1 --perms 0700 --size 2 --tmpfs /t"]
    {
        assert!(refused(text).contains("twice before one option"), "{text}");
    }
    assert!(refused("--perms 9 --dir /d").contains("is not a mode"));
    assert!(refused("--size 1G --tmpfs /d").contains("is not a number"));
}

#[test]
fn overlays_take_the_folders_before_them() {
    let lower = vec![literal("/a"), literal("/b")];
    let kept = Writes::Kept { upper: literal("/u"), work: literal("/w") };
    for (text, writes) in [
        ("--overlay /u /w /o", kept),
        ("--tmp-overlay /o", Writes::Memory),
        ("--ro-overlay /o", Writes::Refused),
    ] {
        let expected = Raw::Overlay { lower: lower.clone(), writes, to: literal("/o") };
        assert_eq!(parsed(&format!("--overlay-src /a --overlay-src /b {text}")), [expected]);
        assert!(refused(text).contains("too few"), "{text}");
    }
}

#[test]
fn what_cannot_be_had_names_what_can() {
    for (text, words) in [
        ("--cap-add CAP_NET_ADMIN", "capabilities"),
        ("--seccomp 11", "`add-seccomp`"),
        ("--new-session", "`new-session`"),
        ("--nonsense", "is not an option"),
        ("bash -c x", "the program and its arguments"),
        ("--bind /a", "lacks an argument"),
        ("$OPTION /a", "expected an option"),
        ("--setenv A=B c", "names no variable"),
        ("--file x /f", "is not a descriptor"),
        ("--uid root", "is not an id"),
        ("--gid 4294967295", "is not an id"),
    ] {
        assert!(refused(text).contains(words), "{text}: {}", refused(text));
    }
    for (name, _) in ELSEWHERE {
        assert!(refused(name).contains("cannot be given"), "{name}");
    }
}
