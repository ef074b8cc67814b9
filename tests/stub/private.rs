//! Private copies: what a program of the host executes of its own state stays as it is, and the
//! program in the jail works.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jail_plan::git::COPIES;
use jail_plan::{Access, InsideOp, PrivateCopies};

use crate::jail::{Caller, Jail, bind, callers, expand, literal, skipped};

const NAMES: [&str; 9] = [
    "settings.json",
    "absent.json",
    "absent.md",
    "hooks/",
    "absent/",
    "deep/er/settings.toml",
    "deep/plugins/",
    "bin/",
    "link.json",
];

/// An agent with a state folder: `sh ~/.agent/settings.json` does what the agent would do
/// outside with its settings.
pub(crate) fn shared(caller: Caller) -> Jail {
    let jail = Jail::new(caller);
    jail.file(
        "home/.agent/settings.json",
        "{\"line\": \"~/.agent/line.sh\", \"other\": \"~/.agent/none.sh\"}\n",
    );
    jail.file("home/.agent/line.sh", "echo line\n");
    jail.file("home/.agent/hooks/start", "echo start\n");
    jail.file("home/.agent/deep/plugins/one/run", "echo one\n");
    jail.file("home/.agent/login", "token\n");
    let made = jail.outside_sh(
        "chmod -R u+rwX,go-rwx ~/.agent; chmod 700 ~/.agent/line.sh ~/.agent/hooks/start
        find ~/.agent -type d -empty",
    );
    assert_eq!(made.code, Some(0));
    let (state, home) = (jail.home().join(".agent"), jail.home());
    own(&home, caller);
    let home = home.display().to_string();
    jail.op(bind(state, Access::ReadWrite)).set("HOME", &home)
}

/// Files are made with folders that belong to root.
pub(crate) fn own(folder: &Path, caller: Caller) {
    std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_type().expect("a kind").is_dir() {
            own(&entry.path(), caller);
        }
    }
}

fn private() -> InsideOp {
    let (to, folder) = (literal(COPIES), expand("~/.agent"));
    InsideOp::PrivateCopies(PrivateCopies { to, folder, names: NAMES.map(String::from).to_vec() })
}

pub(crate) fn apart(caller: Caller) -> Jail {
    shared(caller).op(private()).op(InsideOp::RemountReadOnly(literal("/")))
}

/// Everything below a folder: what files hold, and that folders are there.
fn all(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    // It may be taken away at this moment.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => {
                found.extend(all(&path));
                found.insert(path, b"folder".to_vec());
            }
            false => {
                found.insert(path.clone(), fs::read(&path).unwrap_or_default());
            }
        }
    }
    found
}

/// What an agent that was turned leaves everywhere.
const EVIL: &str = "cd ~/.agent
    for file in settings.json absent.json absent.md line.sh deep/er/settings.toml link.json; do echo 'echo evil' >$file; done
    for folder in hooks absent deep/plugins deep/plugins/one bin; do echo 'echo evil' >$folder/new; done
    echo 'echo evil' >hooks/start; rm -f deep/plugins/one/run
    echo new >login; ls hooks absent bin >/dev/null && cat settings.json hooks/start absent/new";

/// What runs of it outside.
const LATER: &str = "cd ~/.agent; for file in settings.json absent.json absent.md line.sh deep/er/settings.toml link.json \
    hooks/* absent/* deep/plugins/* deep/plugins/one/* bin/*; do test ! -f $file || sh $file 2>/dev/null; done | grep evil | wc -l";

#[test]
fn nothing_that_the_jail_writes_there_is_executed_outside() {
    for caller in callers() {
        let jail = apart(caller);
        let state = jail.home().join(".agent");
        let before = all(&state);
        let ran = jail.sh(EVIL);
        ran.prints("echo evil\necho evil\necho evil");
        jail.outside_sh(LATER).prints("0");
        // Who is signed in is shared, and nothing else is there that was not.
        assert_eq!(fs::read_to_string(state.join("login")).expect("it"), "new\n");
        let mut after = all(&state);
        after.insert(state.join("login"), b"token\n".to_vec());
        assert_eq!(after, before);
        for words in [
            "changes that the jail made in its copies of what is in `~/.agent` stay out of it, and are gone with it: `settings.json`, `absent.json`, ",
            "`line.sh`",
            "(`test` at demo.jail:4:3)",
        ] {
            assert!(ran.stderr.contains(words), "no `{words}` in {}", ran.stderr);
        }
        // What agents fill with programs is not worth a word.
        assert!(!ran.stderr.contains("bin/"), "{}", ran.stderr);
        // The control: without the operation all of it is executed.
        let control = shared(caller).op(InsideOp::RemountReadOnly(literal("/")));
        control
            .sh(&format!("mkdir -p ~/.agent/absent ~/.agent/bin ~/.agent/deep/er; {EVIL}"))
            .prints("echo evil\necho evil\necho evil");
        control.outside_sh(LATER).prints("12");
    }
}

