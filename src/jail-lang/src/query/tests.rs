//! Each text has its place marked with `|`.

use super::*;

fn marked(text: &str) -> (String, usize) {
    let offset = text.find('|').unwrap();
    (text.replacen('|', "", 1), offset)
}

/// `f` for its first argument, `f 1 a []` for an element of `a` in its second.
fn shown_slot(slot: &Slot) -> String {
    let argument = if slot.argument == 0 { String::new() } else { format!(" {}", slot.argument) };
    let steps = slot.steps.iter().map(|step| match step {
        Step::Element => " []".to_owned(),
        Step::Field(name) => format!(" {name}"),
    });
    format!("{}{argument}{}", slot.function, steps.collect::<String>())
}

fn assert_cursor(text: &str, expected: &str) {
    let (text, offset) = marked(text);
    let shown = match cursor(&text, offset) {
        Cursor::Nothing => "nothing".to_owned(),
        Cursor::Value { start } => format!("value {}", &text[start..offset]),
        Cursor::Attribute { base, start } => {
            format!("attribute {} . {}", base.join("."), &text[start..offset])
        }
        Cursor::Argument { slot, given, start } => {
            let (slot, given) = (shown_slot(&slot), given.join(" "));
            format!("argument of {slot} after [{given}] {}", &text[start..offset])
        }
        Cursor::Text { slot, place } => format!("text of {} {}", shown_slot(&slot), &text[place]),
    };
    assert_eq!(shown.trim_end(), expected, "{text}");
}

#[test]
fn what_may_be_typed_follows_from_the_tokens_before() {
    for (text, expected) in [
        ("|", "value"),
        ("ja|", "value ja"),
        ("jail \"x\" pkgs.|", "attribute pkgs ."),
        ("jail \"x\" pkgs.he|llo [ ]", "attribute pkgs . he"),
        ("jail \"x\" pkgs.python3.pkgs.|", "attribute pkgs.python3.pkgs ."),
        ("jail \"x| \" pkgs.hello [ ]", "text of jail x"),
        ("\"x|\"", "nothing"),
        ("jail \"${n|}\" pkgs.hello [ ]", "value n"),
        ("jail \"x\" pkgs.hello [ mount-|", "value mount-"),
        ("jail \"x\" pkgs.hello [ | ]", "value"),
        ("jail \"x\" pkgs.hello [ (readonly |", "value"),
        ("# comm|", "nothing"),
        ("makeJailedCrush { |", "argument of makeJailedCrush after []"),
        ("makeJailedCrush { ext| }", "argument of makeJailedCrush after [] ext"),
        (
            "makeJailedCrush { env = { A = 1; }; ext| }",
            "argument of makeJailedCrush after [env] ext",
        ),
        ("makeJailedCrush { env.A = \"1\"; | }", "argument of makeJailedCrush after [env]"),
        ("makeJailedCrush { env = { | }; }", "argument of makeJailedCrush env after []"),
        ("makeJailedCrush { extraPkgs = | }", "value"),
        ("makeJailedCrush { extraPkgs = with pkgs; | }", "value"),
        ("makeJailedCrush { extraPkgs = with pkgs; [ g| ]; }", "value g"),
        ("makeJailedCrush { extra.|", "nothing"),
        ("makeJailedCrush (common // { | })", "argument of makeJailedCrush after []"),
        ("makeJailedCrush rec { |", "argument of makeJailedCrush after []"),
        ("jails.makeJailedCrush { |", "argument of makeJailedCrush after []"),
        ("let a| = 1; in a", "nothing"),
        ("let a = |", "value"),
        ("let a = 1; in |", "value"),
        ("let a = 1; in makeJailedPi { |", "argument of makeJailedPi after []"),
        ("{ inherit n| }", "value n"),
        ("1|", "nothing"),
        ("./fi|", "nothing"),
        ("(f x).|", "attribute  ."),
        ("]]})|", "value"),
    ] {
        assert_cursor(text, expected);
    }
}

