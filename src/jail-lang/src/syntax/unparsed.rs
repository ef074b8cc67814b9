//! What the parser's errors mean for the author of a spec.

use jail_registry::{Code, Diagnostic, FileId, Place};
use rnix::{ParseError, SyntaxKind, SyntaxKind::*, SyntaxNode, TextRange};

use super::{beginning, span};

/// The first error of the parser, in words.
pub(super) fn explain(
    file: FileId,
    text: &str,
    tree: &SyntaxNode,
    error: &ParseError,
) -> Diagnostic {
    let found = SyntaxErrors { file, text, tree };
    match error {
        ParseError::Unexpected(range) | ParseError::UnexpectedExtra(range) => found.extra(*range),
        ParseError::UnexpectedWanted(kind, range, wanted) => found.wanted(*kind, *range, wanted),
        ParseError::UnexpectedDoubleBind(range) => {
            found.at(*range, "the whole argument is named twice").label("the second name")
        }
        ParseError::UnexpectedEOF => found.end(&[]),
        ParseError::UnexpectedEOFWanted(wanted) => found.end(wanted),
        ParseError::DuplicatedArgs(range, name) => {
            found.at(*range, format!("the argument `{name}` is named twice")).label("the second")
        }
        ParseError::RecursionLimitExceeded => Diagnostic::error(
            Code::TooNested,
            Some(beginning(file, text)),
            "an expression is nested too deeply",
        )
        .help("split the expression with `let`"),
        _ => Diagnostic::error(
            Code::Syntax,
            Some(beginning(file, text)),
            "the file is not a Nix expression",
        ),
    }
}

struct SyntaxErrors<'a> {
    file: FileId,
    text: &'a str,
    tree: &'a SyntaxNode,
}

impl SyntaxErrors<'_> {
    fn at(&self, range: TextRange, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::Syntax, Some(self.first_token(range)), message)
    }

    /// The first token of a range. The parser's ranges extend to where it recovered.
    fn first_token(&self, range: TextRange) -> Place {
        let tokens = self.tree.descendants_with_tokens().filter_map(|element| element.into_token());
        let token = tokens
            .skip_while(|token| token.text_range().start() < range.start())
            .find(|token| !token.kind().is_trivia());
        let range = token.map_or(range, |token| token.text_range());
        span(self.file, range.start().into(), range.end().into())
    }

    fn extra(&self, range: TextRange) -> Diagnostic {
        let place = self.first_token(range);
        let found = self.slice(place);
        let diagnostic = self.at(range, format!("unexpected `{found}` after the expression"));
        let diagnostic = diagnostic.label("the expression ended before this");
        match found {
            "=" => diagnostic.help("bindings belong in a set or a `let`: `let x = 1; in …`"),
            _ => diagnostic.help("check that every bracket is closed in the right place"),
        }
    }

    fn wanted(&self, kind: SyntaxKind, range: TextRange, wanted: &[SyntaxKind]) -> Diagnostic {
        let place = self.first_token(range);
        let found = self.slice(place);
        let before = self.before(place);
        let diagnostic =
            self.at(range, format!("unexpected `{found}`, expected {}", names(wanted)));
        let diagnostic = diagnostic.label(format!("before this, {} is missing", names(wanted)));
        if wanted.contains(&TOKEN_STRING_END) {
            return self.unclosed_string(range);
        }
        if wanted == [TOKEN_SEMICOLON] {
            return diagnostic.help("a binding ends with `;`");
        }
        match kind {
            TOKEN_COLON | TOKEN_IF | TOKEN_LET | TOKEN_WITH | TOKEN_ASSERT | TOKEN_SUB
            | TOKEN_INVERT
                if self.in_list(range) =>
            {
                self.at(range, format!("unexpected `{found}` in a list"))
                    .label("a list element that needs parentheses")
                    .help(format!("put the element into parentheses: `[ ({found} …) ]`"))
            }
            kind if is_operator(kind) && self.in_list(range) => self
                .at(range, format!("unexpected `{found}` in a list"))
                .label("a list element that needs parentheses")
                .help(format!("write `[ (… {found} …) ]`: list elements are separated by spaces")),
            TOKEN_COMMA if self.in_list(range) => self
                .at(range, "unexpected `,` in a list")
                .label("list elements are separated by spaces")
                .help("drop the comma"),
            TOKEN_ASSIGN if before.is_some() => {
                diagnostic.help("`=` does not compare values: write `==`")
            }
            _ => diagnostic,
        }
    }

    /// A string that runs to the end of the file is reported where it starts.
    fn unclosed_string(&self, range: TextRange) -> Diagnostic {
        let token = self.tree.token_at_offset(range.start()).left_biased();
        let strings = token.into_iter().flat_map(|token| token.parent_ancestors());
        let string = strings.filter(|node| node.kind() == NODE_STRING).last();
        let start = string.map_or(range.start(), |node| node.text_range().start());
        let length = if self.text.get(start.into()..).is_some_and(|text| text.starts_with("''")) {
            2
        } else {
            1
        };
        let start = usize::from(start);
        let place = span(self.file, start, (start + length).min(self.text.len()));
        Diagnostic::error(Code::Syntax, Some(place), "a string is not closed")
            .label("it starts here")
            .help("close it with the same quotes")
    }

    fn end(&self, wanted: &[SyntaxKind]) -> Diagnostic {
        let end = self.text.trim_end().len();
        let start = self.text.get(..end).and_then(|text| text.char_indices().next_back());
        let place = span(self.file, start.map_or(0, |(at, _)| at), end);
        if wanted.contains(&TOKEN_STRING_END) {
            let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            return self.unclosed_string(TextRange::empty(end.into()));
        }
        if self.text.trim().is_empty() {
            return Diagnostic::error(Code::Syntax, Some(place), "the file is empty")
                .label("expected an expression")
                .help("write a jail: `jail \"name\" pkgs.hello [ ]`");
        }
        let message = match wanted {
            [] => "the file ends in the middle of an expression".to_owned(),
            wanted => format!("the file ends where {} is missing", names(wanted)),
        };
        let diagnostic = Diagnostic::error(Code::Syntax, Some(place), message);
        diagnostic.label("after this").help("check that every bracket and string is closed")
    }

    fn slice(&self, place: Place) -> &str {
        self.text.get(place.start as usize..place.end as usize).unwrap_or("")
    }

    fn before(&self, place: Place) -> Option<char> {
        self.text.get(..place.start as usize)?.trim_end().chars().next_back()
    }

    fn in_list(&self, range: TextRange) -> bool {
        let token = self.tree.token_at_offset(range.start()).right_biased();
        let parent = token.and_then(|token| token.parent());
        let node = parent.into_iter().flat_map(|node| node.ancestors());
        let mut node = node.skip_while(|node| node.kind() == NODE_ERROR);
        node.next().is_some_and(|node| node.kind() == NODE_LIST)
    }
}