#[test]
fn a_program_inside_has_what_is_outside_and_writes_it_as_always() {
    for caller in callers() {
        let jail = apart(caller);
        let script = "set -e; cd ~/.agent; cat hooks/start deep/plugins/one/run line.sh; ./line.sh
            test -x hooks/start; cat absent.json; test -d absent
            # As agents do it that know symbolic links: a new file, renamed over what the link leads to.
            real=$(readlink -f settings.json); echo '{\"a\": 1}' >$real.tmp; mv $real.tmp $real; cat settings.json
            # As git does it in a folder, with a lock.
            mkdir hooks/d; echo 1 >hooks/d/x.lock; mv hooks/d/x.lock hooks/d/x; cat hooks/d/x
            mv deep/plugins/one/run deep/plugins/one/run2; cat deep/plugins/one/run2; rm -r deep/plugins/one; ls deep/plugins";
        jail.sh(script)
            .prints("echo start\necho one\necho line\nline\n{ }\n \n\n \n{\"a\": 1}\n1\necho one");
        jail.outside_sh("cat ~/.agent/deep/plugins/one/run; ls ~/.agent/hooks")
            .prints("echo one\nstart");
        // Nothing is reported if nothing was changed, or the same was written again.
        let same = "cd ~/.agent; cp settings.json /tmp/s; cat /tmp/s >settings.json; cat hooks/start >/dev/null";
        let ran = jail.sh(same);
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    }
}

#[test]
fn ways_around_are_closed() {
    for caller in callers() {
        let jail = apart(caller);
        let state = jail.home().join(".agent");
        let before = all(&state);
        for script in [
            "mv ~/.agent/hooks ~/.agent/h2 2>/dev/null; mkdir -p ~/.agent/hooks; echo x >~/.agent/hooks/x",
            "mv ~/.agent/deep ~/.agent/d2 2>/dev/null; mkdir -p ~/.agent/deep/plugins; echo x >~/.agent/deep/plugins/x",
            "rm -rf ~/.agent/settings.json 2>/dev/null; echo x >~/.agent/settings.json",
            "ln -f ~/.agent/login ~/.agent/settings.json 2>/dev/null; mv ~/.agent/login ~/.agent/hooks/start 2>/dev/null",
            "echo x >~/.agent/evil; mv -T ~/.agent/evil ~/.agent/absent.json 2>/dev/null; rm -f ~/.agent/evil",
            "rm -rf ~/.agent/absent 2>/dev/null; ln -s /tmp ~/.agent/absent 2>/dev/null",
            // Where the kernel keeps what is changed, no process comes.
            "test -z \"$(ls -A /run/jailgen/git/layers)\" && ! mkdir /run/jailgen/git/layers/x 2>/dev/null \
                && ! mv /run/jailgen/git/layers /run/jailgen/git/l2 2>/dev/null && echo covered >/dev/null",
        ] {
            let ran = jail.sh(script);
            let mut after = all(&state);
            after.insert(state.join("login"), b"token\n".to_vec());
            assert_eq!(after, before, "{script}: {ran:?}");
        }
        jail.sh("ls -A /run/jailgen/git/layers | wc -l").prints("0");
    }
}

#[test]
fn a_file_that_settings_name_and_that_is_made_in_the_session_is_told() {
    for caller in callers() {
        let jail = apart(caller);
        let ran = jail.sh("echo 'echo evil' >~/.agent/none.sh");
        assert!(
            ran.stderr.contains(
                "`~/.agent/none.sh` was made in the session, and settings on the host name it"
            ),
            "{ran:?}"
        );
    }
}

#[test]
fn links_that_an_earlier_jail_has_made_lead_nowhere() {
    for caller in callers() {
        let jail = apart(caller);
        jail.file("home/secret", "secret\n");
        let made = jail.outside_sh("cd ~/.agent && ln -s ../secret link.json && rm -r bin deep 2>/dev/null; ln -s .. bin; ln -s ../.. deep; ls ~");
        assert_eq!(made.code, Some(0), "{made:?}");
        let before = all(&jail.home());
        // What the first link leads to is not there, and nothing was made behind a link but in
        // the jail's own home.
        jail.sh("cat ~/.agent/link.json; echo x >~/.agent/link.json; cat ~/.agent/link.json; rm -f ~/.agent/bin ~/.agent/deep 2>/dev/null; echo")
            .prints("x");
        assert_eq!(all(&jail.home()), before);
    }
}

