//! Emitted Nix is read by our own parser before it is written: all of it, but nothing twice.
//!
//! Most of a jail's file are grants that a thousand other jails have too. Each grant is a set, `{ …
//! }`, in a list: where the file parses with an empty list, and each element parses as one set, the
//! whole parses. So elements are parsed alone, and a text that has been parsed is known.

use std::collections::HashSet;

use super::EmitError;

/// Our parser, and the elements that it has read.
#[derive(Default)]
pub(super) struct Parser {
    sets: HashSet<String>,
}

impl Parser {
    /// Refuses an element of a list that is not one set.
    pub(super) fn set(&mut self, file: &str, nix: &str) -> Result<(), EmitError> {
        if self.sets.contains(nix) {
            return Ok(());
        }
        jail_lang::check_set_syntax(nix).map_err(|error| syntax(file, &error))?;
        self.sets.insert(nix.to_owned());
        Ok(())
    }
}

/// Refuses what is not one expression.
pub(super) fn whole(file: &str, nix: &str) -> Result<(), EmitError> {
    jail_lang::check_syntax(nix).map_err(|error| syntax(file, &error))
}

fn syntax(file: &str, error: &jail_lang::SyntaxError) -> EmitError {
    EmitError::Syntax { file: file.into(), error: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_one_set_and_nothing_else() {
        let mut parser = Parser::default();
        let mut set = |nix| parser.set("x.nix", nix).is_ok();
        assert!(set("{ a = 1; }") && set("{ a = 1; }"));
        for nix in
            ["{ a = 1; } { }", "{ } // { }", "] ++ [", "{ a = 1; } ] [ { }", "{ a = ", "x", ""]
        {
            assert!(!set(nix), "{nix}");
        }
    }
}
