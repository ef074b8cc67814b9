//! Random specs of known types, many in one call of Nix: whatever a spec says, both front ends
//! make the same term of it.

#[path = "../../oracle/choices.rs"]
mod choices;

use choices::Choices;

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Bool,
    Int,
    /// A text that jailgen knows.
    Known,
    /// A text that may name a package.
    Text,
    /// A text that can be a name.
    Word,
    /// An absolute path, as text.
    Path,
    Package,
    Packages,
    Permission,
    Permissions,
}

const PLAIN: [Type; 7] =
    [Type::Bool, Type::Int, Type::Known, Type::Text, Type::Word, Type::Package, Type::Permission];

/// The nested expressions of a spec at most.
const DEPTH: u32 = 5;

struct Writer {
    choices: Choices,
    /// The variables in scope.
    scope: Vec<(String, Type)>,
    names: u32,
}

/// The spec of a seed.
pub(super) fn spec(seed: u64) -> String {
    let mut writer = Writer { choices: Choices(seed), scope: Vec::new(), names: 0 };
    writer.spec()
}

impl Writer {
    fn spec(&mut self) -> String {
        let choice = self.choices.next(7);
        let binding = match choice {
            0..=2 => {
                let ty = self.any();
                let value = self.of_type(ty, DEPTH - 1);
                let name = self.fresh();
                self.scope.push((name.clone(), ty));
                format!("let {name} = {value}; in\n")
            }
            _ => String::new(),
        };
        let jail = self.jail("first");
        match choice {
            0 | 3 => format!("{binding}{jail}\n"),
            1 => format!("{binding}{{ pkgs, lib, ... }}: {jail}\n"),
            2 => format!("{binding}{{ one = {jail}; other = {}; }}\n", self.jail("second")),
            4 => format!("{{ outputs = {{ pkgs, lib, jail, ... }}: {jail}; }}\n"),
            5 => format!(
                "rec {{ one = made \"first\"; made = name: {}; }}.one\n",
                self.named("name")
            ),
            _ => {
                let list = self.of_type(Type::Permissions, DEPTH);
                format!(
                    "let make = {{ name, more ? [ ] }}: jail name pkgs.hello ({list} ++ more); in\n\
                     {{ a = make {{ name = \"first\"; }}; b = make {{ name = \"second\"; more = [ network ]; }}; }}\n"
                )
            }
        }
    }

    fn jail(&mut self, name: &str) -> String {
        let name = format!("\"{name}\"");
        match self.choices.next(5) {
            0 => self.agent(&name),
            _ => self.named(&name),
        }
    }

    fn named(&mut self, name: &str) -> String {
        let entry = self.of_type(Type::Package, 2);
        let list = self.of_type(Type::Permissions, DEPTH);
        let list = match self.choices.next(4) {
            0 => format!("(c: with c; {list})"),
            1 => format!("(with jail.combinators; {list})"),
            _ => list,
        };
        format!("jail {name} {entry} {list}")
    }

    fn agent(&mut self, name: &str) -> String {
        let mut fields = format!("name = {name}; pkg = {}; ", self.of_type(Type::Package, 2));
        fields.push_str(self.choices.of(&[
            "configPaths = [ ]; ",
            "configPaths = [ \"~/.config/x\" ]; ",
            "configPaths = map (n: \"~/.${n}\") [ \"a\" \"b.json\" ]; ",
        ]));
        for (field, ty) in [("extraPkgs", Type::Packages), ("extraJailOptions", Type::Permissions)]
        {
            if self.choices.next(2) == 0 {
                fields.push_str(&format!("{field} = {}; ", self.of_type(ty, DEPTH - 1)));
            }
        }
        if self.choices.next(2) == 0 {
            let value = self.of_type(Type::Text, DEPTH - 1);
            fields.push_str(&format!("env = {{ A = {value}; B = noescape \"$HOME\"; }}; "));
        }
        format!("makeJailedAgent {{ {fields}}}")
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        // Few names, so that they hide one another.
        format!("{}{}", self.choices.of(&["v", "w", "x'", "y-z"]), self.names % 4)
    }

    fn any(&mut self) -> Type {
        PLAIN[usize::try_from(self.choices.next(PLAIN.len() as u64)).unwrap()]
    }

    /// The variables of a type that no later one hides.
    fn visible(&self, ty: Type) -> Vec<String> {
        let latest = |name: &str| self.scope.iter().rev().find(|(other, _)| other == name);
        let fits = |(name, _): &&(String, Type)| latest(name).is_some_and(|(_, it)| *it == ty);
        self.scope.iter().filter(fits).map(|(name, _)| name.clone()).collect()
    }

