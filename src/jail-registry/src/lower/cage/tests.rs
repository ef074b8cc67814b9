use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use jail_policy::Text;

use super::paths::{below_home, in_the_cage, of_the_host};
use crate::testing::{built, list, lowered_whole, pkg, s, x};
use crate::{Made, Placed, Value};

fn set<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let field = |(name, value): (&str, Value)| (name.to_owned(), Placed::nowhere(value));
    Value::Attributes(fields.into_iter().map(field).collect::<BTreeMap<_, _>>())
}

fn cage<const N: usize>(more: [(&str, Value); N]) -> String {
    let mut jail = built("cage", [("name", s("demo")), ("argv", list([s("/bin/agent")]))]);
    if let Made::Built(built) = &mut jail.made {
        let field = |(name, value): (&str, Value)| (name.to_owned(), Placed::nowhere(value));
        built.arguments.extend(more.into_iter().map(field));
    }
    lowered_whole(&jail)
}

/// The lines about some of it.
fn check<const N: usize>(more: [(&str, Value); N], words: &[&str], expected: &Expect) {
    let all = cage(more);
    let lines = all.lines().filter(|line| words.iter().any(|word| line.contains(word)));
    let text: String = lines.map(|line| format!("{}\n", line.trim())).collect();
    expected.assert_eq(&text);
}

