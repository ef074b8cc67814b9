//! Real scripts in a real bash.

use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;

use super::*;

struct Tried {
    shell: Shell,
    terminated: AtomicBool,
    stub: UnixStream,
    _other: UnixStream,
}

fn shell(names: &[&str], arguments: &[&str]) -> Tried {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    // Shells of other tests that start at the same moment must not inherit
    // what is open for this one.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let shell = Shell::start(&Start {
        program: "bash",
        name: "demo",
        arguments: &arguments,
        names: &names,
        folder: &std::fs::File::open(".").unwrap().into(),
        environment: &BTreeMap::new(),
    });
    drop(one);
    let (stub, other) = UnixStream::pair().unwrap();
    Tried { shell: shell.unwrap(), terminated: AtomicBool::new(false), stub, _other: other }
}

impl Tried {
    fn run(&mut self, script: &str) -> Result<ScriptResult, String> {
        let stub = Some(&mut self.stub);
        let mut interrupts = Interrupts::new(stub, &self.terminated);
        self.shell.run(script, &mut interrupts).map_err(|failed| match failed {
            Failed::Script(words) => words,
            Failed::Broken(error) => error.to_string(),
        })
    }

    fn clean(&mut self, script: &str) -> Option<i32> {
        let mut interrupts = Interrupts::new(None, &self.terminated);
        self.shell.clean(script, &mut interrupts).unwrap()
    }

    fn variable(&mut self, script: &str) -> Option<String> {
        let result = self.run(script).unwrap();
        let (_, value) = result.variables.into_iter().next().unwrap();
        value.map(|value| String::from_utf8(value).unwrap())
    }
}

#[test]
fn scripts_share_their_variables_and_values_are_told_as_they_are() {
    let mut shell = shell(&["A"], &["one", "two words"]);
    assert_eq!(shell.variable("A='$(id)\n`id`'; B=2"), Some("$(id)\n`id`".into()));
    assert_eq!(shell.variable("A=$B$2"), Some("2two words".into()));
    assert_eq!(shell.variable("A="), Some(String::new()));
    assert_eq!(shell.variable("unset A"), None);
    assert_eq!(shell.variable("A=(first second)"), Some("first".into()));
    assert_eq!(shell.variable("f() { local A=inner; }; A=outer; f"), Some("outer".into()));
}

#[test]
fn what_is_exported_and_what_is_added_is_told_once() {
    let mut shell = shell(&[], &[]);
    let result = shell.run("export MARK=$'a\\nb'; RUNTIME_ARGS+=(--a 'b c' '')").unwrap();
    assert!(result.exported.contains(&("MARK".into(), "a\nb".into())));
    assert_eq!(result.arguments, [&b"--a"[..], b"b c", b""]);
    assert!(shell.run("true").unwrap().arguments.is_empty());
}

#[test]
fn a_failing_script_tells_its_status_and_the_cleanup_still_has_its_variables() {
    for (script, words) in [
        ("A=1; false; A=2", "exit status 1"),
        ("A=1; exit 9", "exit status 9"),
        ("A=1; echo $NOT_SET", "exit status 1"),
        ("A=1; false | true", "exit status 1"),
        ("A=1\nif", "exit status"),
        ("A=1; kill -TERM $$", "signal 15"),
    ] {
        let mut shell = shell(&[], &[]);
        let failed = if script.contains("\nif") {
            shell.run("A=1").and_then(|_| shell.run("if")).unwrap_err()
        } else {
            shell.run(script).unwrap_err()
        };
        assert!(failed.contains(words), "{script}: {failed}");
        assert_eq!(shell.clean("exit $((A + 2))"), None, "{script}: it ends the shell for good");
        assert_eq!(shell.shell.status().unwrap(), 3, "{script}");
    }
}

#[test]
fn a_cleanup_goes_on_after_what_fails() {
    let mut shell = shell(&[], &[]);
    shell.run("A=4").unwrap();
    assert_eq!(shell.clean("false; B=5"), Some(0));
    assert_eq!(shell.clean("exit 3"), Some(3));
    assert_eq!(shell.clean("[ $A$B = 45 ]"), Some(0), "the same shell goes on");
}

#[test]
fn a_shell_that_is_killed_is_not_waited_for() {
    let mut shell = shell(&[], &[]);
    assert!(shell.run("kill -KILL $$").unwrap_err().contains("signal 9"));
    assert_eq!(shell.clean("true"), None);
}

#[test]
fn what_a_script_leaves_running_does_not_hold_it_up() {
    let mut shell = shell(&[], &[]);
    let begin = std::time::Instant::now();
    shell.run("sleep 20 & disown; echo >&2 rubbish").unwrap();
    assert!(shell.run("kill -KILL $$").is_err());
    assert!(begin.elapsed().as_secs() < 10);
}

/// How a script ends if its stub is gone half a second after it started.
fn ended_with_the_stub(shell: &mut Tried, script: &str) -> String {
    let (stub, other) = UnixStream::pair().unwrap();
    shell.stub = stub;
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        drop(other);
    });
    let begin = std::time::Instant::now();
    let words = shell.run(script).unwrap_err();
    assert!(begin.elapsed().as_secs() < 10, "{script}");
    words
}

#[test]
fn a_script_that_hangs_ends_when_the_stub_does() {
    for script in [
        "A=7; sleep 1000",
        // A program that is started after the signal has come ends too, and the shell is
        // not killed because of it.
        "A=7; bash -c 'trap : TERM; sleep 900; sleep 1000'",
    ] {
        let mut shell = shell(&[], &[]);
        let words = ended_with_the_stub(&mut shell, script);
        assert!(words.contains("signal 15"), "{script}: {words}");
        assert_eq!(shell.clean("[ $A = 7 ]"), Some(0), "{script}");
    }
}

#[test]
fn what_is_too_much_or_no_answer_is_an_error() {
    let mut shell = shell(&["A"], &[]);
    let failed = shell.run("A=$(head -c 9000000 /dev/zero | tr '\\0' x)").unwrap_err();
    assert!(failed.contains("too much in its variables"), "{failed}");
    let mut shell = self::shell(&["A"], &[]);
    assert!(shell.run("printf '?rubbish\\0' >&242").unwrap_err().contains("own descriptors"));
}
