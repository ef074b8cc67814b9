//! Texts with package parts, as the spec has them before Nix has resolved them.
//!
//! JSON: a text without unresolved parts is `"text"` or `{"expand": "~/text"}`, the same as in a
//! plan. One with symbolic packages is `{"pieces": ["a", {"nix": "pkgs.git", "output": "bin"}],
//! "expand": false}`, and occurs only between the compiler's own stages: Nix never sees it, because
//! the emitter writes it as a Nix string.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that may name packages, used literally or expanded at launch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    /// Whether `~` and `$VAR` are expanded at launch (`noescape`).
    pub expand: bool,
    /// Its parts. Adjacent literals are always joined, so equal texts compare equal.
    pieces: Vec<Piece>,
}

/// A part of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    /// Characters that represent themselves.
    Literal(String),
    /// A store path that belongs to a package.
    Package {
        /// The package that the part belongs to.
        #[serde(flatten)]
        package: Package,
        /// Which of its paths.
        output: Output,
    },
    /// The program that a `wrap-entry` script wraps. Lowering replaces it.
    Entry {
        /// Always `true`; it makes the JSON form an object of its own.
        entry: bool,
    },
}

/// A package: symbolic in a `.jail` file, resolved when Nix has evaluated it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Package {
    /// Nix source that evaluates to the package. Its only free names are those that the emitted
    /// file binds (`pkgs`, `lib`, `inputs`): `pkgs.git`,
    /// `pkgs.python3.withPackages (ps: [ ps.numpy ])`.
    Symbolic {
        /// The Nix source of the package.
        nix: String,
    },
    /// Its store paths.
    Resolved {
        /// The store paths of the outputs.
        paths: StorePaths,
    },
}

/// The store paths of a resolved package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorePaths {
    /// The default output, as `"${package}"` gives it.
    pub out: String,
    /// The output with the programs (`lib.getBin`).
    pub bin: String,
    /// The main program (`lib.getExe`), where the package has one.
    pub program: Option<String>,
}

/// Which path of a package it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// `"${package}"`.
    Out,
    /// `"${lib.getBin package}"`.
    Bin,
    /// `lib.getExe package`.
    Program,
}

impl Text {
    /// A literal text without package parts.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        Self::new(false, [Piece::Literal(text.into())])
    }

    /// A text without package parts, expanded at launch.
    #[must_use]
    pub fn expanded(text: impl Into<String>) -> Self {
        Self::new(true, [Piece::Literal(text.into())])
    }

    /// One path of a package.
    #[must_use]
    pub fn package(package: Package, output: Output) -> Self {
        Self::new(false, [Piece::Package { package, output }])
    }

    /// A text of `pieces`; adjacent literals are joined and empty ones dropped.
    #[must_use]
    pub fn new(expand: bool, pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut text = Self { expand, pieces: Vec::new() };
        for piece in pieces {
            text.push(piece);
        }
        text
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (_, Piece::Literal(literal)) if literal.is_empty() => {}
            (Some(Piece::Literal(last)), Piece::Literal(literal)) => last.push_str(&literal),
            (_, piece) => self.pieces.push(piece),
        }
    }

    /// Adds another text at the end. Whether the whole is expanded stays as it was.
    pub fn extend(&mut self, other: &Self) {
        for piece in &other.pieces {
            self.push(piece.clone());
        }
    }

    /// The parts of the text, in their order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The characters, if the text has no unresolved part.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(literal)] => Some(literal),
            _ => None,
        }
    }

    /// The same text with resolved packages as characters. Symbolic parts and the entry stay.
    #[must_use]
    pub fn resolved(&self) -> Self {
        Self::new(self.expand, self.pieces.iter().map(resolve_piece))
    }
}

fn resolve_piece(piece: &Piece) -> Piece {
    let Piece::Package { package: Package::Resolved { paths }, output } = piece else {
        return piece.clone();
    };
    let path = match output {
        Output::Out => Some(&paths.out),
        Output::Bin => Some(&paths.bin),
        Output::Program => paths.program.as_ref(),
    };
    path.map_or_else(|| piece.clone(), |path| Piece::Literal(path.clone()))
}

/// The text for people: packages appear as their Nix source in `${…}`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => f.write_str(literal)?,
                Piece::Package { package: Package::Symbolic { nix }, .. } => {
                    write!(f, "${{{nix}}}")?;
                }
                Piece::Package { package: Package::Resolved { paths }, .. } => {
                    f.write_str(&paths.out)?;
                }
                Piece::Entry { .. } => f.write_str("${entry}")?,
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expand {
    expand: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pieces {
    pieces: Vec<Piece>,
    expand: bool,
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.as_str(), self.expand) {
            (Some(text), false) => serializer.serialize_str(text),
            (Some(text), true) => Expand { expand: text.into() }.serialize(serializer),
            (None, expand) => Pieces { pieces: self.pieces.clone(), expand }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, {\"expand\": string} or {\"pieces\": […], \"expand\": bool}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text::literal(text))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Object {
            Expand(Expand),
            Pieces(Pieces),
        }
        match Object::deserialize(de::value::MapAccessDeserializer::new(map))? {
            Object::Expand(Expand { expand }) => Ok(Text::expanded(expand)),
            Object::Pieces(Pieces { pieces, expand }) => Ok(Text::new(expand, pieces)),
        }
    }
}
