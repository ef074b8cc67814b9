//! Bytes as a terminal in UTF-8 mode sees them: controls, and parts of characters.

/// A part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// ASCII, including the C0 controls.
    Byte(u8),
    /// A byte that is, or is not, part of a character.
    Text(u8),
    /// A C1 control: bare, or encoded like a character.
    Control(u8, Form),
}

/// How a C1 control was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Bare,
    Encoded,
}

/// The first byte of every encoded C1 control, and of some characters.
const LEAD: u8 = 0xc2;

impl Unit {
    /// Appends it as it came.
    pub(super) fn write(self, output: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) | Self::Text(byte) | Self::Control(byte, Form::Bare) => {
                output.push(byte);
            }
            Self::Control(byte, Form::Encoded) => output.extend([LEAD, byte]),
        }
    }
}

/// What has come of a character.
#[derive(Default)]
pub(super) struct Text {
    /// How many bytes are missing.
    missing: u8,
    /// The possible values of the next one (the Unicode standard, table 3-7).
    range: (u8, u8),
    /// [`LEAD`] has come, and is held.
    has_lead: bool,
}

impl Text {
    /// No character has begun.
    pub(super) fn is_between(&self) -> bool {
        self.missing == 0 && !self.has_lead
    }

    pub(super) fn next(&mut self, byte: u8) -> [Option<Unit>; 2] {
        if std::mem::take(&mut self.has_lead) {
            return match byte {
                0x80..=0x9f => [Some(Unit::Control(byte, Form::Encoded)), None],
                0xa0..=0xbf => [Some(Unit::Text(LEAD)), Some(Unit::Text(byte))],
                _ => [Some(Unit::Text(LEAD)), self.fresh(byte)],
            };
        }
        let (low, high) = self.range;
        if self.missing > 0 && (low..=high).contains(&byte) {
            (self.missing, self.range) = (self.missing - 1, (0x80, 0xbf));
            return [Some(Unit::Text(byte)), None];
        }
        [self.fresh(byte), None]
    }

    fn fresh(&mut self, byte: u8) -> Option<Unit> {
        (self.missing, self.range) = match byte {
            0xc3..=0xdf => (1, (0x80, 0xbf)),
            0xe0 => (2, (0xa0, 0xbf)),
            0xed => (2, (0x80, 0x9f)),
            0xe1..=0xef => (2, (0x80, 0xbf)),
            0xf0 => (3, (0x90, 0xbf)),
            0xf1..=0xf3 => (3, (0x80, 0xbf)),
            0xf4 => (3, (0x80, 0x8f)),
            _ => (0, (0, 0)),
        };
        match byte {
            LEAD => {
                self.has_lead = true;
                None
            }
            0..=0x7f => Some(Unit::Byte(byte)),
            0x80..=0x9f => Some(Unit::Control(byte, Form::Bare)),
            0xa0..=0xff => Some(Unit::Text(byte)),
        }
    }
}