/// A small file of the store that every user can read.
fn in_the_store(jail: &Jail) -> Option<String> {
    let find = "find /nix/store -maxdepth 2 -type f -name '*.nix' -perm -004 -size -100k -size +0 2>/dev/null | head -n 1";
    let found = jail.outside_sh(find).stdout.trim().to_owned();
    (!found.is_empty()).then_some(found)
}

#[test]
fn a_link_is_followed_into_the_store_and_not_by_way_of_another_one() {
    for caller in callers() {
        let jail = apart(caller);
        let Some(file) = in_the_store(&jail) else {
            return skipped("nix", "there is no file in the store");
        };
        let folder = Path::new(&file).parent().expect("a folder").display().to_string();
        let told = "a symbolic link leads out of the state that the jail shares";
        for (made, is_followed) in [
            (format!("ln -s {file} link.json"), true),
            (format!("ln -s {folder}/../$(basename {folder})/$(basename {file}) link.json"), true),
            // A jail may have made these, and make others in their place.
            (format!("ln -s {file} login2; ln -s login2 link.json"), false),
            (format!("ln -s {folder} way; ln -s way/$(basename {file}) link.json"), false),
            (format!("ln -s /nix/store store; ln -s store/{} link.json", &file[11..]), false),
            (format!("ln -s /nix/../nix/store/{} link.json", &file[11..]), false),
        ] {
            let made = format!("cd ~/.agent; rm -f link.json login2 way store; {made}");
            assert_eq!(jail.outside_sh(&made).code, Some(0), "{made}");
            let ran = jail.sh("echo x 2>/dev/null >~/.agent/link.json && cat ~/.agent/link.json");
            assert_eq!(ran.stdout == "x\n", is_followed, "{made}: {ran:?}");
            assert_eq!(ran.stderr.contains(told), !is_followed, "{made}: {ran:?}");
        }
    }
}

/// Starts a session that says a word and waits.
fn begun(jail: &Jail) -> Child {
    begun_with(jail, "true")
}