#[test]
fn a_string_belongs_to_the_argument_that_it_is_in() {
    for (text, expected) in [
        ("[ (seccomp \"str|\") ]", "text of seccomp str"),
        ("[ (seccomp \"|\") ]", "text of seccomp"),
        ("[ (seccomp \"|", "text of seccomp"),
        ("[ (c.seccomp \"s|trict\") ]", "text of seccomp strict"),
        ("[ (mount \"tmpfs\" \"|\") ]", "text of mount 1"),
        ("[ (mount (x \"y\") \"|\") ]", "text of mount 1"),
        ("[ (mount pkgs.x \"|\") ]", "text of mount 1"),
        ("[ (network-allow [ \"a\" \"@n|\" ]) ]", "text of network-allow [] @n"),
        ("[ (network-allow ([ \"a\" ] ++ [ \"|\" ])) ]", "text of network-allow []"),
        ("[ (network-allow (if x then [ \"|\" ] else [ ])) ]", "text of network-allow []"),
        ("[ (seccomp { onDeny = \"|\"; }) ]", "text of seccomp onDeny"),
        ("f { a.b = [ { c = \"|\"; } ]; }", "text of f a b [] c"),
        ("f { a = g \"|\"; }", "text of g"),
        ("f { a = let x = \"y\"; in \"|\"; }", "text of f a"),
        ("[ \"|\" ]", "nothing"),
        ("[ (f \"a\") \"|\" ]", "nothing"),
        ("f (\"a\" + \"|\")", "nothing"),
        ("f \"${x}a|\"", "nothing"),
        ("f ''a|''", "nothing"),
        ("f [ { | } ]", "argument of f [] after []"),
        ("f \"a\" { | }", "argument of f 1 after []"),
    ] {
        assert_cursor(text, expected);
    }
}

#[test]
fn the_call_around_a_place_is_the_innermost() {
    for (text, expected) in [
        ("[ (ro-bi|nd \"/a\") ]", "ro-bind"),
        ("[ (ro-bind |\"/a\") ]", "ro-bind"),
        ("[ (ro-bind \"/a|\") ]", "ro-bind"),
        ("[ (ro-bind \"/a\" |) ]", "ro-bind 1"),
        ("jail \"x\" pkgs.hello [ | ]", "jail 2 []"),
        ("f { a = |; }", "f a"),
        ("f { | }", "f"),
        ("|", "none"),
        ("[ (f x) | ]", "none"),
    ] {
        let (text, offset) = marked(text);
        let shown = open_call(&text, offset).map_or("none".to_owned(), |slot| shown_slot(&slot));
        assert_eq!(shown, expected, "{text}");
    }
}

fn scope_of(text: &str) -> String {
    let (text, offset) = marked(text);
    let scope = read(&text, |tree| tree.scope(offset)).unwrap();
    let names: Vec<_> = scope.bindings.iter().map(|binding| binding.name.as_str()).collect();
    let withs: Vec<_> = scope.withs.iter().map(|with| format!("with {with}")).collect();
    [names.join(" "), withs.join(" ")].join(" ").trim().to_owned()
}

#[test]
fn names_in_scope_are_those_bound_around_the_place() {
    for (text, expected) in [
        ("let a = 1; b.c = |2; in a", "a b"),
        ("let a = 1; in let b = 2; in |b", "b a"),
        ("(let a = 1; in a) |b", ""),
        ("{ pkgs, lib ? 1, ... }@args: |x", "pkgs lib args"),
        ("x: y: |x", "y x"),
        ("rec { a = |1; }", "a"),
        ("{ a = |1; }", ""),
        ("let inherit (x) a; inherit b; in |a", "a b"),
        ("with pkgs; [ |g ]", "with pkgs"),
        ("with |pkgs; [ g ]", ""),
        ("let a = ; in |a", "a"),
    ] {
        assert_eq!(scope_of(text), expected, "{text}");
    }
}

#[test]
fn an_unfinished_text_is_completed_to_one_with_the_same_scopes() {
    for (text, expected) in [
        ("let a = 1; b = [ |", "let a = 1; b = [ x]; in x"),
        ("let a = 1; in [ (|", "let a = 1; in [ (x)]"),
        ("let a = { |", "let a = { }; in x"),
        ("f { a = \"${|", "f { a = \"${x}\";}"),
        ("f { a = ''${pk|", "f { a = ''${pkx}'';}"),
        ("f { ext|", "f { ext = x;}"),
        ("f { inherit |", "f { inherit ;}"),
        ("with pkgs|", "with pkgsx; x"),
        ("[ (with pkgs; [ g| ]) ]", "[ (with pkgs; [ gx])]"),
        ("]) |", "]) x"),
    ] {
        let (text, offset) = marked(text);
        assert_eq!(completed(&text, offset), expected);
    }
}

