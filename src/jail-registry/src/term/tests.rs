//! The JSON form is a contract with nixlib: any other form is refused.

use expect_test::{Expect, expect};

use super::json::Term;
use crate::testing::{built, jail, list, lowered, p, s, script, x};
use crate::{Jail, Made, Value, lower};

fn plain(permissions: &str) -> String {
    format!(
        r#"{{"version": 1,
            "jail": {{"name": "demo", "entry": "/bin/true", "permissions": {permissions}}},
            "packages": {{"nixpkgs": {{
                "bashInteractive": {{"out": "/s/bash", "bin": "/s/bash-bin", "program": "/s/bash-bin/bin/bash"}},
                "coreutils": {{"out": "/s/coreutils", "bin": "/s/coreutils", "program": null}}
            }}, "agents": {{}}}}}}"#
    )
}

fn permissions(jail: &Jail) -> &[crate::Applied] {
    match &jail.made {
        Made::Plain { permissions, .. } => permissions,
        Made::Built(_) => panic!("a plain jail"),
    }
}

/// The same without places, which JSON does not have.
fn same(mut jail: Jail) -> Jail {
    fn forget(placed: &mut crate::Placed) {
        placed.place = None;
        match &mut placed.value {
            Value::Permission(applied) => forget_applied(applied),
            Value::List(elements) => elements.iter_mut().for_each(forget),
            Value::Attributes(fields) => fields.values_mut().for_each(forget),
            _ => {}
        }
    }
    fn forget_applied(applied: &mut crate::Applied) {
        applied.place = None;
        applied.arguments.iter_mut().for_each(forget);
    }
    jail.place = None;
    match &mut jail.made {
        Made::Plain { entry, permissions, .. } => {
            forget(entry);
            permissions.iter_mut().for_each(forget_applied);
        }
        Made::Built(built) => built.arguments.values_mut().for_each(forget),
    }
    jail
}

#[test]
fn every_kind_of_value_is_read() {
    let text = plain(
        r#"[
            {"combinator": "set-env", "arguments": ["A", {"noescape": "~/a"}]},
            {"arguments": [[{"arguments": [], "combinator": "network"}, []]], "combinator": "compose"},
            {"combinator": "wrap-entry", "arguments": [{"script": ["exec ", " \"$@\""]}]},
            {"combinator": "x", "arguments": [null, true, 1, 1.5, {"attributes": {"a": "b"}}, {"function": true}]}
        ]"#,
    );
    let term = Term::from_json(&text).unwrap();
    let attributes = Value::Attributes([("a".into(), crate::Placed::nowhere(s("b")))].into());
    let wanted = jail(vec![
        p("set-env", [s("A"), x("~/a")]),
        p("compose", [list([p("network", []), list([])])]),
        p("wrap-entry", [script("exec @@ \"$@\"")]),
        p(
            "x",
            [
                Value::Null,
                Value::Bool(true),
                Value::Integer(1),
                Value::Float(1.5),
                attributes,
                Value::Function,
            ],
        ),
    ]);
    assert_eq!(permissions(&term.jail), permissions(&same(wanted)));
}

#[test]
fn a_builder_is_read() {
    let text = r#"{"version": 1, "jail": {"builder": "makeJailedPi", "arguments": {"attributes": {"name": "a"}}},
        "packages": {"nixpkgs": {}, "agents": {}}}"#;
    let term = Term::from_json(text).unwrap();
    assert_eq!(term.jail, same(built("makeJailedPi", [("name", s("a"))])));
}

