//! Calls over a real socket, without a jail.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use super::frame::{Frame, PIECE_MAX};
use super::*;
use crate::surroundings::{Environment, Project};

struct Channel {
    channels: Channels,
    place: PathBuf,
    _folder: tempfile::TempDir,
}

fn channel(handlers: &[(&str, &str)]) -> Channel {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("socket");
    let mut channels = Channels::default();
    for (name, script) in handlers {
        let (shell, script) = ("bash".into(), (*script).into());
        channels.add(name, Handler::Script { shell, script });
    }
    let listener = UnixListener::bind(&place).unwrap();
    channels.open(listener.into(), surroundings()).unwrap();
    Channel { channels, place, _folder: folder }
}

/// Those of the tests themselves.
fn surroundings() -> Surroundings {
    let project = Project::at("/", None).unwrap();
    Surroundings::of_handlers(&Arc::new(project), &Environment::new())
}

impl Channel {
    fn ask(&self, name: &str, arguments: &[&str]) -> UnixStream {
        let socket = UnixStream::connect(&self.place).unwrap();
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        frame::ask(&socket, name.as_ref(), &arguments).unwrap();
        socket
    }

    /// Output, errors and status of a call with this input.
    fn call(&self, name: &str, arguments: &[&str], input: &[u8]) -> (String, String, u8) {
        let socket = self.ask(name, arguments);
        let sender = socket.try_clone().unwrap();
        let input = input.to_vec();
        std::thread::spawn(move || {
            for piece in input.chunks(PIECE_MAX) {
                if frame::send(&sender, b'I', piece).is_err() {
                    return;
                }
            }
            let _ = frame::send(&sender, b'Z', &[]);
        });
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        loop {
            let Frame { kind, body } = frame::read(&socket, PIECE_MAX).unwrap().unwrap();
            match kind {
                b'O' => output.extend(body),
                b'E' => errors.extend(body),
                b'X' => {
                    let text = |bytes| String::from_utf8(bytes).unwrap();
                    return (text(output), text(errors), body[0]);
                }
                _ => return (String::new(), String::from_utf8(body).unwrap(), 255),
            }
        }
    }
}

#[test]
fn arguments_input_outputs_and_status_go_their_ways() {
    let channel = channel(&[("c", "printf '[%s]' \"$0\" \"$@\"; cat; echo oops >&2; exit 7")]);
    let (output, errors, status) = channel.call("c", &["a b", "", "$(id)\n"], b"in");
    assert_eq!(output, "[c][a b][][$(id)\n]in");
    assert_eq!((errors.as_str(), status), ("oops\n", 7));
}

#[test]
fn scripts_are_strict_and_signals_are_told_as_a_shell_does() {
    let channel = channel(&[("c", "false; echo no"), ("k", "kill -9 $$")]);
    assert_eq!(channel.call("c", &[], b""), (String::new(), String::new(), 1));
    assert_eq!(channel.call("k", &[], b"").2, 137);
}

#[test]
fn megabytes_go_both_ways_at_once() {
    let channel = channel(&[("cat", "cat")]);
    let input = vec![b'x'; 8 * 1024 * 1024];
    assert_eq!(channel.call("cat", &[], &input).0.len(), input.len());
}

#[test]
fn a_script_that_takes_no_input_is_not_waited_for() {
    let channel = channel(&[("no", "exec <&-; echo done")]);
    assert_eq!(channel.call("no", &[], &vec![0; 1024 * 1024]).0, "done\n");
}

#[test]
fn what_a_script_leaves_running_does_not_hold_the_call_up() {
    let channel = channel(&[("bg", "sleep 20 & echo done")]);
    let begin = Instant::now();
    assert_eq!(channel.call("bg", &[], b""), ("done\n".into(), String::new(), 0));
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_call_that_hangs_holds_up_no_other_and_ends_with_its_caller() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let hang = format!("echo $$ >{}; sleep 1000", pid.display());
    let mut channel = channel(&[("hang", &hang), ("ok", "echo ok")]);
    let hanging = channel.ask("hang", &[]);
    assert_eq!(channel.call("ok", &[], b"").0, "ok\n");
    let number = loop {
        match std::fs::read_to_string(&pid) {
            Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert!(std::path::Path::new(&format!("/proc/{number}")).exists());
    drop(hanging);
    channel.channels.close();
    assert!(!std::path::Path::new(&format!("/proc/{number}")).exists());
}

#[test]
fn what_is_no_request_is_refused() {
    let channel = channel(&[("c", "echo ran")]);
    assert_eq!(channel.call("d", &[], b"").1, "the jail has no such channel");
    for bytes in [&b"R\xff\xff\xff\xff"[..], b"I\x01\0\0\0x", b"R\0\0\0\0", b"R\x01\0\0\0x"] {
        use std::io::Write as _;
        let mut socket = UnixStream::connect(&channel.place).unwrap();
        socket.write_all(bytes).unwrap();
        let Frame { kind, .. } = frame::read(&socket, PIECE_MAX).unwrap().unwrap();
        assert_eq!(kind, b'N', "{bytes:?}");
    }
    assert_eq!(channel.call("c", &[], b"").0, "ran\n");
}