#[test]
fn a_cage_that_names_nothing_has_what_every_cage_has() {
    expect![[r#"
        cage#2: {"program":{"path":{"expand":"/bin/agent"}}}
        cage#3: {"store":{"scope":"closure"}}
        cage#1: {"cage":{"alias":"jailed-demo","datagrams":false}}
        cage#0: {"ports":{"connect":[],"bind":[]}}
        cage#4: {"reach":{"path":"/nix/store","reach":"ro","missing":"fail"}}
        cage#5: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/home"},"to":{"expand":"~/.local/state/jailgen/demo/home"}}}
        cage#7: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/config"},"to":{"expand":"~/.local/state/jailgen/demo/config"}}}
        cage#9: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/state"},"to":{"expand":"~/.local/state/jailgen/demo/state"}}}
        cage#11: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/cache"},"to":{"expand":"~/.local/state/jailgen/demo/cache"}}}
        cage#13: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/run"},"to":{"expand":"~/.local/state/jailgen/demo/run"}}}
        cage#16: {"git-identity":{"to":{"expand":"~/.local/state/jailgen/demo/gitconfig"}}}
        cage#18: {"login-profile":{"to":{"expand":"~/.local/state/jailgen/demo/profile"}}}
        cage#19: {"state-link":{"path":{"expand":"~/.local/state/jailgen/demo/home/.profile"},"to":{"expand":"~/.local/state/jailgen/demo/profile"}}}
        cage#20: {"state-link":{"path":{"expand":"~/.local/state/jailgen/demo/home/.zprofile"},"to":{"expand":"~/.local/state/jailgen/demo/profile"}}}
        cage#21: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/tmp"},"to":{"expand":"~/.local/state/jailgen/demo/tmp"}}}
        cage#23: {"reach":{"path":"/etc/bash.bashrc","reach":"ro","missing":"skip"}}
        cage#24: {"reach":{"path":"/etc/bashrc","reach":"ro","missing":"skip"}}
        cage#25: {"reach":{"path":"/etc/gai.conf","reach":"ro","missing":"skip"}}
        cage#26: {"reach":{"path":"/etc/gitconfig","reach":"ro","missing":"skip"}}
        cage#27: {"reach":{"path":"/etc/group","reach":"ro","missing":"skip"}}
        cage#28: {"reach":{"path":"/etc/host.conf","reach":"ro","missing":"skip"}}
        cage#29: {"reach":{"path":"/etc/hostname","reach":"ro","missing":"skip"}}
        cage#30: {"reach":{"path":"/etc/hosts","reach":"ro","missing":"skip"}}
        cage#31: {"reach":{"path":"/etc/inputrc","reach":"ro","missing":"skip"}}
        cage#32: {"reach":{"path":"/etc/localtime","reach":"ro","missing":"skip"}}
        cage#33: {"reach":{"path":"/etc/mime.types","reach":"ro","missing":"skip"}}
        cage#34: {"reach":{"path":"/etc/nsswitch.conf","reach":"ro","missing":"skip"}}
        cage#35: {"reach":{"path":"/etc/os-release","reach":"ro","missing":"skip"}}
        cage#36: {"reach":{"path":"/etc/passwd","reach":"ro","missing":"skip"}}
        cage#37: {"reach":{"path":"/etc/profile","reach":"ro","missing":"skip"}}
        cage#38: {"reach":{"path":"/etc/protocols","reach":"ro","missing":"skip"}}
        cage#39: {"reach":{"path":"/etc/resolv.conf","reach":"ro","missing":"skip"}}
        cage#40: {"reach":{"path":"/etc/services","reach":"ro","missing":"skip"}}
        cage#41: {"reach":{"path":"/etc/shells","reach":"ro","missing":"skip"}}
        cage#42: {"reach":{"path":"/etc/ssl/openssl.cnf","reach":"ro","missing":"skip"}}
        cage#43: {"reach":{"path":"/etc/terminfo","reach":"ro","missing":"skip"}}
        cage#44: {"reach":{"path":"/etc/timezone","reach":"ro","missing":"skip"}}
        cage#45: {"reach":{"path":"/lib/terminfo","reach":"ro","missing":"skip"}}
        cage#46: {"reach":{"path":"/proc","reach":"ro","missing":"skip"}}
        cage#47: {"reach":{"path":"/sys/devices/system/cpu","reach":"ro","missing":"skip"}}
        cage#48: {"reach":{"path":"/usr/share/mime/globs2","reach":"ro","missing":"skip"}}
        cage#49: {"reach":{"path":"/usr/share/terminfo","reach":"ro","missing":"skip"}}
        cage#50: {"reach":{"path":"/usr/share/zoneinfo","reach":"ro","missing":"skip"}}
        cage#51: {"reach":{"path":"/dev/full","reach":"device","missing":"skip"}}
        cage#52: {"reach":{"path":"/dev/null","reach":"device","missing":"skip"}}
        cage#53: {"reach":{"path":"/dev/ptmx","reach":"device","missing":"skip"}}
        cage#54: {"reach":{"path":"/dev/random","reach":"device","missing":"skip"}}
        cage#55: {"reach":{"path":"/dev/tty","reach":"device","missing":"skip"}}
        cage#56: {"reach":{"path":"/dev/urandom","reach":"device","missing":"skip"}}
        cage#57: {"reach":{"path":"/dev/zero","reach":"device","missing":"skip"}}
        cage#68: {"folder":{"access":"rw","to":null}}
        cage#58: {"forward-env":{"name":"COLORTERM","missing":"skip"}}
        cage#67: {"set-env":{"name":"CURL_CA_BUNDLE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        cage#17: {"set-env":{"name":"GIT_CONFIG_SYSTEM","value":{"expand":"~/.local/state/jailgen/demo/gitconfig"}}}
        cage#6: {"set-env":{"name":"HOME","value":{"expand":"~/.local/state/jailgen/demo/home"}}}
        cage#59: {"forward-env":{"name":"LANG","missing":"skip"}}
        cage#60: {"forward-env":{"name":"LC_ALL","missing":"skip"}}
        cage#61: {"forward-env":{"name":"LOGNAME","missing":"skip"}}
        cage#66: {"set-env":{"name":"NIX_SSL_CERT_FILE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        cage#15: {"set-env":{"name":"ORIG_HOME","value":{"expand":"~"}}}
        cage#64: {"set-env":{"name":"SHELL","value":{"pieces":[{"nix":"pkgs.bashInteractive","output":"bin"},"/bin/bash"],"expand":false}}}
        cage#65: {"set-env":{"name":"SSL_CERT_FILE","value":{"pieces":[{"nix":"pkgs.cacert","output":"out"},"/etc/ssl/certs/ca-bundle.crt"],"expand":false}}}
        cage#62: {"forward-env":{"name":"TERM","missing":"skip"}}
        cage#22: {"set-env":{"name":"TMPDIR","value":{"expand":"~/.local/state/jailgen/demo/tmp"}}}
        cage#63: {"forward-env":{"name":"USER","missing":"skip"}}
        cage#12: {"set-env":{"name":"XDG_CACHE_HOME","value":{"expand":"~/.local/state/jailgen/demo/cache"}}}
        cage#8: {"set-env":{"name":"XDG_CONFIG_HOME","value":{"expand":"~/.local/state/jailgen/demo/config"}}}
        cage#14: {"set-env":{"name":"XDG_RUNTIME_DIR","value":{"expand":"~/.local/state/jailgen/demo/run"}}}
        cage#10: {"set-env":{"name":"XDG_STATE_HOME","value":{"expand":"~/.local/state/jailgen/demo/state"}}}
    "#]].assert_eq(&cage([]));
}

#[test]
fn profiles_say_which_ports_and_whether_datagrams() {
    let words = &["ports", "datagrams"];
    check(
        [("profile", s("offline"))],
        words,
        &expect![[r#"
        cage#1: {"cage":{"alias":"jailed-demo","datagrams":false}}
        cage#0: {"ports":{"connect":[],"bind":[]}}
    "#]],
    );
    check(
        [("profile", s("aiAgent"))],
        words,
        &expect![[r#"
        cage#1: {"cage":{"alias":"jailed-demo","datagrams":true}}
        cage#0: {"ports":{"connect":[22,443],"bind":[]}}
    "#]],
    );
    check(
        [("profile", s("devNet"))],
        words,
        &expect![[r#"
        cage#1: {"cage":{"alias":"jailed-demo","datagrams":true}}
        cage#0: {"ports":{"connect":[22,80,443,3000,5000,8080],"bind":[]}}
    "#]],
    );
    check(
        [("profile", Value::Null)],
        words,
        &expect![[r#"
        cage#1: {"cage":{"alias":"jailed-demo","datagrams":false}}
        cage#0: {"ports":{"connect":[],"bind":[]}}
    "#]],
    );
    let network = |connect: i64| set([("connectTcp", list([Value::Integer(connect)]))]);
    check(
        [("profile", s("offline")), ("network", network(5432))],
        words,
        &expect![[r#"
        cage#1: {"cage":{"alias":"jailed-demo","datagrams":false}}
        cage#0: {"ports":{"connect":[5432],"bind":[]}}
    "#]],
    );
    let own = set([("network", network(8443))]);
    check(
        [("profile", own), ("network", network(80))],
        words,
        &expect![[r#"
        cage#1: {"cage":{"alias":"jailed-demo","datagrams":true}}
        cage#0: {"ports":{"connect":[80,8443],"bind":[]}}
    "#]],
    );
}

#[test]
fn lists_of_a_profile_come_first_and_flags_of_the_cage_count() {
    let filesystem = |path: &str| set([("rw", list([s(path)]))]);
    let profile = set([
        ("filesystem", filesystem("~/one")),
        ("nixStore", set([("read", Value::Bool(false)), ("exec", s("all"))])),
    ]);
    check(
        [
            ("profile", profile),
            ("filesystem", filesystem("$ORIG_HOME/two")),
            ("nixStore", set([("read", Value::Bool(true))])),
        ],
        &["one", "two", "store"],
        &expect![[r#"
            cage#3: {"store":{"scope":"whole"}}
            cage#4: {"reach":{"path":"/nix/store","reach":"ro","missing":"fail"}}
            cage#44: {"reach":{"path":"/etc/timezone","reach":"ro","missing":"skip"}}
            cage#50: {"reach":{"path":"/usr/share/zoneinfo","reach":"ro","missing":"skip"}}
            cage#69: {"reach":{"path":{"expand":"~/one"},"reach":"rw","missing":"fail"}}
            cage#70: {"reach":{"path":{"expand":"${HOME}/two"},"reach":"rw","missing":"fail"}}
            warning[whole-store] at 0: the cage can execute all of the store
        "#]],
    );
}

#[test]
fn state_of_agents_is_used_where_the_cages_home_leads_to_it() {
    check(
        [("tools", list([s("claude-code")])), ("configDirs", list([s("~/.config/own")]))],
        &["claude", "own"],
        &expect![[r#"
            cage#69: {"state-link":{"path":{"expand":"~/.local/state/jailgen/demo/home/.claude"},"to":{"expand":"~/.claude"}}}
            cage#70: {"state-directory":{"path":{"expand":"~/.claude"},"to":{"expand":"~/.claude"}}}
            cage#71: {"state-link":{"path":{"expand":"~/.local/state/jailgen/demo/home/.claude.json"},"to":{"expand":"~/.claude.json"}}}
            cage#72: {"state-file":{"path":{"expand":"~/.claude.json"},"to":{"expand":"~/.claude.json"}}}
            cage#73: {"state-link":{"path":{"expand":"~/.local/state/jailgen/demo/home/.config/own"},"to":{"expand":"~/.config/own"}}}
            cage#74: {"state-link":{"path":{"expand":"~/.local/state/jailgen/demo/config/own"},"to":{"expand":"~/.config/own"}}}
            cage#75: {"state-directory":{"path":{"expand":"~/.config/own"},"to":{"expand":"~/.config/own"}}}
        "#]],
    );
}

#[test]
fn the_agent_of_ssh_is_passed_on_and_no_keys() {
    let ssh = set([("agentForward", Value::Bool(true))]);
    check(
        [("ssh", ssh)],
        &["ssh", "SSH_AUTH"],
        &expect![[r#"
            cage#69: {"reach":{"path":{"expand":"$SSH_AUTH_SOCK"},"reach":"rw","missing":"fail"}}
            cage#71: {"reach":{"path":{"expand":"~/.ssh/known_hosts"},"reach":"ro","missing":"skip"}}
            cage#72: {"reach":{"path":{"expand":"/etc/ssh/ssh_config"},"reach":"ro","missing":"skip"}}
            cage#73: {"reach":{"path":{"expand":"/etc/ssh/ssh_known_hosts"},"reach":"ro","missing":"skip"}}
            cage#70: {"forward-env":{"name":"SSH_AUTH_SOCK","missing":"fail"}}
        "#]],
    );
}

#[test]
fn paths_and_variables_are_in_order() {
    let env = set([
        ("pass", list([s("KEY")])),
        ("set", set([("WHERE", s("$HOME/x")), ("PLAIN", x("$OTHER"))])),
        ("appendPath", list([s("/opt/bin"), s("~/bin")])),
    ]);
    let packages = list([pkg("git"), pkg("jq")]);
    check(
        [("packages", packages), ("env", env), ("tmp", s("shared"))],
        &["add-path", "KEY", "WHERE", "PLAIN", "tmp"],
        &expect![[r#"
            cage#25: {"reach":{"path":"/tmp","reach":"rw","missing":"skip"}}
            cage#26: {"reach":{"path":"/var/tmp","reach":"rw","missing":"skip"}}
            cage#73: {"forward-env":{"name":"KEY","missing":"skip"}}
            cage#74: {"set-env":{"name":"PLAIN","value":{"expand":"$OTHER"}}}
            cage#75: {"set-env":{"name":"WHERE","value":{"expand":"${HOME}/.local/state/jailgen/demo/home/x"}}}
            cage#3: {"add-path":{"folder":{"expand":"~/bin"}}}
            cage#4: {"add-path":{"folder":{"expand":"/opt/bin"}}}
            cage#5: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.jq","output":"bin"},"/bin"],"expand":false}}}
            cage#6: {"add-path":{"folder":{"pieces":[{"nix":"pkgs.git","output":"bin"},"/bin"],"expand":false}}}
        "#]],
    );
}

#[test]
fn what_is_wrong_is_told_where_it_is() {
    let words = &["error", "help"];
    check(
        [("profile", s("aiAgnet"))],
        words,
        &expect![[r#"
        error[unknown-setting] at 0: unknown profile `aiAgnet`
        = help: did you mean `"aiAgent"`?
    "#]],
    );
    check(
        [("tools", list([s("claude")]))],
        words,
        &expect![[r#"
            error[unknown-setting] at 0: unknown agent `claude`
            = help: name its folders with `configDirs`
        "#]],
    );
    check(
        [("nixStore", set([("exec", s("none"))]))],
        words,
        &expect![[r#"
            error[unknown-setting] at 0: unknown exec `none`
            = help: the known ones are `"closure"`, `"all"`
        "#]],
    );
    check(
        [("network", set([("allow", list([s("host")]))]))],
        words,
        &expect![[r#"
        error[unknown-argument] at 0: `cage` has no argument `allow`
        = help: it has `connectTcp`, `bindTcp`
    "#]],
    );
    let port = set([("connectTcp", list([Value::Integer(70_000)]))]);
    check(
        [("network", port)],
        words,
        &expect![[r#"
            error[param-type] at 0: 70000 is not a TCP port
            = help: ports go from 1 to 65535
        "#]],
    );
    check(
        [("filesystem", set([("ro", list([s("etc")]))]))],
        words,
        &expect![[r#"
            error[relative-path] at 0: path on the host `etc` of `cage` is not absolute
            = help: write `(noescape "$PWD/etc")` for what is in the folder that the jail is started in, `(noescape "~/etc")` for your home folder, or the whole path
        "#]],
    );
    check(
        [("env", set([("pass", list([s("$KEY")]))]))],
        words,
        &expect![[r#"
        error[environment-name] at 0: a variable cannot be called `$KEY`
        = help: letters, digits and `_`, not a digit first
    "#]],
    );
    check(
        [("name", s("flakes"))],
        words,
        &expect![[r#"
        error[jail-name] at 0: the cage's name `flakes` is the name of one of jailgen's own folders
        = help: give it another name
    "#]],
    );
    check(
        [("argv", list([]))],
        words,
        &expect![[r#"
        error[missing-argument] at 0: `argv` is empty, but its first word is the program
        = help: write `argv = [ "${pkgs.hello}/bin/hello" ]`
    "#]],
    );
    check(
        [("argv", list([s("claude")]))],
        words,
        &expect![[r#"
            error[relative-path] at 0: program `claude` of `jail` is not absolute
            = help: write `pkgs.claude` for the package, or the whole path of the program
        "#]],
    );
}

#[test]
fn there_are_two_homes() {
    let own = "${HOME}/.local/state/jailgen/demo/home";
    for (word, expected) in [
        ("~", own.to_owned()),
        ("$HOME/x", format!("{own}/x")),
        ("--at=${HOME}", format!("--at={own}")),
        ("${HOME:-/x}/y", format!("{own}/y")),
        ("$ORIG_HOME/x", "${HOME}/x".into()),
        // What is not an expansion, or names no home, is left to the program.
        ("cd $HOME && $(true)", "cd $HOME && $(true)".into()),
        ("$HOMER", "$HOMER".into()),
        ("x~", "x~".into()),
        ("$", "$".into()),
    ] {
        assert_eq!(
            in_the_cage(&Text::literal(word), "demo").to_string().trim_matches('"'),
            expected
        );
    }
    for (path, expected) in [
        ("$ORIG_HOME/x", "${HOME}/x"),
        ("${ORIG_HOME}", "${HOME}"),
        ("~/x", "~/x"),
        ("$HOME", "$HOME"),
    ] {
        assert_eq!(of_the_host(&Text::literal(path)), Text::expanded(expected));
    }
    assert_eq!(below_home(&Text::expanded("${HOME}/.config/x/")), Some(".config/x".into()));
    assert_eq!(below_home(&Text::expanded("/etc/x")), None);
    assert_eq!(below_home(&Text::literal("~/x")), None);
}

#[test]
fn a_path_may_be_missing_where_the_spec_says_so() {
    let tried = |path, missing| set([("path", s(path)), ("try", Value::Bool(missing))]);
    let ro = list([s("~/a"), tried("~/b", true), tried("~/c", false)]);
    check(
        [("filesystem", set([("ro", ro)]))],
        &["~/"],
        &expect![[r#"
            cage#5: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/home"},"to":{"expand":"~/.local/state/jailgen/demo/home"}}}
            cage#7: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/config"},"to":{"expand":"~/.local/state/jailgen/demo/config"}}}
            cage#9: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/state"},"to":{"expand":"~/.local/state/jailgen/demo/state"}}}
            cage#11: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/cache"},"to":{"expand":"~/.local/state/jailgen/demo/cache"}}}
            cage#13: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/run"},"to":{"expand":"~/.local/state/jailgen/demo/run"}}}
            cage#16: {"git-identity":{"to":{"expand":"~/.local/state/jailgen/demo/gitconfig"}}}
            cage#18: {"login-profile":{"to":{"expand":"~/.local/state/jailgen/demo/profile"}}}
            cage#19: {"state-link":{"path":{"expand":"~/.local/state/jailgen/demo/home/.profile"},"to":{"expand":"~/.local/state/jailgen/demo/profile"}}}
            cage#20: {"state-link":{"path":{"expand":"~/.local/state/jailgen/demo/home/.zprofile"},"to":{"expand":"~/.local/state/jailgen/demo/profile"}}}
            cage#21: {"state-directory":{"path":{"expand":"~/.local/state/jailgen/demo/tmp"},"to":{"expand":"~/.local/state/jailgen/demo/tmp"}}}
            cage#69: {"reach":{"path":{"expand":"~/a"},"reach":"ro","missing":"fail"}}
            cage#70: {"reach":{"path":{"expand":"~/b"},"reach":"ro","missing":"skip"}}
            cage#71: {"reach":{"path":{"expand":"~/c"},"reach":"ro","missing":"fail"}}
            cage#17: {"set-env":{"name":"GIT_CONFIG_SYSTEM","value":{"expand":"~/.local/state/jailgen/demo/gitconfig"}}}
            cage#6: {"set-env":{"name":"HOME","value":{"expand":"~/.local/state/jailgen/demo/home"}}}
            cage#22: {"set-env":{"name":"TMPDIR","value":{"expand":"~/.local/state/jailgen/demo/tmp"}}}
            cage#12: {"set-env":{"name":"XDG_CACHE_HOME","value":{"expand":"~/.local/state/jailgen/demo/cache"}}}
            cage#8: {"set-env":{"name":"XDG_CONFIG_HOME","value":{"expand":"~/.local/state/jailgen/demo/config"}}}
            cage#14: {"set-env":{"name":"XDG_RUNTIME_DIR","value":{"expand":"~/.local/state/jailgen/demo/run"}}}
            cage#10: {"set-env":{"name":"XDG_STATE_HOME","value":{"expand":"~/.local/state/jailgen/demo/state"}}}
        "#]],
    );
}

#[test]
fn a_port_that_the_kernel_chooses_is_port_0() {
    let bind = |value| [("network", set([("bindTcp", value)]))];
    check(
        bind(s("ephemeral")),
        &["ports"],
        &expect![[r#"
        cage#0: {"ports":{"connect":[],"bind":[0]}}
    "#]],
    );
    check(
        bind(s("ephemral")),
        &["error", "help"],
        &expect![[r#"
        error[unknown-setting] at 0: unknown bindTcp `ephemral`
        = help: did you mean `"ephemeral"`?
    "#]],
    );
}

#[test]
fn the_distributions_programs_are_last_in_path() {
    let more = [
        ("systemPrograms", Value::Bool(true)),
        ("env", set([("appendPath", list([s("/opt/bin")]))])),
    ];
    check(
        more,
        &["add-path", "rox", "/usr/share\"", "ld.so", "warning"],
        &expect![[r#"
            cage#72: {"reach":{"path":"/bin","reach":"rox","missing":"skip"}}
            cage#74: {"reach":{"path":"/etc/ld.so.cache","reach":"ro","missing":"skip"}}
            cage#80: {"reach":{"path":"/lib","reach":"rox","missing":"skip"}}
            cage#81: {"reach":{"path":"/lib32","reach":"rox","missing":"skip"}}
            cage#82: {"reach":{"path":"/lib64","reach":"rox","missing":"skip"}}
            cage#83: {"reach":{"path":"/sbin","reach":"rox","missing":"skip"}}
            cage#84: {"reach":{"path":"/usr/bin","reach":"rox","missing":"skip"}}
            cage#86: {"reach":{"path":"/usr/lib","reach":"rox","missing":"skip"}}
            cage#87: {"reach":{"path":"/usr/lib32","reach":"rox","missing":"skip"}}
            cage#88: {"reach":{"path":"/usr/lib64","reach":"rox","missing":"skip"}}
            cage#89: {"reach":{"path":"/usr/libexec","reach":"rox","missing":"skip"}}
            cage#90: {"reach":{"path":"/usr/sbin","reach":"rox","missing":"skip"}}
            cage#91: {"reach":{"path":"/usr/share","reach":"ro","missing":"skip"}}
            cage#3: {"add-path":{"folder":"/bin"}}
            cage#4: {"add-path":{"folder":"/usr/bin"}}
            cage#5: {"add-path":{"folder":{"expand":"/opt/bin"}}}
        "#]],
    );
}
