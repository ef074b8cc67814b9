//! The layers beside mounts and namespaces.

use expect_test::expect;

use super::check_one;
use crate::Value;
use crate::testing::s;

#[test]
fn the_wall_is_a_word_or_a_least_abi() {
    check_one(
        "landlock",
        [s("default")],
        &expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        landlock#4: {"wall":{"wall":"writes"}}
    "#]],
    );
    check_one(
        "landlock",
        [s("full")],
        &expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        landlock#4: {"wall":{"wall":"full"}}
    "#]],
    );
    let abi = [("abi".to_owned(), crate::Placed::nowhere(Value::Integer(6)))];
    check_one(
        "landlock",
        [Value::Attributes(abi.into())],
        &expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        landlock#4: {"landlock-abi":{"least":6}}
    "#]],
    );
}

#[test]
fn a_wall_that_nobody_knows_is_refused() {
    check_one(
        "landlock",
        [s("ful")],
        &expect![[r#"
        error[unknown-setting] at 3: unknown wall `ful`
          = help: did you mean `"full"`?
    "#]],
    );
    check_one(
        "landlock",
        [s("")],
        &expect![[r#"
        error[unknown-setting] at 3: unknown wall ``
          = help: there are `"default"` and `"full"`
    "#]],
    );
    let abi = |abi| Value::Attributes([("abi".to_owned(), crate::Placed::nowhere(abi))].into());
    check_one(
        "landlock",
        [abi(Value::Integer(10))],
        &expect![[r#"
        error[unknown-setting] at 3: `landlock` knows no ABI 10
          = help: 2 to 9 are known
    "#]],
    );
    check_one(
        "landlock",
        [abi(Value::Integer(-1))],
        &expect![[r#"
        error[unknown-setting] at 3: `landlock` knows no ABI -1
          = help: 2 to 9 are known
    "#]],
    );
    check_one(
        "landlock",
        [abi(s("6"))],
        &expect![[r#"
        error[param-type] at 4: `landlock` takes a whole number for `abi`, got a string
          ^ this is a string
    "#]],
    );
    check_one(
        "landlock",
        [Value::Attributes(std::collections::BTreeMap::new())],
        &expect![[r#"
        error[missing-argument] at 3: `landlock` needs the argument `abi`
          = help: the Landlock ABI below which the launch stops: `{ abi = 6; }`
    "#]],
    );
}