fn is_operator(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        TOKEN_CONCAT
            | TOKEN_UPDATE
            | TOKEN_ADD
            | TOKEN_MUL
            | TOKEN_DIV
            | TOKEN_AND_AND
            | TOKEN_OR_OR
            | TOKEN_EQUAL
            | TOKEN_NOT_EQUAL
            | TOKEN_LESS
            | TOKEN_LESS_OR_EQ
            | TOKEN_MORE
            | TOKEN_MORE_OR_EQ
            | TOKEN_IMPLICATION
            | TOKEN_QUESTION
            | TOKEN_PIPE_LEFT
            | TOKEN_PIPE_RIGHT
    )
}

/// What was expected: "`;`", "`}` or a name", "an expression".
fn names(wanted: &[SyntaxKind]) -> String {
    if wanted.contains(&TOKEN_L_PAREN) && wanted.contains(&TOKEN_STRING_START) {
        return "an expression".into();
    }
    let mut names: Vec<_> = wanted.iter().map(|kind| name(*kind)).collect();
    names.dedup();
    names.join(" or ")
}

fn name(kind: SyntaxKind) -> &'static str {
    match kind {
        TOKEN_SEMICOLON => "`;`",
        TOKEN_COLON => "`:`",
        TOKEN_COMMA => "`,`",
        TOKEN_ASSIGN => "`=`",
        TOKEN_L_BRACE => "`{`",
        TOKEN_R_BRACE | TOKEN_INTERPOL_END => "`}`",
        TOKEN_L_PAREN => "`(`",
        TOKEN_R_PAREN => "`)`",
        TOKEN_L_BRACK => "`[`",
        TOKEN_R_BRACK => "`]`",
        TOKEN_THEN => "`then`",
        TOKEN_ELSE => "`else`",
        TOKEN_IN => "`in`",
        TOKEN_AT => "`@`",
        TOKEN_ELLIPSIS => "`...`",
        TOKEN_INHERIT => "`inherit`",
        TOKEN_IDENT | TOKEN_OR | TOKEN_CUR_POS => "a name",
        TOKEN_STRING_START => "a string",
        TOKEN_STRING_END => "the end of the string",
        TOKEN_STRING_CONTENT => "text",
        TOKEN_INTERPOL_START => "`${`",
        _ => "something else",
    }
}
