//! From bytes to values. All bounds are here: depth, fields of an object, what a number is.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Data, Entry, Error, Value};

/// The deepest nesting; plans are six levels deep.
const DEPTH_MAX: u32 = 32;

/// The most fields; the largest structure has twenty. Each name is compared with those before it.
const FIELDS_MAX: usize = 64;

/// What is done with the name of a member, before its value.
type Each<'a, 'b> = dyn FnMut(&mut Parser<'a>, Cow<'a, str>) -> Result<(), Error> + 'b;

/// The text, and how far it has been read.
pub(crate) struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The part that has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.skip_space();
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.error("unexpected text after the end"))
        }
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, Error> {
        self.skip_space();
        let at = self.at;
        let data = match self.peek() {
            Some(b'"') => Data::Text(self.string()?),
            Some(b'0'..=b'9') => Data::Number(self.number()?),
            Some(b'[') => self.nested(Self::list)?,
            Some(b'{') => self.nested(Self::object)?,
            Some(_) => self.literal()?,
            None => return Err(self.error("unexpected end")),
        };
        Ok(Value { at, data })
    }

    /// Reads the members of an object. `each` gets the name of each, and reads its value.
    pub(crate) fn members(&mut self, each: &mut Each<'a, '_>) -> Result<(), Error> {
        self.skip_space();
        self.expect(b'{')?;
        self.skip_space();
        if self.accept(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            each(self, name)?;
            self.skip_space();
            if self.accept(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Data<'a>, Error>,
    ) -> Result<Data<'a>, Error> {
        if self.depth == DEPTH_MAX {
            return Err(self.error("it is nested too deeply"));
        }
        self.depth += 1;
        let data = read(self)?;
        self.depth -= 1;
        Ok(data)
    }

    fn object(&mut self) -> Result<Data<'a>, Error> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        self.members(&mut |parser, name| {
            if entries.iter().any(|entry| entry.name == name) {
                return Err(parser.error(format!("duplicate field `{name}`")));
            }
            if entries.len() == FIELDS_MAX {
                return Err(parser.error("an object has too many fields"));
            }
            let value = parser.value()?;
            entries.push(Entry { name, value });
            Ok(())
        })?;
        Ok(Data::Object(entries))
    }

    fn list(&mut self) -> Result<Data<'a>, Error> {
        let mut list = Vec::new();
        self.expect(b'[')?;
        self.skip_space();
        if self.accept(b']') {
            return Ok(Data::List(list));
        }
        loop {
            list.push(self.value()?);
            self.skip_space();
            if self.accept(b']') {
                return Ok(Data::List(list));
            }
            self.expect(b',')?;
        }
    }

    fn literal(&mut self) -> Result<Data<'a>, Error> {
        let rest = self.rest();
        for (word, length, data) in [
            ("null", 4, Data::Null),
            ("true", 4, Data::Bool(true)),
            ("false", 5, Data::Bool(false)),
        ] {
            if rest.starts_with(word.as_bytes()) {
                self.at += length;
                return Ok(data);
            }
        }
        Err(self.error(match self.peek() {
            Some(b'-') => "a number is below zero",
            _ => "expected a JSON value",
        }))
    }

    fn number(&mut self) -> Result<u64, Error> {
        let leading = self.peek() == Some(b'0');
        let start = self.at;
        let mut number: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let next =
                number.checked_mul(10).and_then(|ten| ten.checked_add(u64::from(digit - b'0')));
            number = next.ok_or_else(|| self.error("the number is too large"))?;
            self.at += 1;
        }
        if leading && self.at > start + 1 {
            return Err(self.error("a number begins with 0"));
        }
        match self.peek() {
            Some(b'.' | b'e' | b'E') => Err(self.error("a number is not an integer")),
            Some(_) | None => Ok(number),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.expect(b'"')?;
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let (part, end) = rest.split_at(plain_length(rest));
            let part = core::str::from_utf8(part).map_err(|_| self.error("it is not UTF-8"))?;
            text += part;
            self.at += part.len();
            match end.first() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let escaped = self.escape()?;
                    text.to_mut().push(escaped);
                }
                Some(_) => return Err(self.error("a text contains a control character")),
                None => return Err(self.error("unexpected end of a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let character = match self.peek() {
            Some(same @ (b'"' | b'\\' | b'/')) => char::from(same),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            Some(_) | None => return Err(self.error("unknown escape sequence")),
        };
        self.at += 1;
        Ok(character)
    }

    /// `\uXXXX`, or two of them that encode one character (UTF-16).
    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hex()?;
        let code = match first {
            0xd800..0xdc00 if self.accept(b'\\') && self.accept(b'u') => {
                match self.hex()? {
                    second @ 0xdc00..0xe000 => {
                        0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    // No character has this number.
                    _ => first,
                }
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| self.error("an escape sequence is not a character"))
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            number = number * 16 + digit.ok_or_else(|| self.error("unknown escape sequence"))?;
            self.at += 1;
        }
        Ok(number)
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    // Not inlined: a call would take longer than the function itself.
    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.accept(byte) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(_) => self.error(format!("`{}` is needed here", char::from(byte))),
            None => self.error("unexpected end"),
        })
    }

    #[cold]
    #[inline(never)]
    fn error(&self, why: impl Into<Cow<'static, str>>) -> Error {
        Error::new(self.at, why)
    }
}

/// How many bytes of a text represent themselves: up to its end, an escape, or a control character.
fn plain_length(text: &[u8]) -> usize {
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | ..b' ');
    let (words, _) = text.as_chunks::<8>();
    let whole = words.iter().take_while(|word| all_plain(u64::from_le_bytes(**word))).count() * 8;
    let rest = text.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| is_plain(byte)).count()
}

/// Whether eight bytes represent themselves; if not, at least one of them may not. Most of a plan
/// is text, and reading it byte by byte would take a tenth of the stub's own time.
fn all_plain(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // A zero byte borrows from its high bit; so does one below a space, when a space is subtracted.
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let quote = has_zero(word ^ (ONES * 0x22));
    let backslash = has_zero(word ^ (ONES * 0x5c));
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
    quote | backslash | control == 0
}

/// The text at `name` in an object of texts, without a tree of all of them.
pub(crate) fn text_in(object: &[u8], name: &str) -> Option<String> {
    let mut found = None;
    let mut parser = Parser::new(object);
    let read = parser.members(&mut |parser, other| {
        parser.skip_space();
        let text = parser.string()?;
        if other == name {
            found = Some(text.into_owned());
        }
        Ok(())
    });
    read.and_then(|()| parser.end()).ok()?;
    found
}