#[test]
fn words_are_found_with_what_they_are_part_of() {
    for (text, expected) in [
        ("[ net|work ]", "Variable { name: \"network\", is_bound: false } network"),
        ("[ network| ]", "Variable { name: \"network\", is_bound: false } network"),
        ("let a = 1; in [ |a ]", "Variable { name: \"a\", is_bound: true } a"),
        ("let |a = 1; in a", "Variable { name: \"a\", is_bound: true } a"),
        ("pkgs.g|it", "Attribute { base: [\"pkgs\"], name: \"git\" } git"),
        ("pkgs.a.b|", "Attribute { base: [\"pkgs\", \"a\"], name: \"b\" } b"),
        (
            "jail.comb|inators.network",
            "Attribute { base: [\"jail\"], name: \"combinators\" } combinators",
        ),
        (
            "makeJailedPi { na|me = 1; }",
            "Argument { function: \"makeJailedPi\", name: \"name\" } name",
        ),
        (
            "makeJailedPi (a // { na|me.b = 1; })",
            "Argument { function: \"makeJailedPi\", name: \"name\" } name",
        ),
        ("import ./a|/b.nix", "Path(\"./a/b.nix\") ./a/b.nix"),
        ("{ a| = 1; }", "none"),
        ("\"net|work\"", "none"),
        ("# net|work", "none"),
        ("|", "none"),
    ] {
        let (text, offset) = marked(text);
        let target = read(&text, |tree| tree.target(offset)).unwrap();
        let shown =
            target.map_or("none".to_owned(), |it| format!("{:?} {}", it.kind, &text[it.place]));
        assert_eq!(shown, expected, "{text}");
    }
}

#[test]
fn words_lead_to_where_they_are_defined() {
    for (text, expected) in [
        ("let a = 1; in [ |a ]", "4 a"),
        ("let a = 1; in let a = 2; in |a", "18 a"),
        ("let a = 1; in let inherit a; in |a", "4 a"),
        ("{ pkgs, extra ? 1 }: |extra", "8 extra"),
        ("args@{ a }: |args", "0 args"),
        ("x: |x", "0 x"),
        ("let s = { a.b = 1; c = { d = 2; }; }; in s.|a", "10 a"),
        ("let s = { a.b = 1; c = { d = 2; }; }; in s.c.|d", "25 d"),
        ("let t = import ./t.nix; in t.|x", "file ./t.nix x"),
        ("let t = import ./t.nix { a = 1; }; in t.x.|y", "file ./t.nix x.y"),
        ("let inherit (import ./t.nix) a; in |a", "file ./t.nix a"),
        ("let t = import ./t.nix; inherit (t.x) a; in a.|b", "file ./t.nix x.a.b"),
        ("let t = import ./t.nix; in with t; [ |a ]", "file ./t.nix a"),
        ("let t = { b = 1; } // import ./t.nix; in t.|a", "file ./t.nix a"),
        ("let s = { a = 1; }; t = s; in t.|a", "10 a"),
        ("let s = { inherit (t) a; }; t = { a = 1; }; in s.|a", "34 a"),
        ("let a = b // b; b = a // a; in a.|x", "none"),
        ("let f = { name, pkg }: 1; in f { na|me = 2; }", "10 name"),
        ("import |./team/common.nix", "file ./team/common.nix"),
        ("[ |network ]", "none"),
        ("pkgs.|git", "none"),
    ] {
        let (text, offset) = marked(text);
        let found = read(&text, |tree| tree.definition(offset)).unwrap();
        assert_eq!(shown_definition(&text, found), expected, "{text}");
    }
}

