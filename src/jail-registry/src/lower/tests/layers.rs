//! The layers other than mounts and namespaces.

use expect_test::expect;

use super::{check, check_one};
use crate::Value;
use crate::testing::{list, p, pkg, s, x};

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
              = help: the known ones are `"default"`, `"full"`
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

fn set(fields: &[(&str, Value)]) -> Value {
    let placed =
        |(name, value): &(&str, Value)| ((*name).to_owned(), crate::Placed::nowhere(value.clone()));
    Value::Attributes(fields.iter().map(placed).collect())
}

#[test]
fn system_calls_are_a_list_and_what_is_changed_of_it() {
    check_one(
        "seccomp",
        [s("strict")],
        &expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        seccomp#4: {"system-calls":{"base":{"strict":{"agent":null}}}}
    "#]],
    );
    let rules = set(&[
        ("allow", list([s("ptrace")])),
        ("deny", list([s("socket(0=16)")])),
        ("onDeny", s("kill")),
    ]);
    check(
        vec![p("seccomp", [s("default")]), p("seccomp", [rules])],
        &expect![[r#"
            jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
            seccomp#4: {"system-calls":{"base":"default"}}
            seccomp#5: {"call-rules":{"allow":["ptrace"],"deny":["socket(0=16)"],"on-deny":"kill"}}
            warning[widens-calls] at 4: the jail may make system calls that are refused in every jail by default: ptrace
              ^ medium severity
              = help: allow single calls, with conditions, and only where the program fails without them
        "#]],
    );
    check(
        vec![p("allow-nested-sandbox", []), p("add-seccomp", [pkg("filter")])],
        &expect![[r#"
        jail#0: {"program":{"path":{"pieces":[{"nix":"pkgs.hello","output":"program"}],"expand":false}}}
        allow-nested-sandbox#4: "nested-sandbox"
        add-seccomp#5: {"filter":{"path":{"pieces":[{"nix":"pkgs.filter","output":"out"}],"expand":false}}}
    "#]],
    );
}

#[test]
fn calls_and_answers_that_nobody_knows_are_refused() {
    check_one(
        "seccomp",
        [s("strikt")],
        &expect![[r#"
        error[unknown-setting] at 3: unknown list of system calls `strikt`
          = help: did you mean `"strict"`?
    "#]],
    );
    check_one(
        "seccomp",
        [set(&[("allow", list([s("ptraec"), s("ioctl(9=1)"), s("wait")]))])],
        &expect![[r#"
            error[unknown-setting] at 5: unknown system call `ptraec`
              = help: did you mean `ptrace`?
            error[unknown-setting] at 6: `ioctl(9=1)` names no system call: arguments are counted from 0 to 5
              = help: as `ptrace`, or `ioctl(1=0x5401)`
            error[unknown-setting] at 7: unknown system call `wait`
              = help: did you mean `wait4`?
        "#]],
    );
    check_one(
        "seccomp",
        [set(&[("deny", list([s("wait4")]))])],
        &expect![[r#"
        error[unknown-setting] at 3: without `wait4` no jail can start a program or end
          = help: leave it out, or give conditions
    "#]],
    );
    check_one(
        "seccomp",
        [set(&[("onDeny", s("trap"))])],
        &expect![[r#"
            error[unknown-setting] at 3: unknown answer `trap`
              = help: the known ones are `"errno"`, `"kill"`, `"log"`
        "#]],
    );
    check_one(
        "add-seccomp",
        [x("~/filter")],
        &expect![[r#"
        error[param-type] at 3: `add-seccomp` is read when the jail is built, before there is a launch
          = help: name a file or a package without `noescape`
    "#]],
    );
    check(
        vec![p("allow-nested-sandbox", []), p("landlock", [s("full")])],
        &expect![[r#"
        error[contradiction] at 3: `landlock` and `allow-nested-sandbox` contradict each other: under Landlock rules about files, nothing can be mounted
          at 2: first granted here
          = help: remove one of them
    "#]],
    );
}
