//! What the server offers to write: words in strings, the call that is being typed, fixes and
//! layout. And definitions in the files that a spec imports.

use serde_json::{Value, json};

use super::editor::Editor;
use super::{completions, shown_range};

#[test]
fn words_are_completed_in_strings() {
    let mut editor = Editor::with(&[]);
    for (text, offered, not) in [
        ("[ (seccomp \"|\") ]", &["strict", "default"][..], &["network"][..]),
        ("[ (seccomp { onDeny = \"|\"; }) ]", &["errno", "kill", "log"], &["strict"]),
        ("[ (seccomp { deny = [ \"pt|\" ]; }) ]", &["ptrace"], &["strict"]),
        ("[ (landlock \"|\") ]", &["full", "default"], &[]),
        ("[ (share-ns \"|\") ]", &["ipc"], &["mnt"]),
        ("[ (mount \"|\" \"/x\") ]", &["tmpfs"], &[]),
        ("[ (caches [ \"c|\" ]) ]", &["cargo", "npm"], &[]),
        ("[ (network-allow [ \"x.org\" \"@|\" ]) ]", &["@npm", "@claude-code"], &[]),
        ("[ (network-allow [ { host = \"|\"; } ]) ]", &["@npm"], &[]),
        ("makeJailedPi { caches = [ \"|\" ]; }", &["npm"], &[]),
        ("makeJailedPi { allowedHosts = [ \"|\" ]; }", &["@pi"], &["default"]),
        ("makeJailedPi { allowedHosts = \"|\"; }", &["default"], &["@pi"]),
        ("makeJailedPi { secrets = [ \"|\" ]; }", &["ANTHROPIC_API_KEY"], &[]),
        ("[ (secret { places = [ \"|\" ]; }) ]", &["header", "basic"], &[]),
        ("cage { profile = \"|\"; }", &["offline"], &[]),
        // The keys of sets that combinators take.
        ("[ (dbus { | }) ]", &["talk", "own", "see"], &["network"]),
        ("[ (dbus { talk = [ ]; | }) ]", &["own"], &["talk"]),
        ("[ (network-allow [ { | } ]) ]", &["host", "ports"], &[]),
        ("[ (secret { env = \"X\"; from.| }) ]", &[], &["env"]),
        ("makeJailedPi { limits = { | }; }", &["memory", "pids"], &["limits"]),
        ("makeJailedPi { secrets = [ { | } ]; }", &["env", "hosts"], &[]),
    ] {
        let labels: Vec<_> = completions(&mut editor, text).into_iter().map(|(it, _)| it).collect();
        let has = |label: &&&str| labels.iter().any(|it| it == **label);
        let missing: Vec<_> = offered.iter().filter(|label| !has(label)).collect();
        let wrong: Vec<_> = not.iter().filter(has).collect();
        assert!(missing.is_empty() && wrong.is_empty(), "{text}: {missing:?} {wrong:?}");
    }
    // A function of the text itself takes what it likes.
    for nothing in ["let seccomp = x: x; in seccomp \"|\"", "[ (readonly \"|\") ]", "\"|\""] {
        assert_eq!(completions(&mut editor, nothing), [], "{nothing}");
    }
    // All of the string is replaced, whatever stands after the place.
    let items = completions(&mut editor, "[ (seccomp \"st|rct\") ]");
    let (_, item) = items.iter().find(|(label, _)| label == "strict").expect("the word");
    assert_eq!(item["textEdit"]["newText"], "strict");
    assert_eq!(shown_range(&item["textEdit"]["range"]), "0:12-0:17");
}

#[test]
fn the_call_that_is_being_typed_is_shown() {
    let mut editor = Editor::with(&[]);
    for (text, label, active, about) in [
        ("[ (ro-bind \"/a\" |) ]", "ro-bind FROM TO", 1, "`TO`: a string"),
        ("[ (ro-bind \"|\") ]", "ro-bind FROM TO", 0, "`FROM`: a string"),
        ("jail \"x\" | ", "jail NAME PACKAGE PERMISSIONS", 1, ""),
        ("makeJailedPi { | }", "makeJailedPi { … }", 0, "Pi"),
        ("makeJailedPi { caches = [ \"|\" ]; }", "makeJailedPi { … }", 0, "caches = …"),
        ("[ (dbus { talk = |; }) ]", "dbus RULES", 0, "Names that it may talk to"),
    ] {
        let help = editor.ask_at("textDocument/signatureHelp", text);
        assert_eq!(help["signatures"][0]["label"], label, "{text}: {help}");
        assert_eq!(help["activeParameter"], active, "{text}: {help}");
        let shown = help["signatures"][0]["documentation"]["value"].as_str().unwrap_or_default();
        assert!(shown.contains(about), "{text}: {shown}");
    }
    for nothing in ["|", "[ net|work ]", "let ro-bind = 1; in ro-bind |", "f |"] {
        assert_eq!(editor.ask_at("textDocument/signatureHelp", nothing), Value::Null, "{nothing}");
    }
}