/// The same, after a script.
pub(crate) fn begun_with(jail: &Jail, script: &str) -> Child {
    let mut command = jail.command(jail.wrapper());
    command
        .args(["-c", &format!("{script}; echo on; read x")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut session = command.process_group(0).spawn().expect("it starts");
    let word = &mut [0; 3];
    std::io::Read::read_exact(session.stdout.as_mut().expect("a pipe"), word).expect("a word");
    session
}

pub(crate) fn becomes(what: &str, is: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_stands_there_for_the_time_of_a_jail_is_gone_with_the_last_one() {
    for caller in callers() {
        let jail = apart(caller);
        let state = jail.home().join(".agent");
        let before = all(&state);
        let (mut one, mut other) = (begun(&jail), begun(&jail));
        assert!(state.join("absent.json").exists() && state.join("deep/er/settings.toml").exists());
        drop(one.stdin.take());
        one.wait().expect("it ends");
        assert!(state.join("absent.json").exists(), "the other one needs it");
        // A killed launcher is a session that has ended.
        other.kill().expect("SIGKILL");
        other.wait().expect("its end");
        becomes("placeholders are gone", || all(&state) == before);
        // What the user has put in their place meanwhile stays.
        let mut one = begun(&jail);
        jail.outside_sh("cd ~/.agent; echo '{\"mine\": 1}' >absent.json; echo mine >absent/mine")
            .prints("");
        drop(one.stdin.take());
        one.wait().expect("it ends");
        assert_eq!(fs::read_to_string(state.join("absent.json")).expect("it"), "{\"mine\": 1}\n");
        jail.outside_sh("cat ~/.agent/absent/mine; stat -c %a ~/.agent/absent; ls ~/.agent")
            .prints("mine\n700\nabsent\nabsent.json\ndeep\nhooks\nline.sh\nlogin\nsettings.json");
    }
}

#[test]
fn a_file_that_is_replaced_outside_meanwhile_is_told() {
    for caller in callers() {
        let jail = apart(caller);
        let mut command = jail.command(jail.wrapper());
        command
            .args(["-c", "echo on; read x"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut session = command.spawn().expect("it starts");
        let word = &mut [0; 3];
        std::io::Read::read_exact(session.stdout.as_mut().expect("a pipe"), word).expect("a word");
        jail.outside_sh("cd ~/.agent; echo {} >s; mv s settings.json").prints("");
        drop(session.stdin.take());
        let told = session.wait_with_output().expect("it ends").stderr;
        let told = String::from_utf8_lossy(&told);
        assert!(
            told.contains("`~/.agent/settings.json` was replaced on the host meanwhile"),
            "{told}"
        );
    }
}

#[test]
fn settings_in_a_shared_file_that_run_programs_are_told() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.file(
            "home/.claude/.config.json",
            "{\"n\": 1, \"mcpServers\": {\"a\": {\"command\": \"x\"}}}",
        );
        own(&jail.home(), caller);
        let (state, home) = (jail.home().join(".claude"), jail.home().display().to_string());
        let (to, folder) = (literal(COPIES), expand("~/.claude"));
        let names = vec!["settings.json".into()];
        let jail = jail
            .op(bind(state, Access::ReadWrite))
            .set("HOME", &home)
            .op(InsideOp::PrivateCopies(PrivateCopies { to, folder, names }));
        let ran = jail
            .sh("sed s/1/2/ ~/.claude/.config.json >/tmp/n && cat /tmp/n >~/.claude/.config.json");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.stderr.contains("is shared"), "{ran:?}");
        let ran = jail.sh("echo '{\"mcpServers\": {\"b\\u001b[2J\": {\"command\": \"evil\"}}}' >~/.claude/.config.json");
        let words = "`~/.claude/.config.json` is shared, and settings in it that run programs were changed in the session: `mcpServers.b";
        assert!(ran.stderr.contains(words) && !ran.stderr.contains('\u{1b}'), "{ran:?}");
        jail.outside_sh("grep -c evil ~/.claude/.config.json").prints("1");
        // What kept something from running is gone.
        jail.file("home/.claude/.config.json", "{\"permissions\": {\"deny\": [\"Bash\"]}}");
        for script in ["echo '{}' >~/.claude/.config.json", "rm -f ~/.claude/.config.json"] {
            let ran = jail.sh(script);
            let words =
                "keep some from running, were taken away in the session: `permissions.deny`";
            assert!(ran.stderr.contains(words), "{ran:?}");
            jail.file("home/.claude/.config.json", "{\"permissions\": {\"deny\": [\"Bash\"]}}");
        }
    }
}

/// What a session changes of agents' files that stay shared, and whether
/// that runs a program outside.
const IN_SHARED_FILES: [(&str, &str, &str, &str, bool); 5] = [
    (
        ".local/share/opencode",
        "auth.json",
        "{}",
        r#"{"https://evil": {"type": "wellknown", "key": "OPENCODE_CONFIG_CONTENT", "token": "{}"}}"#,
        true,
    ),
    (".local/share/opencode", "auth.json", "{}", r#"{"a": {"type": "api", "key": "k"}}"#, false),
    (
        ".local/share/crush",
        "providers.json",
        r#"[{"api_key": "$A"}]"#,
        r#"[{"api_key": "$(evil)"}, {"api_key": "$A"}]"#,
        true,
    ),
    (
        ".local/share/crush",
        "crush.json",
        "{}",
        r#"{"providers": {"a": {"base_url": "`x`"}}}"#,
        true,
    ),
    (".local/share/crush", "crush.json", "{}", r#"{"models": {"large": {"model": "x"}}}"#, false),
];

#[test]
fn servers_that_settings_are_fetched_from_and_values_that_are_commands_are_told() {
    for caller in callers() {
        for (folder, name, before, now, runs) in IN_SHARED_FILES {
            let jail = Jail::new(caller);
            jail.file(&format!("home/{folder}/{name}"), before);
            // Crush keeps its own settings elsewhere.
            jail.file("home/.config/crush/crush.json", "{}");
            own(&jail.home(), caller);
            let (state, home) = (jail.home().join(folder), jail.home().display().to_string());
            let copied = if folder.contains("crush") { ".config/crush" } else { folder };
            let (to, folder) = (literal(COPIES), expand(&format!("~/{copied}")));
            let (names, settings) = (vec!["bin/".into()], jail.home().join(".config/crush"));
            let jail = jail
                .op(bind(&state, Access::ReadWrite))
                .op(bind(settings, Access::ReadWrite))
                .set("HOME", &home)
                .op(InsideOp::PrivateCopies(PrivateCopies { to, folder, names }));
            jail.file("project/now", now);
            let ran = jail.sh(&format!("cat now >{}/{name}", state.display()));
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert_eq!(ran.stderr.contains("settings in it that run programs"), runs, "{ran:?}");
            // It is shared: what was written is there outside.
            assert_eq!(fs::read_to_string(state.join(name)).expect("it"), now);
        }
    }
}
