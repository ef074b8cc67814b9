//! `jailgen lsp`: a conversation with the real program over its streams, as an editor has it.

mod editor;
mod edits;

use std::io::Write as _;

use expect_test::expect;
use serde_json::{Value, json};

use crate::harness::{Scratch, project};
use editor::Editor;

/// `1:4-1:12`, with the protocol's numbers.
fn shown_range(range: &Value) -> String {
    let (start, end) = (&range["start"], &range["end"]);
    format!("{}:{}-{}:{}", start["line"], start["character"], end["line"], end["character"])
}

fn shown(diagnostics: &[Value]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let severity = if diagnostic["severity"] == 1 { "error" } else { "warning" };
        let (code, message) = (&diagnostic["code"], diagnostic["message"].as_str().unwrap());
        let range = shown_range(&diagnostic["range"]);
        text.push_str(&format!("{severity} {} {range} {message}\n", code.as_str().unwrap()));
        for related in diagnostic["relatedInformation"].as_array().unwrap() {
            let range = shown_range(&related["location"]["range"]);
            let message = related["message"].as_str().unwrap();
            text.push_str(&format!("  {range} {message}\n"));
        }
    }
    text
}

#[test]
fn faults_are_shown_while_typing_and_vanish_when_they_are_mended() {
    let mut editor = Editor::with(&[]);
    editor.open(
        "a.jail",
        "jail \"a\" pkgs.hello [\n  (readonyl \"/x\")\n  (set-env \"é😀\" wrnog)\n]\n",
    );
    expect![[r#"
        error unknown-combinator 1:3-1:11 unknown combinator `readonyl`: not in the registry
        help: did you mean `readonly`?
        error undefined-variable 2:17-2:22 undefined variable `wrnog`: nothing gives it a value
        help: write `"wrnog"` for a string
    "#]]
    .assert_eq(&shown(&editor.diagnostics("a.jail")));
    editor.change("a.jail", "jail \"a\" pkgs.hello [\n  (readonly \"/x\")\n");
    let broken = editor.diagnostics("a.jail");
    assert_eq!(broken[0]["code"], "syntax", "{broken:?}");
    assert_eq!(broken[0]["source"], "jailgen");
    editor.change("a.jail", "jail \"a\" pkgs.hello [\n  (readonly \"/x\")\n]\n");
    assert_eq!(editor.diagnostics("a.jail"), [] as [Value; 0]);
    assert_eq!(editor.leave(), (0, String::new()));
}

#[test]
fn warnings_other_places_and_the_stack_are_shown_too() {
    let mut editor = Editor::with(&[]);
    editor.open("a.jail", "jail \"a\" pkgs.hello [ (readonly \"/x\") (readwrite \"/x\") ]");
    let warned = shown(&editor.diagnostics("a.jail"));
    assert!(warned.starts_with("warning "), "{warned}");
    assert!(warned.contains("\n  0:"), "no other place: {warned}");
    editor.change("a.jail", "let f = x: x + 1;\n a = f \"1\"; in jail a pkgs.hello [ ]");
    let failed = shown(&editor.diagnostics("a.jail"));
    assert!(failed.contains("\n  1:"), "no stack: {failed}");
}

#[test]
fn what_an_imported_file_does_wrong_is_shown_there() {
    let mut editor = Editor::with(&[("lib/b.nix", "[ (readonyl \"/x\") ]")]);
    editor.open("a.jail", "jail \"a\" pkgs.hello (import ./lib/b.nix)");
    let there = editor.diagnostics_until("lib/b.nix", |list| !list.is_empty());
    assert_eq!(there[0]["code"], "unknown-combinator");

    // What is typed counts, not what is saved.
    editor.open("lib/b.nix", "[ network ]");
    editor.diagnostics_until("lib/b.nix", <[Value]>::is_empty);
    editor.change("lib/b.nix", "[ (readonly 1) ]");
    let there = editor.diagnostics_until("lib/b.nix", |list| !list.is_empty());
    assert_eq!(there[0]["code"], "param-type");

    // What is saved counts where nothing is typed.
    let document = json!({ "uri": editor.uri("lib/b.nix") });
    editor.tell("textDocument/didClose", json!({ "textDocument": document }));
    editor.scratch.write("lib/b.nix", b"[ network ]");
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    editor.diagnostics_until("lib/b.nix", <[Value]>::is_empty);
    editor.scratch.write("lib/b.nix", b"[ (readonly 1) ]");
    let document = json!({ "uri": editor.uri("a.jail") });
    editor.tell("textDocument/didSave", json!({ "textDocument": document }));
    editor.diagnostics_until("lib/b.nix", |list| !list.is_empty());

    // What only the spec finds wrong goes when the spec is closed.
    let document = json!({ "uri": editor.uri("a.jail") });
    editor.tell("textDocument/didClose", json!({ "textDocument": document }));
    editor.diagnostics_until("lib/b.nix", <[Value]>::is_empty);
    assert_eq!(editor.leave(), (0, String::new()));
}

#[test]
fn a_file_that_is_no_spec_need_not_be_one() {
    let mut editor = Editor::with(&[]);
    editor.open("a.nix", "{ stdenv }: stdenv.mkDerivation { name = \"x\"; }");
    assert_eq!(editor.diagnostics("a.nix"), [] as [Value; 0]);
    editor.change("a.nix", "{ stdenv }: stdnev");
    assert_eq!(editor.diagnostics("a.nix")[0]["code"], "undefined-variable");
    editor.open("a.jail", "{ }: 1");
    assert_eq!(editor.diagnostics("a.jail")[0]["code"], "no-jail");
}

#[test]
fn a_text_that_was_never_saved_is_a_spec_too() {
    let mut editor = Editor::with(&[]);
    let open = |text| json!({ "textDocument": { "uri": "untitled:Untitled-1", "languageId": "nix", "version": 1, "text": text } });
    editor.tell("textDocument/didOpen", open("jail \"a\" pkgs.hello [ netwrok ]"));
    let message = editor.next();
    assert_eq!(message["params"]["uri"], "untitled:Untitled-1");
    assert_eq!(message["params"]["diagnostics"][0]["code"], "unknown-combinator");
}

/// The labels that are offered at `|`.
fn completions(editor: &mut Editor, marked: &str) -> Vec<(String, Value)> {
    let items = editor.ask_at("textDocument/completion", marked);
    let items = items.as_array().unwrap().iter();
    items.map(|item| (item["label"].as_str().unwrap().to_owned(), item.clone())).collect()
}

#[test]
fn completions_fit_the_place() {
    let mut editor = Editor::with(&[]);
    // What is offered, and what is not.
    for (text, offered, not) in [
        (
            "jail \"a\" pkgs.hello [ | ]",
            &["network", "readonly", "pkgs", "lib", "map"][..],
            &["git", "extraPkgs"][..],
        ),
        ("jail \"a\" pkgs.hello [ net|", &["network"], &[]),
        ("jai|", &["jail", "makeJailedOpencode", "makeJailedAgent"], &[]),
        ("makeJailedOpencode { | }", &["name", "extraPkgs", "env"], &["configPaths", "network"]),
        ("makeJailedAgent { conf| }", &["configPaths"], &["network"]),
        ("makeJailedAgent { name = \"x\"; | }", &["pkg"], &["name"]),
        (
            "makeJailedOpencode { extraPkgs = [ pkgs.| ]; }",
            &["git", "nodejs", "ripgrep"],
            &["network"],
        ),
        ("[ pkgs.my-own-tool pkgs.| ]", &["my-own-tool"], &[]),
        ("makeJailedOpencode { extraPkgs = with pkgs; [ | ]; }", &["git", "network"], &[]),
        ("let a = 1; f = x: [ | ]; b = 2; in a", &["a", "f", "x", "b", "network"], &["git"]),
        ("let a = 1; in (let c = 1; in c) |", &["a"], &["c"]),
        ("{ pkgs, extra, ... }: |", &["extra", "pkgs"], &["..."]),
        ("combinators.|", &["network"], &["pkgs", "makeJailedPi"]),
        ("jail.combinators.|", &["network"], &["pkgs"]),
        ("let f = { one, two ? 1 }: one; in f { one = 1; |", &["two"], &["one", "network"]),
        ("let s = { a = 1; b.c = 2; }; in [ s.|", &["a", "b"], &["network"]),
        ("builtins.|", &["map", "toJSON"], &["network"]),
        ("lib.|", &["optionals", "getExe", "strings"], &["mount-cwd", "major", "toJSONN"]),
        ("lib.opt|", &["optional"], &[]),
        ("lib.versions.|", &["major", "majorMinor"], &["mount-cwd"]),
        ("agents.|", &["opencode", "claude-code"], &["network"]),
    ] {
        let labels: Vec<_> = completions(&mut editor, text).into_iter().map(|(it, _)| it).collect();
        let has = |label: &&&str| labels.iter().any(|it| it == **label);
        let missing: Vec<_> = offered.iter().filter(|label| !has(label)).collect();
        let wrong: Vec<_> = not.iter().filter(has).collect();
        assert!(
            missing.is_empty() && wrong.is_empty(),
            "{text}: {missing:?} missing, {wrong:?} wrong"
        );
    }
    for nothing in ["\"net|\"", "# net|", "let ne| = 1; in ne", "{ a.b| = 1; }", "12|"] {
        assert_eq!(completions(&mut editor, nothing), [], "{nothing}");
    }
}

#[test]
fn a_completion_replaces_the_word_that_is_being_typed() {
    let mut editor = Editor::with(&[]);
    let items = completions(&mut editor, "jail \"😀\" pkgs.hello [\n  /* é */ mount-c| ]");
    let (_, item) = items.iter().find(|(label, _)| label == "mount-cwd").unwrap();
    assert_eq!(item["textEdit"]["newText"], "mount-cwd");
    assert_eq!(shown_range(&item["textEdit"]["range"]), "1:10-1:17");
    let docs = item["documentation"]["value"].as_str().unwrap();
    assert!(docs.contains("mount-cwd"), "{docs}");
}

#[test]
fn an_editor_with_snippets_is_given_calls_where_no_arguments_stand_yet() {
    let mut editor = Editor::silent(Scratch::new());
    let item = json!({ "snippetSupport": true });
    let capabilities = json!({ "textDocument": { "completion": { "completionItem": item } } });
    editor.ask(
        "initialize",
        json!({ "processId": null, "rootUri": null, "capabilities": capabilities }),
    );
    for (text, label, call) in [
        ("[ (ro-b|) ]", "ro-bind", Some("ro-bind \"${1:from}\" \"${2:to}\"")),
        ("[ (ro-|bin ) ]", "ro-bind", Some("ro-bind \"${1:from}\" \"${2:to}\"")),
        ("[ (combinators.ro-b|", "ro-bind", Some("ro-bind \"${1:from}\" \"${2:to}\"")),
        ("makeJailedP|", "makeJailedPi", Some("makeJailedPi { $0 \\}")),
        ("[ (ro-b| \"/x\") ]", "ro-bind", None),
        ("[ (ro-|bin \"/x\") ]", "ro-bind", None),
        ("[ netw| ]", "network", None),
        ("let ro-bind = 1; in [ ro-b| ]", "ro-bind", None),
    ] {
        let items = completions(&mut editor, text);
        let (_, item) = items.iter().find(|(it, _)| it == label).unwrap();
        assert_eq!(item["textEdit"]["newText"], call.unwrap_or(label), "{text}");
        assert_eq!(item["insertTextFormat"] == 2, call.is_some(), "{text}: {item}");
    }
}

#[test]
fn hovers_say_what_a_word_is() {
    let mut editor = Editor::with(&[]);
    for (text, parts) in [
        (
            "jail \"a\" pkgs.hello [ (read|only \"/x\") ]",
            &["```nix\nreadonly PATH\n```", "- `PATH`: "][..],
        ),
        ("combinators.net|work", &["```nix\nnetwork\n```"]),
        ("makeJailed|Agent { }", &["- `configPaths`: ", "must be given", "jailed-aider"]),
        ("makeJailedPi { extra|Pkgs = [ ]; }", &["extraPkgs = …;", "a list of packages"]),
        ("j|ail \"a\" pkgs.hello [ ]", &["jail NAME PACKAGE PERMISSIONS"]),
        ("commonJail|Options", &["`network`"]),
        ("pkgs.gi|t", &["pkgs.git"]),
        ("with pkgs; [ gi|t ]", &["pkgs.git"]),
        ("let a = [\n  1\n]; in |a", &["a = [\n  1\n];"]),
    ] {
        let hover = editor.ask_at("textDocument/hover", text);
        assert_eq!(hover["contents"]["kind"], "markdown", "{text}: {hover}");
        let page = hover["contents"]["value"].as_str().unwrap();
        let missing: Vec<_> = parts.iter().filter(|part| !page.contains(**part)).collect();
        assert!(missing.is_empty(), "{text}: {missing:?} missing in {page}");
    }
    let hover = editor.ask_at("textDocument/hover", "[ \"é😀\" net|work ]");
    assert_eq!(shown_range(&hover["range"]), "0:8-0:15");
    for nothing in ["\"net|work\"", "# net|work", "1|2", "[ nothing-|such ]", "|"] {
        assert_eq!(editor.ask_at("textDocument/hover", nothing), Value::Null, "{nothing}");
    }
}

#[test]
fn definitions_are_found_here_and_in_other_files() {
    let files = [("lib/b.nix", "1"), ("dir/default.nix", "2")];
    let mut editor = Editor::with(&files);
    for (text, file, range) in [
        ("let é = 1; a = 2; in |a", "asked.jail", "0:11-0:12"),
        ("let s = \"😀\"; a = 2; in a|", "asked.jail", "0:14-0:15"),
        ("{ pkgs, extra ? 1 }:\n  extr|a", "asked.jail", "0:8-0:13"),
        ("import ./lib/|b.nix", "lib/b.nix", "0:0-0:0"),
        ("import ./d|ir", "dir/default.nix", "0:0-0:0"),
    ] {
        let location = editor.ask_at("textDocument/definition", text);
        assert_eq!(location["uri"], editor.uri(file), "{text}");
        assert_eq!(shown_range(&location["range"]), range, "{text}");
    }
    for nothing in ["net|work", "import ./no|ne.nix", "pkgs.g|it", "|"] {
        assert_eq!(editor.ask_at("textDocument/definition", nothing), Value::Null, "{nothing}");
    }
}

fn outline(symbols: &Value, depth: usize, into: &mut String) {
    for symbol in symbols.as_array().unwrap() {
        let (name, kind) = (symbol["name"].as_str().unwrap(), &symbol["kind"]);
        let range = shown_range(&symbol["selectionRange"]);
        into.push_str(&format!("{:depth$}{name} ({kind}) {range}\n", "", depth = depth * 2));
        outline(&symbol["children"], depth + 1, into);
    }
}

#[test]
fn symbols_are_the_jails_and_the_bindings() {
    let mut editor = Editor::with(&[]);
    editor.open(
        "a.jail",
        "let\n  common = [ network ];\n  make = name: jail name pkgs.hello common;\nin\n{\n  a = makeJailedPi { name = \"é-pi\"; };\n  b = jail \"b\" pkgs.b (let c = 1; in [ ]);\n}\n",
    );
    let document = json!({ "uri": editor.uri("a.jail") });
    let symbols = editor.ask("textDocument/documentSymbol", json!({ "textDocument": document }));
    let mut text = String::new();
    outline(&symbols, 0, &mut text);
    expect![[r#"
        common (13) 1:2-1:8
        make (12) 2:2-2:6
          jail (19) 2:15-2:19
        a (7) 5:2-5:3
          é-pi (19) 5:28-5:34
        b (7) 6:2-6:3
          b (19) 6:11-6:14
            c (13) 6:27-6:28
    "#]]
    .assert_eq(&text);
}

#[test]
fn requests_that_make_no_sense_are_refused_and_the_server_goes_on() {
    let mut editor = Editor::silent(Scratch::new());
    let early = editor.response("textDocument/hover", json!({}));
    assert_eq!(early["error"]["code"], -32002, "{early}");
    let introduction = editor.ask("initialize", json!({ "capabilities": {} }));
    assert_eq!(introduction["serverInfo"]["name"], "jailgen");
    assert_eq!(introduction["capabilities"]["textDocumentSync"]["change"], 1);
    assert_eq!(introduction["capabilities"]["positionEncoding"], "utf-16");
    editor.tell("initialized", json!({}));
    let unknown = editor.response("textDocument/rename", json!({}));
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    let position = json!({ "line": 0, "character": 0 });
    let closed = json!({ "textDocument": { "uri": "file:///none.jail" }, "position": position });
    for params in [json!({}), json!(null), json!([1]), closed] {
        let refused = editor.response("textDocument/hover", params);
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
    editor.tell("textDocument/didOpen", json!({ "nonsense": true }));
    editor.tell("$/setTrace", json!({ "value": "off" }));
    let hover = editor.ask_at("textDocument/hover", "[ net|work ]");
    assert!(hover.is_object(), "{hover}");
    let far = json!({ "line": 4_000_000_000_u32, "character": 4_000_000_000_u32 });
    let document = json!({ "uri": editor.uri("asked.jail") });
    let params = json!({ "textDocument": document, "position": far });
    assert!(editor.ask("textDocument/completion", params).is_array());
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
    let late = editor.response("textDocument/hover", json!({}));
    assert_eq!(late["error"]["code"], -32600, "{late}");
    editor.tell("exit", Value::Null);
    assert_eq!(editor.end(), (0, String::new()));
}

#[test]
fn an_end_without_good_bye_is_told_by_the_exit_status() {
    let mut editor = Editor::with(&[]);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.end().0, 1);
    // The editor is gone: there is no one left to answer.
    assert_eq!(Editor::with(&[]).end(), (0, String::new()));
    let mut deaf = Editor::deaf();
    deaf.tell_with_id("initialize", json!({ "capabilities": {} }));
    assert_eq!(deaf.end(), (0, String::new()));
    let mut editor = Editor::with(&[]);
    editor.stdin.as_mut().unwrap().write_all(b"Content-Length: 5\r\n\r\n{nope").unwrap();
    let (status, stderr) = editor.end();
    assert_eq!(status, 1);
    assert!(stderr.contains("the connection to the editor failed"), "{stderr}");
}

#[test]
fn no_place_of_a_broken_text_ends_the_server() {
    let mut editor = Editor::with(&[]);
    let example = std::fs::read_to_string(project().join("examples/team.jail")).unwrap();
    let long = "[".repeat(100_000);
    let chain = format!("a{}", ".b".repeat(50_000));
    let texts = [
        "",
        "\0",
        "é😀",
        "${",
        "''${",
        "let a = { ; b = [ (pkgs. \"${x 'é' ''${ in with } jail \"x",
    ];
    // The example, cut off at some of its bytes.
    let cuts = (0..example.len()).step_by(97).filter_map(|end| example.get(..end));
    for text in texts.into_iter().chain(cuts).chain([long.as_str(), chain.as_str()]) {
        editor.change("broken.jail", text);
        let lines = text.lines().count().max(1);
        let document = json!({ "uri": editor.uri("broken.jail") });
        for (line, character) in [(0, 0), (0, 3), (lines - 1, 1), (lines - 1, 40), (lines / 2, 12)]
        {
            let position = json!({ "line": line, "character": character });
            let params = json!({ "textDocument": document, "position": position });
            for method in ["completion", "hover", "definition", "signatureHelp"] {
                editor.ask(&format!("textDocument/{method}"), params.clone());
            }
        }
        editor.ask("textDocument/documentSymbol", json!({ "textDocument": document }));
        let options = json!({ "tabSize": 2, "insertSpaces": true });
        let params = json!({ "textDocument": document, "options": options });
        editor.ask("textDocument/formatting", params);
    }
    // What was said of it between the answers has been passed over.
    editor.change("broken.jail", &long);
    editor
        .diagnostics_until("broken.jail", |list| list.iter().any(|it| it["code"] == "too-nested"));
    assert_eq!(editor.leave(), (0, String::new()));
}