#[test]
fn definitions_lead_into_imported_files() {
    let files = [
        (
            "lib/b.nix",
            "{ pkgs }:\n{\n  x.y = 1;\n  z = import ./c.nix;\n  inherit (import ./d.nix) w;\n}",
        ),
        ("lib/c.nix", "let q = 1; in rec { r = q; }"),
        ("lib/d.nix", "import ./d.nix"),
    ];
    let mut editor = Editor::with(&files);
    for (text, file, range) in [
        ("let b = import ./lib/b.nix; in b.|x", "lib/b.nix", "2:2-2:3"),
        ("let b = import ./lib/b.nix { pkgs = 1; }; in b.x.|y", "lib/b.nix", "2:4-2:5"),
        ("let inherit (import ./lib/b.nix) z; in z.|r", "lib/c.nix", "0:20-0:21"),
        ("with import ./lib/b.nix; [ |z ]", "lib/b.nix", "3:2-3:3"),
        // What is not found leads to the file, and files that import each other to one of them.
        ("let b = import ./lib/b.nix; in b.|none", "lib/b.nix", "0:0-0:0"),
        ("let b = import ./lib/b.nix; in b.|w", "lib/d.nix", "0:0-0:0"),
    ] {
        let location = editor.ask_at("textDocument/definition", text);
        assert_eq!(location["uri"], editor.uri(file), "{text}");
        assert_eq!(shown_range(&location["range"]), range, "{text}");
    }
    // What is typed counts.
    editor.open("lib/c.nix", "{\n  r = 1;\n}");
    let location =
        editor.ask_at("textDocument/definition", "let b = import ./lib/b.nix; in b.z.|r");
    assert_eq!(shown_range(&location["range"]), "1:2-1:3");
}

fn actions(editor: &mut Editor, diagnostics: &[Value]) -> Vec<Value> {
    let start = json!({ "line": 0, "character": 0 });
    let params = json!({
        "textDocument": { "uri": editor.uri("a.jail") },
        "range": { "start": start, "end": start },
        "context": { "diagnostics": diagnostics },
    });
    editor.ask("textDocument/codeAction", params).as_array().expect("a list").clone()
}

#[test]
fn a_help_is_offered_as_a_fix() {
    let mut editor = Editor::with(&[]);
    editor.open("a.jail", "jail \"a\" pkgs.hello [ (readonyl \"/é\") (add-pkg-deps [ \"git\" ]) ]");
    let diagnostics = editor.diagnostics("a.jail");
    let offered = actions(&mut editor, &diagnostics);
    let shown: Vec<_> = offered.iter().map(|it| it["title"].as_str().expect("a title")).collect();
    assert_eq!(shown, ["Replace `readonyl` with `readonly`", "Replace `\"git\"` with `pkgs.git`"]);
    let uri = editor.uri("a.jail");
    let edit = &offered[0]["edit"]["changes"][&uri][0];
    assert_eq!(
        (edit["newText"].as_str(), &*shown_range(&edit["range"])),
        (Some("readonly"), "0:23-0:31")
    );
    assert_eq!(
        (&offered[0]["kind"], &offered[0]["isPreferred"]),
        (&json!("quickfix"), &json!(true))
    );

    // The text has moved on: what was to be replaced is no longer there.
    editor.change("a.jail", "jail \"a\" pkgs.hello [ network (readonyl \"/é\") ]");
    assert_eq!(actions(&mut editor, &diagnostics), [] as [Value; 0]);
    // What others say of the text has data of another kind, or none.
    let others = [json!({ "data": 1 }), json!({ "data": { "new": "x" } }), json!({})];
    let range =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 1 } });
    let others = others.map(|mut other| {
        other["range"] = range.clone();
        other["message"] = json!("of another server");
        other
    });
    assert_eq!(actions(&mut editor, &others), [] as [Value; 0]);
}

#[test]
fn a_document_is_laid_out_unless_it_has_faults() {
    let mut editor = Editor::with(&[]);
    let mut format = |text: &str| {
        editor.open("a.jail", text);
        let document = json!({ "uri": editor.uri("a.jail") });
        let options = json!({ "tabSize": 2, "insertSpaces": true });
        let params = json!({ "textDocument": document, "options": options });
        editor.ask("textDocument/formatting", params)
    };
    let edits = format("# é\njail \"a\"   pkgs.hello [network # why\n mount-cwd]");
    assert_eq!(
        edits[0]["newText"],
        "# é\njail \"a\" pkgs.hello [\n  network # why\n  mount-cwd\n]\n"
    );
    assert_eq!(shown_range(&edits[0]["range"]), "0:0-2:11");
    for unchanged in ["jail \"a\" pkgs.hello [ network ]\n", "jail \"a\" pkgs.hello [ network", ""]
    {
        assert_eq!(format(unchanged), json!([]), "{unchanged}");
    }
}
