//! The call of a combinator or builder that an editor inserts, with places to fill in, in the
//! snippet syntax of the language server protocol.

use std::fmt::Write as _;

use crate::builders::Builder;
use crate::signature::{Field, Signature, Type};
use crate::table::Combinator;

impl Combinator {
    /// Its call, such as `ro-bind "${1:from}" "${2:to}"`. `None` if it takes no arguments.
    #[must_use]
    pub fn snippet(&self) -> Option<String> {
        call(self.name, self.signature)
    }
}

impl Builder {
    /// Its call, with the arguments that must be given.
    #[must_use]
    pub fn snippet(&self) -> Option<String> {
        call(self.name, self.signature)
    }
}

fn call(name: &str, signature: Signature) -> Option<String> {
    let mut snippet = Snippet { text: name.to_owned(), places: 0 };
    for param in signature.params {
        snippet.text.push(' ');
        snippet.value(param.name, param.ty);
    }
    (!signature.params.is_empty()).then_some(snippet.text)
}

struct Snippet {
    text: String,
    /// How many places to fill in there are.
    places: usize,
}

impl Snippet {
    /// A place that shows a word until the user types something.
    fn place(&mut self, word: &str) {
        self.places += 1;
        let _ = write!(self.text, "${{{}:{word}}}", self.places);
    }

    fn empty_place(&mut self) {
        self.places += 1;
        let _ = write!(self.text, "${}", self.places);
    }

    fn value(&mut self, name: &str, ty: Type) {
        match ty {
            Type::Null => self.text.push_str("null"),
            Type::Text | Type::Literal | Type::Word(_) => {
                self.between("\"", "\"", |it| it.place(name));
            }
            Type::Integer => self.place("1"),
            Type::Bool => self.place("true"),
            Type::Package | Type::Entry => self.place("pkgs.hello"),
            Type::Shell | Type::Permission => self.place(name),
            Type::Script => {
                self.between("(entry: ''\n  ", "\\${entry} \"\\$@\"\n'')", Self::empty_place);
            }
            Type::List(element) => self.between("[ ", " ]", |it| it.value(name, *element)),
            Type::Map(element) => self.between("{ ", "; \\}", |it| {
                it.place("NAME");
                it.text.push_str(" = ");
                it.value("value", *element);
            }),
            Type::Fields(fields) => self.fields(fields),
            Type::Either(types) => match types.first() {
                Some(first) => self.value(name, *first),
                None => self.place(name),
            },
        }
    }

    fn between(&mut self, before: &str, after: &str, inside: impl FnOnce(&mut Self)) {
        self.text.push_str(before);
        inside(self);
        self.text.push_str(after);
    }

    /// The mandatory fields, and a place for the others.
    fn fields(&mut self, fields: &[Field]) {
        self.text.push_str("{ ");
        for field in fields.iter().filter(|field| field.required) {
            let _ = write!(self.text, "{} = ", field.name);
            self.value(field.name, field.ty);
            self.text.push_str("; ");
        }
        self.text.push_str("$0 \\}");
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::{BUILDERS, builder, combinator, combinators};

    #[test]
    fn a_snippet_is_the_call_with_places_for_what_it_takes() {
        let of = |name: &str| combinator(name).unwrap().snippet().unwrap();
        let of_builder = |name: &str| builder(name).unwrap().snippet().unwrap();
        let shown = [
            of("ro-bind"),
            of("add-pkg-deps"),
            of("wrap-entry"),
            of("dbus"),
            of_builder("makeJailedPi"),
            of_builder("cage"),
        ];
        expect![[r#"
            ro-bind "${1:from}" "${2:to}"
            add-pkg-deps [ ${1:pkgs.hello} ]
            wrap-entry (entry: ''
              $1\${entry} "\$@"
            '')
            dbus { $0 \}
            makeJailedPi { $0 \}
            cage { name = "${1:name}"; argv = [ "${2:argv}" ]; $0 \}"#]]
        .assert_eq(&shown.join("\n"));
        assert_eq!(combinator("network").unwrap().snippet(), None);
    }

    /// The text that remains if nothing is filled in.
    fn filled(snippet: &str) -> String {
        let (mut text, mut rest, mut in_place) = (String::new(), snippet, false);
        while let Some(next) = rest.chars().next() {
            let skipped = if rest.starts_with("${") {
                in_place = true;
                rest.find(':').unwrap() + 1
            } else if rest.starts_with('$') {
                "$0".len()
            } else if in_place && next == '}' {
                in_place = false;
                1
            } else {
                rest = rest.strip_prefix('\\').unwrap_or(rest);
                let kept = rest.chars().next().unwrap();
                text.push(kept);
                kept.len_utf8()
            };
            rest = &rest[skipped..];
        }
        text
    }

    #[test]
    fn every_snippet_is_nix_as_it_stands() {
        let all = combinators().filter_map(|it| it.snippet());
        for snippet in all.chain(BUILDERS.iter().filter_map(|it| it.snippet())) {
            let nix = filled(&snippet);
            assert!(nixfmt_rs::format(&nix).is_ok(), "{nix}");
        }
    }
}