    fn of_type(&mut self, ty: Type, depth: u32) -> String {
        let visible = self.visible(ty);
        if !visible.is_empty() && self.choices.next(3) == 0 {
            return visible[usize::try_from(self.choices.next(visible.len() as u64)).unwrap()]
                .clone();
        }
        if depth == 0 {
            return self.literal(ty).to_owned();
        }
        let less = depth - 1;
        match self.choices.next(10) {
            0 => self.binding(ty, depth),
            1 => {
                let condition = self.of_type(Type::Bool, less);
                let (then, otherwise) = (self.of_type(ty, less), self.of_type(ty, less));
                format!("(if {condition} then {then} else {otherwise})")
            }
            2 => format!("{{ k.\"a b\" = {}; }}.k.\"a b\"", self.of_type(ty, less)),
            3 => format!("(builtins.elemAt [ {} null ] 0)", self.of_type(ty, less)),
            4 => format!("({{ }}.k or {})", self.of_type(ty, less)),
            _ => self.operation(ty, less),
        }
    }

    fn literal(&mut self, ty: Type) -> &'static str {
        let words: &[&str] = match ty {
            Type::Bool => &["true", "false"],
            Type::Int => &["0", "1", "7", "(-3)", "65536"],
            Type::Known | Type::Text => &[
                "\"\"",
                "\"a b\"",
                "\"\\${x} $y \\\"q\\\" \\\\ \\n\"",
                "''\n  a\n    ''${b} '''' $\n  é\n''",
                "\"☃\\t\"",
            ],
            Type::Word => &["\"a\"", "\"bc\"", "\"d-e\"", "\"f_1\""],
            Type::Path => &["\"/a\"", "\"/b/c d\"", "(noescape \"~/x\")", "(noescape \"$HOME/y\")"],
            Type::Package => &["pkgs.hello", "pkgs.git", "pkgs.jq", "pkgs.coreutils"],
            Type::Packages => &["[ ]", "[ pkgs.git ]", "(with pkgs; [ jq git ])"],
            Type::Permission => &["network", "mount-cwd", "utc", "(tmpfs \"/t\")", "new-session"],
            Type::Permissions => &["[ ]", "[ network ]", "[ mount-cwd [ utc ] ]"],
        };
        self.choices.of(words)
    }

    fn binding(&mut self, ty: Type, depth: u32) -> String {
        let (name, of) = (self.fresh(), self.any());
        let value = self.of_type(of, depth - 1);
        self.scope.push((name.clone(), of));
        let body = self.of_type(ty, depth - 1);
        self.scope.pop();
        match self.choices.next(5) {
            0 => format!("(({name}: {body}) {value})"),
            1 => format!(
                "(({{ {name}, ... }}: {body}) {{ {name} = {value}; other = throw \"x\"; }})"
            ),
            2 => format!("(({{ {name} ? throw \"x\" }}@all: {body}) {{ {name} = {value}; }})"),
            // The name itself would be another one inside of the recursive set.
            3 => format!(
                "(let inherit (rec {{ found = given; given = {value}; }}) found; in \
                 let {name} = found; in {body})"
            ),
            _ => format!(
                "(let outer = {value}; in let {name} = outer; unused = throw \"x\"; in {body})"
            ),
        }
    }

    fn operation(&mut self, ty: Type, less: u32) -> String {
        let choice = self.choices.next(6);
        match ty {
            Type::Bool => self.bool(choice, less),
            Type::Int => self.int(choice, less),
            Type::Known => self.known(choice, less),
            Type::Text => self.text(choice, less),
            Type::Word => self.word(choice, less),
            Type::Path => self.path(choice, less),
            Type::Package => self.package(choice, less),
            Type::Packages => self.packages(choice, less),
            Type::Permission => self.permission(less),
            Type::Permissions => self.permissions(choice, less),
        }
    }

    fn bool(&mut self, choice: u64, less: u32) -> String {
        let (one, other) = (self.of_type(Type::Bool, less), self.of_type(Type::Bool, less));
        let (text, more) = (self.of_type(Type::Known, less), self.of_type(Type::Known, less));
        match choice {
            0 => format!("({one} && {other})"),
            1 => format!("(!{one} || {other})"),
            2 => format!("({text} == {more})"),
            3 => format!("({text} < {more})"),
            4 => format!("(lib.hasPrefix {text} {more})"),
            _ => format!("(builtins.any (it: it) [ {one} {other} ])"),
        }
    }

    fn int(&mut self, choice: u64, less: u32) -> String {
        let (one, other) = (self.of_type(Type::Int, less), self.of_type(Type::Int, less));
        match choice {
            0 => format!("(builtins.stringLength {})", self.of_type(Type::Known, less)),
            1 => format!("({one} - {other})"),
            2 => format!("(builtins.foldl' (a: b: a + b) 0 [ {one} {other} ])"),
            3 => format!("(builtins.length {})", self.of_type(Type::Packages, less)),
            _ => format!("({one} + {other})"),
        }
    }

    fn known(&mut self, choice: u64, less: u32) -> String {
        let (one, other) = (self.of_type(Type::Known, less), self.of_type(Type::Known, less));
        match choice {
            0 => format!("\"<${{{one}}}>\""),
            1 => format!("({one} + {other})"),
            2 => format!("(lib.concatStringsSep \"\\n\" (map lib.toUpper [ {one} {other} ]))"),
            3 => format!("(builtins.replaceStrings [ \"a\" \"$\" ] [ \"$\" {one} ] {other})"),
            4 => {
                let number = self.of_type(Type::Int, less);
                format!("(builtins.toJSON {{ a = {one}; b = [ {number} null ]; }})")
            }
            _ => format!("(lib.removeSuffix \"b\" {one})"),
        }
    }

    fn text(&mut self, choice: u64, less: u32) -> String {
        let (one, other) = (self.of_type(Type::Text, less), self.of_type(Type::Text, less));
        let package = self.of_type(Type::Package, less);
        match choice {
            0 => format!("\"<${{{one}}}>\""),
            1 => format!("({one} + {other})"),
            2 => format!("(lib.concatStringsSep \"\\n\" [ {one} {other} ])"),
            3 => format!("\"${{{package}}}/bin\""),
            4 => format!("''\n  a ${{{package}}}\n    ${{{one}}}\n''"),
            _ => self.of_type(Type::Known, less),
        }
    }

    fn word(&mut self, choice: u64, less: u32) -> String {
        let one = self.of_type(Type::Word, less);
        match choice {
            0 => format!("(lib.removePrefix \"a\" \"x${{{one}}}\")"),
            1 => format!("(lib.concatMapStringsSep \"-\" (it: it) [ {one} \"z\" ])"),
            2 => format!("(toString (builtins.length [ {one} ]))"),
            _ => format!("\"${{{one}}}x\""),
        }
    }

    fn path(&mut self, choice: u64, less: u32) -> String {
        let word = self.of_type(Type::Word, less);
        match choice {
            0 => format!("(noescape \"~/${{{word}}}\")"),
            1 => format!("(noescape (\"$XDG_RUNTIME_DIR/\" + {word}))"),
            2 => format!("\"${{{}}}/${{{word}}}\"", self.of_type(Type::Package, less)),
            _ => format!("\"/p/${{{word}}}\""),
        }
    }

    fn package(&mut self, choice: u64, less: u32) -> String {
        let one = self.of_type(Type::Package, less);
        match choice {
            0 => "(pkgs.git.override { })".to_owned(),
            1 => format!("(lib.getBin {one})"),
            2 => format!("(let p = {one}; in p)"),
            3 => format!(
                "(pkgs.writeShellScriptBin {} {})",
                self.of_type(Type::Word, 0),
                self.of_type(Type::Text, less)
            ),
            _ => one,
        }
    }

    fn packages(&mut self, choice: u64, less: u32) -> String {
        let (one, other) = (self.of_type(Type::Packages, less), self.of_type(Type::Packages, less));
        match choice {
            0 => format!("(lib.optionals {} {one})", self.of_type(Type::Bool, less)),
            1 => format!("({one} ++ {other})"),
            2 => format!("(builtins.filter (it: true) {one})"),
            3 => format!("(builtins.concatLists [ {one} {other} ])"),
            _ => {
                let (one, other) =
                    (self.of_type(Type::Package, less), self.of_type(Type::Package, less));
                format!("[ {one} {other} ]")
            }
        }
    }

    fn permission(&mut self, less: u32) -> String {
        let (path, text) = (self.of_type(Type::Path, less), self.of_type(Type::Text, less));
        let name = self.choices.of(&["A", "B_2", "LONG_NAME"]);
        let word = self.of_type(Type::Word, less);
        match self.choices.next(14) {
            0 | 1 => format!("(set-env \"{name}\" {text})"),
            2 => format!("(set-env \"{name}\" {path})"),
            3 => format!("(readonly {path})"),
            4 => format!("(try-readwrite {path})"),
            5 => format!("(ro-bind {path} \"/in/${{{word}}}\")"),
            6 => format!("(write-text \"/etc/${{{word}}}\" {text})"),
            7 => format!("(add-pkg-deps {})", self.of_type(Type::Packages, less)),
            8 => format!("(include-once {word} {})", self.of_type(Type::Permission, less)),
            9 => format!("(compose {})", self.of_type(Type::Permissions, less)),
            10 => format!("(defer {})", self.of_type(Type::Permission, less)),
            11 => format!("(add-runtime {text})"),
            12 => format!(
                "(wrap-entry (entry: \"exec ${{{}}}/x ${{entry}} \\\"$@\\\"\"))",
                self.of_type(Type::Package, less)
            ),
            _ => format!("((name: value: set-env name (value + \"!\")) \"{name}\" {text})"),
        }
    }

    fn permissions(&mut self, choice: u64, less: u32) -> String {
        let (one, other) =
            (self.of_type(Type::Permissions, less), self.of_type(Type::Permissions, less));
        match choice {
            0 => format!("({one} ++ {other})"),
            1 => format!("(lib.optionals {} {one})", self.of_type(Type::Bool, less)),
            2 => format!("(map (n: persist-home n) [ {} ])", self.of_type(Type::Word, less)),
            3 => format!(
                "(lib.mapAttrsToList set-env {{ B = {}; A = \"1\"; }})",
                self.of_type(Type::Text, less)
            ),
            _ => {
                let (one, other) =
                    (self.of_type(Type::Permission, less), self.of_type(Type::Permission, less));
                format!("[ {one} {other} ]")
            }
        }
    }
}
