//! The shapes of `nix path-info --json`, and databases that cannot be read. Real stores are in
//! `tests/it`.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

fn check(answer: &serde_json::Value, expected: Expect) {
    let text = match path_info::closure(answer) {
        Ok(closure) => closure
            .iter()
            .map(|(path, info)| format!("{path} {} {:?}\n", info.nar_size, info.references))
            .collect::<String>(),
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&text);
}

#[test]
fn the_list_of_nix_2_8() {
    check(
        &json!([
            {"path": "/nix/store/b-b", "narSize": 2, "references": ["/nix/store/b-b", "/nix/store/a-a"], "valid": true},
            {"path": "/nix/store/a-a", "narSize": 1, "references": [], "valid": true},
        ]),
        expect![[r#"
            /nix/store/a-a 1 []
            /nix/store/b-b 2 ["/nix/store/a-a"]
        "#]],
    );
    check(
        &json!([{"path": "/nix/store/x-x", "valid": false}]),
        expect![[r#"
        `/nix/store/x-x` is not a valid store path
    "#]],
    );
}

#[test]
fn the_object_of_nix_2_26() {
    check(
        &json!({"/nix/store/b-b": {"narSize": 2, "references": ["/nix/store/a-a"]}, "/nix/store/a-a": {"narSize": 1, "references": []}}),
        expect![[r#"
            /nix/store/a-a 1 []
            /nix/store/b-b 2 ["/nix/store/a-a"]
        "#]],
    );
    check(
        &json!({"/nix/store/x-x": null}),
        expect![[r#"
        `/nix/store/x-x` is not a valid store path
    "#]],
    );
}

#[test]
fn the_objects_of_nix_2_34() {
    let info = json!({"narSize": 1, "references": ["a-a"]});
    check(
        &json!({"info": {"a-a": info}, "storeDir": "/nix/store", "version": 2}),
        expect![[r#"
            /nix/store/a-a 1 []
        "#]],
    );
    check(
        &json!({"/nix/store/a-a": {"narSize": 1, "references": []}, "storeDir": "/nix/store", "version": 1}),
        expect![[r#"
            /nix/store/a-a 1 []
        "#]],
    );
}

#[test]
fn an_answer_of_no_known_shape_is_an_error() {
    check(
        &json!("what"),
        expect![[r#"
        the answer of `nix path-info --json` cannot be read: it is neither a list nor an object
    "#]],
    );
    check(
        &json!({"/nix/store/a-a": {"size": 1}}),
        expect![[r#"
        the answer of `nix path-info --json` cannot be read: `/nix/store/a-a` has no `narSize`
    "#]],
    );
}

#[test]
fn a_database_that_cannot_be_read_leads_to_nix() {
    let folder = tempfile::tempdir().unwrap();
    for content in [None, Some("this is no database, and long enough to be looked at as one")] {
        let database = folder.path().join("db.sqlite");
        if let Some(content) = content {
            std::fs::write(&database, content).unwrap();
        }
        let error = closure(&["/nix/store/a-a".into()], &database, || Err(NixError::Missing));
        let error = error.unwrap_err();
        assert!(matches!(error, ClosureError::Nix(NixError::Missing)), "{error}");
        let expected = "the store's database cannot be read, and Nix cannot be asked: Nix is not installed: there is no `nix` in PATH";
        assert_eq!(error.to_string(), expected);
    }
}
