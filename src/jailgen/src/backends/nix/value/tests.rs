//! Layout as snapshots; that the text means the value is checked against real Nix in `tests/it` and
//! against our own parser here.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn check(value: &NixValue, expected: Expect) {
    expected.assert_eq(&value.to_nix(0));
}

fn set<const N: usize>(fields: [(&str, NixValue); N]) -> NixValue {
    NixValue::Set(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

#[test]
fn sets_of_one_field_become_a_path() {
    let inner = set([("from", NixValue::text("/a")), ("size", NixValue::Null)]);
    check(
        &set([("by", NixValue::text("x")), ("grant", set([("bind", inner)]))]),
        expect![[r#"
        {
          by = "x";
          grant.bind = {
            from = "/a";
            size = null;
          };
        }"#]],
    );
    check(
        &set([("a", set([("b", NixValue::Integer(1))]))]),
        expect![[r#"
        {
          a.b = 1;
        }"#]],
    );
}

#[test]
fn lists_of_one_element_stay_on_the_line() {
    let code = NixValue::Code("lib.getExe pkgs.git".into());
    check(&NixValue::List(vec![code.clone()]), expect!["[ (lib.getExe pkgs.git) ]"]);
    check(
        &NixValue::List(vec![NixValue::Integer(-1), code]),
        expect![[r#"
        [
          (-1)
          (lib.getExe pkgs.git)
        ]"#]],
    );
    check(&NixValue::List(vec![]), expect!["[ ]"]);
}

#[test]
fn names_are_quoted_where_nix_wants_it() {
    let field = |name| (name, NixValue::Bool(true));
    check(
        &set([
            field("plain"),
            field("with"),
            field("base#0"),
            field("1"),
            field("a-b'"),
            field("${x}"),
            field(""),
        ]),
        expect![[r#"
            {
              plain = true;
              "with" = true;
              "base#0" = true;
              "1" = true;
              a-b' = true;
              "\${x}" = true;
              "" = true;
            }"#]],
    );
}

#[test]
fn what_looks_like_an_expression_stays_a_text() {
    check(
        &NixValue::text("${HOME} $HOME $${x} \" \\ $"),
        expect![[r#""\${HOME} $HOME \$\${x} \" \\ \$""#]],
    );
    let parts = vec![
        Part::Literal("$".into()),
        Part::Code("pkgs.git".into()),
        Part::Literal("/bin".into()),
    ];
    check(&NixValue::Text(parts), expect![[r#""\$${pkgs.git}/bin""#]]);
}

#[test]
fn scripts_are_blocks() {
    let parts = vec![
        Part::Literal("#!/bin/sh\n\n  x=${y}\nexec ".into()),
        Part::Code("lib.getExe pkgs.git".into()),
        Part::Literal(" \"$@\"\n".into()),
    ];
    check(
        &set([("content", NixValue::Text(parts))]),
        expect![[r#"
        {
          content = ''
            #!/bin/sh

              x=''${y}
            exec ${lib.getExe pkgs.git} "$@"
          '';
        }"#]],
    );
    check(
        &NixValue::text("  all lines\n  are indented\n"),
        expect![[r#""  all lines\n  are indented\n""#]],
    );
    check(&NixValue::text("a=''\nb=1\n"), expect![[r#""a=''\nb=1\n""#]]);
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let literal = "[ \\t\\n\\r'$\\{\\}\"\\\\a-c\u{e9}]{0,12}".prop_map(Part::Literal);
    let code = Just(Part::Code("\"code\"".into()));
    proptest::collection::vec(prop_oneof![3 => literal, 1 => code], 0..6)
}

proptest! {
    #[test]
    fn whatever_a_text_holds_its_nix_parses(parts in parts()) {
        let nix = set([("a", NixValue::Text(parts))]).to_nix(2);
        prop_assert!(jail_lang::check_syntax(&nix).is_ok(), "{}", nix);
    }
}