#[test]
fn attributes_are_found_in_what_a_file_is() {
    for (text, expected) in [
        ("{ a = 1; x.y = 2; }", "11 y"),
        ("{ pkgs }: let z = 1; in { x = { y = z; }; }", "32 y"),
        ("rec { x = w; w = { y = 1; }; }", "19 y"),
        ("import ./t.nix", "file ./t.nix x.y"),
        ("{ x = 1; }", "none"),
        ("1", "none"),
        ("", "none"),
    ] {
        let names = ["x", "y"].map(str::to_owned);
        let found = read(text, |tree| tree.attribute(&names)).unwrap();
        assert_eq!(shown_definition(text, found), expected, "{text}");
    }
}

fn shown_definition(text: &str, definition: Option<Definition>) -> String {
    match definition {
        None => "none".to_owned(),
        Some(Definition::File { path, names }) => {
            format!("file {path} {}", names.join(".")).trim_end().to_owned()
        }
        Some(Definition::Here(place)) => format!("{} {}", place.start, &text[place.clone()]),
    }
}

#[test]
fn sets_and_functions_of_the_text_are_known_by_their_names() {
    let text =
        "let s = { a.b = 1; c = { d = 2; inherit x; }; }; f = { n, o ? 1, ... }: n; g = x: x; in |";
    let (text, offset) = marked(&format!("{text} 1"));
    for (base, expected) in [("s", "a c"), ("s.c", "d x"), ("s.a", ""), ("f", ""), ("none", "")] {
        let base: Vec<_> = base.split('.').map(str::to_owned).collect();
        let names = read(&text, |tree| tree.attributes(&base, offset)).unwrap();
        assert_eq!(names.join(" "), expected, "{base:?}");
    }
    for (function, expected) in [("f", "n o"), ("g", ""), ("s", ""), ("none", "")] {
        let names = read(&text, |tree| tree.parameters(function, offset)).unwrap();
        assert_eq!(names.join(" "), expected, "{function}");
    }
}

fn outline_of(items: &[Item]) -> String {
    let shown = items.iter().map(|item| {
        let children = outline_of(&item.children);
        let inner = if children.is_empty() { String::new() } else { format!(" ({children})") };
        format!("{:?} {}{inner}", item.kind, item.name)
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_outline_has_jails_and_bindings() {
    for (text, expected) in [
        ("jail \"x\" pkgs.hello [ ]", "Jail x"),
        ("let a = 1; f = x: x; in jail \"x\" pkgs.hello [ ]", "Binding a, Function f, Jail x"),
        ("makeJailedPi { name = \"p\"; }", "Jail p"),
        ("makeJailedPi { }", "Jail jailed-pi"),
        ("{ a = jail \"x\" p [ ]; b = f { }; }", "Output a (Jail x), Output b"),
        ("{ pkgs, ... }: { a = let b = 1; in b; }", "Output a (Binding b)"),
        ("let m = n: jail \"jailed-${n}\" p [ ]; in m 1", "Function m (Jail \"jailed-${n}\")"),
        ("jail \"x\" pkgs.hello [", "Jail x"),
    ] {
        let outline = read(text, Tree::outline).unwrap();
        assert_eq!(outline_of(&outline), expected, "{text}");
    }
}

#[test]
fn packages_are_those_selected_from_pkgs_or_opened_by_with() {
    let text =
        "let a = 1; in [ pkgs.git pkgs.python3.pkgs.numpy (with pkgs; [ jq a network ]) lib.x ]";
    let packages = read(text, Tree::packages).unwrap();
    assert_eq!(packages.into_iter().collect::<Vec<_>>(), ["git", "jq", "python3"]);
}

#[test]
fn no_place_of_a_broken_text_is_too_much() {
    let text = "let a = { ; b = [ (pkgs. \"${x 'é' ''${ in with } jail \"x makeJailedPi { inherit ";
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        let text = &text[..end];
        for offset in 0..=text.len() + 1 {
            let _ = (cursor(text, offset), completed(text, offset));
            let asked = read(text, |tree| {
                let scope = tree.scope(offset).bindings.len();
                (scope, tree.target(offset), tree.definition(offset))
            });
            assert!(asked.is_some(), "{text}");
        }
        assert!(read(text, |tree| (tree.outline(), tree.packages())).is_some());
    }
}

#[test]
fn a_text_beyond_the_bounds_is_not_parsed() {
    assert!(read(&"[".repeat(100_000), Tree::outline).is_none());
    assert!(read("a\0b", Tree::outline).is_none());
}