#[test]
fn a_term_lowers_to_store_paths_and_leaves_no_pieces() {
    let term =
        Term::from_json(&plain(r#"[{"combinator": "tmpfs", "arguments": ["/x"]}]"#)).unwrap();
    let policy = lower(&term.jail, &term.packages, &|_| String::new()).unwrap().policy;
    assert!(policy.places.is_empty());
    let text = serde_json::to_string(&policy).unwrap();
    assert!(!text.contains("pieces"), "{text}");
    assert!(text.contains("/s/bash-bin/bin/bash") && text.contains("/s/coreutils/bin"), "{text}");
}

#[test]
fn a_package_that_did_not_come_along_is_missed() {
    let term = Term::from_json(&plain(r#"[{"combinator": "network", "arguments": []}]"#)).unwrap();
    let faults = lower(&term.jail, &term.packages, &|_| String::new()).unwrap_err();
    let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    expect!["`network` needs `cacert`, which the term does not contain"]
        .assert_eq(&messages.join("\n"));
}

#[test]
fn an_entry_without_a_main_program_is_refused() {
    let text = plain("[]").replace(
        "\"/bin/true\"",
        r#"{"package": {"out": "/s/x", "bin": "/s/x", "program": null}}"#,
    );
    let term = Term::from_json(&text).unwrap();
    expect![[r#"
        error[no-main-program] at nowhere: the package `/s/x` has no main program
          = help: name the program: `"${lib.getBin package}/bin/name"`
    "#]]
    .assert_eq(&lowered(&term.jail));
}

#[test]
fn what_is_no_permission_is_told_as_such_and_the_rest_is_read() {
    let faults = |text: &str| {
        let term = Term::from_json(text).unwrap();
        let reported = term.faults.iter().map(|fault| {
            let help = fault.help.as_deref().unwrap_or("-");
            format!("{}: {}\n  {help}\n", fault.code.as_str(), fault.message)
        });
        reported.collect::<String>()
    };
    let package = r#"{"package": {"out": "/s/x", "bin": "/s/x", "program": null}}"#;
    let list = format!(
        r#"["/x", {{"function": true}}, [[{package}]], null, {{"combinator": "network", "arguments": []}}]"#
    );
    let term = Term::from_json(&plain(&list)).unwrap();
    assert_eq!(permissions(&term.jail), permissions(&same(jail(vec![p("network", [])]))));
    expect![[r#"
        param-type: expected a permission, got a string
          a string alone grants nothing: is a combinator missing before it? write `(readonly "…")`
        param-type: expected a permission, got a function
          a lambda such as `state: …` of jail.nix is not a permission: put combinators together with `compose [ (readonly "…") … ]`, or give the function its argument, in parentheses
        param-type: expected a permission, got a package
          write `(add-pkg-deps [ … ])` to put packages into the jail
        param-type: expected a permission, got null
          -
    "#]].assert_eq(&faults(&plain(&list)));
    let no_list = plain(r#"{"combinator": "network", "arguments": []}"#);
    expect![[r#"
        param-type: `jail` takes a plain string for `name`, got a whole number
          write `"1"`
        param-type: `jail` takes a list of permissions, got the permission `network`
          put it in brackets: `[ … ]`
    "#]]
    .assert_eq(&faults(&no_list.replace("\"demo\"", "1")));
    assert_eq!(faults(&plain("null")), "");
    let builder = r#"{"version": 1, "jail": {"builder": "makeJailedPi", "arguments": ["x"]},
        "packages": {"nixpkgs": {}, "agents": {}}}"#;
    expect![[r#"
        param-type: `makeJailedPi` takes an attribute set, got a list
          write `makeJailedPi { … }`
    "#]]
    .assert_eq(&faults(builder));
}

fn refused(text: &str, expected: &Expect) {
    expected.assert_eq(&Term::from_json(text).expect_err("the term must be refused").to_string());
}

#[test]
fn what_is_not_exactly_a_term_is_refused() {
    let none = plain("[]");
    refused("", &expect!["this is not a term: EOF while parsing a value at line 1 column 0"]);
    refused(
        &none.replace("\"version\": 1", "\"version\": 2"),
        &expect!["this is not a term: its version is 2, and this jailgen reads 1"],
    );
    refused(
        &none.replace("\"version\": 1,", ""),
        &expect!["this is not a term: missing field `version` at line 6 column 29"],
    );
    refused(
        &none.replace("\"name\"", "\"nome\""),
        &expect![
            "this is not a term: unknown field `nome`, expected one of `name`, `entry`, `permissions`, `builder`, `arguments` at line 2 column 27"
        ],
    );
    refused(
        &none.replace("\"name\": \"demo\", ", ""),
        &expect![
            "this is not a term: a jail has either `name`, `entry` and `permissions`, or `builder` and `arguments` at line 2 column 61"
        ],
    );
    refused(
        &none.replace("\"agents\": {}", "\"agents\": {}, \"more\": {}"),
        &expect![
            "this is not a term: unknown field `more`, expected `nixpkgs` or `agents` at line 6 column 35"
        ],
    );
    refused(
        &none.replace("\"coreutils\"", "\"bashInteractive\""),
        &expect!["this is not a term: the key `bashInteractive` occurs twice at line 6 column 13"],
    );
    refused(
        &plain(r#"[{"combinator": "x", "arguments": [{}]}]"#),
        &expect!["this is not a term: an object without a key at line 2 column 111"],
    );
    refused(
        &plain(r#"[{"combinator": "x", "arguments": [{"nope": 1}]}]"#),
        &expect!["this is not a term: a value has no key `nope` at line 2 column 116"],
    );
    refused(
        &plain(r#"[{"combinator": "x", "arguments": [{"noescape": "a", "b": 1}]}]"#),
        &expect!["this is not a term: more fields than belong to `noescape` at line 2 column 134"],
    );
    refused(
        &plain(r#"[{"combinator": "x", "arguments": [], "place": 1}]"#),
        &expect![
            "this is not a term: more fields than belong to `combinator` at line 2 column 123"
        ],
    );
    refused(
        &plain(r#"[{"combinator": "x", "arguments": [18446744073709551615]}]"#),
        &expect!["this is not a term: a number too large at line 2 column 129"],
    );
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    refused(
        &plain(&format!(r#"[{{"combinator": "x", "arguments": [{deep}]}}]"#)),
        &expect!["this is not a term: recursion limit exceeded at line 2 column 232"],
    );
}
