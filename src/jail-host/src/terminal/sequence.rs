//! The sequences that a jail may write to its terminal. Strings are allowed by a list of known
//! ones; of control and ESC sequences, those known to be dangerous are refused.
//!
//! A sequence is dangerous if it reaches beyond the screen (the clipboard, files, a printer, a
//! program), if it makes the terminal type back a text that the jail has chosen or that is on the
//! screen, or if it changes how the terminal reads what follows.

/// What begins a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Introducer {
    /// CSI: a sequence of control.
    Sequence,
    /// OSC: a command to the terminal, by a number.
    Command,
    /// DCS: a string for a device.
    Device,
    /// APC: a string for a program.
    Program,
    /// PM: a private message.
    Message,
    /// SOS: a string without a meaning.
    String,
}

/// The decision on a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// More of it is needed to decide.
    Unknown,
    /// It is passed on, and so is the rest of it.
    Pass,
    /// It is passed on, and is complete.
    Whole,
    /// Nothing of it is passed on.
    Refuse,
}

impl Introducer {
    /// The introducer that ESC and this byte make.
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'[' => Some(Self::Sequence),
            b']' => Some(Self::Command),
            b'P' => Some(Self::Device),
            b'_' => Some(Self::Program),
            b'^' => Some(Self::Message),
            b'X' => Some(Self::String),
            _ => None,
        }
    }

    /// The same for a C1 control.
    pub(super) fn of_control(control: u8) -> Option<Self> {
        Self::from_byte(control.wrapping_sub(0x40))
    }

    /// It continues to a string terminator.
    pub(super) fn is_string(self) -> bool {
        match self {
            Self::Sequence => false,
            Self::Command | Self::Device | Self::Program | Self::Message | Self::String => true,
        }
    }
}

fn refused(is_refused: bool) -> Verdict {
    if is_refused { Verdict::Refuse } else { Verdict::Pass }
}

/// ESC, intermediate bytes, a final byte. Another encoding than UTF-8 would turn parts
/// of characters into controls.
pub(super) fn escape(intermediate: &[u8], last: u8) -> Verdict {
    refused(intermediate.contains(&b'%') && last != b'G')
}

/// CSI, parameters and intermediate bytes, a final byte.
pub(super) fn sequence(body: &[u8], last: u8) -> Verdict {
    let has = |byte: u8| body.contains(&byte);
    let numbers = numbers(body);
    refused(match last {
        // Reports the title of the window, or of its icon, as if it were typed.
        b't' => matches!(numbers.first(), Some(20 | 21)),
        // To a printer, or to the program that replaces one.
        b'i' => true,
        // A checksum of what is on the screen: asked for each position, it reveals the text.
        b'y' => has(b'*'),
        // The state of the terminal, tab stops, the user's key settings.
        b'u' => has(b'$') || has(b'&'),
        b'w' => has(b'$'),
        // A VT52 and a Tektronix 4014 read input differently.
        b'l' => has(b'?') && numbers.contains(&2),
        b'h' => has(b'?') && numbers.contains(&38),
        _ => false,
    })
}

/// The parameters. Other bytes among them are ignored, as in some terminals.
fn numbers(body: &[u8]) -> Vec<u32> {
    let fields = body.split(|byte| matches!(byte, b';' | b':'));
    fields.map(|field| number(field.iter().copied().filter(u8::is_ascii_digit))).collect()
}

fn number(digits: impl Iterator<Item = u8>) -> u32 {
    digits.fold(0, |number: u32, digit| {
        number.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
    })
}

/// The start of a string.
pub(super) fn string(introducer: Introducer, body: &[u8]) -> Verdict {
    match introducer {
        Introducer::Command => command(body),
        Introducer::Device => device(body),
        Introducer::Program => program(body),
        Introducer::Sequence | Introducer::Message | Introducer::String => Verdict::Refuse,
    }
}

/// A complete string, which ended before its kind was known.
pub(super) fn whole_string(introducer: Introducer, body: &[u8]) -> Verdict {
    // Whatever would follow next is a parameter.
    string(introducer, &[body, b";"].concat())
}

/// Commands that only change what is displayed: titles (0 to 2), colours (4, 5, 10 to 19, 21, 104
/// to 119, 30001, 30101), the folder that is worked in (7), links (8), messages (9, 99, 777), the
/// pointer (22), sizes of text (66), marks of prompts (133, 633, 3008).
///
/// Not among them: the clipboard (52, 5522), fonts, whose names are reported (50), what Emacs,
/// iTerm2 and kitty have of their own for programs, files and variables (51, 1337, 5113).
fn is_known(command: u32) -> bool {
    matches!(
        command,
        0..=2 | 4 | 5 | 7..=19 | 21 | 22 | 66 | 99 | 104..=119 | 133 | 633 | 777 | 3008 | 30001 | 30101
    )
}

fn command(body: &[u8]) -> Verdict {
    match body {
        [] => return Verdict::Unknown,
        // The Linux console's colours, which have no terminator: a digit and
        // three numbers in hexadecimal.
        [b'R', ..] => return Verdict::Whole,
        [b'P', digits @ ..] => {
            return match digits.iter().all(u8::is_ascii_hexdigit) {
                true if digits.len() < 7 => Verdict::Unknown,
                is_palette => {
                    if is_palette {
                        Verdict::Whole
                    } else {
                        Verdict::Refuse
                    }
                }
            };
        }
        [..] => {}
    }
    let Some(end) = body.iter().position(|byte| !byte.is_ascii_digit()) else {
        return Verdict::Unknown;
    };
    let (digits, rest) = body.split_at(end);
    let command = number(digits.iter().copied());
    if digits.is_empty() || !rest.starts_with(b";") || !is_known(command) {
        return Verdict::Refuse;
    }
    if command == 9 { message(rest) } else { Verdict::Pass }
}

/// A message; with a number in front it is one of ConEmu's commands, of which the fourth shows
/// progress and others start programs.
fn message(rest: &[u8]) -> Verdict {
    let text = rest.get(1..).unwrap_or_default();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match text.get(digits) {
        _ if digits > 3 => Verdict::Pass,
        None => Verdict::Unknown,
        Some(b';') => refused(digits > 0 && text.get(..digits) != Some(b"4")),
        Some(_) => Verdict::Pass,
    }
}

/// Pictures: sixel and ReGIS; and where a frame begins and ends. Not the settings of a
/// terminal (DECRQSS, XTGETTCAP, DECRSPS), keys (DECUDK), or what tmux and screen pass on to
/// the terminal around them.
fn device(body: &[u8]) -> Verdict {
    let Some(end) = body.iter().position(|byte| matches!(byte, 0x40..=0x7e)) else {
        return Verdict::Unknown;
    };
    let (head, rest) = body.split_at(end);
    let is_plain = head.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';'));
    refused(match rest.first() {
        Some(b'q' | b'p') => !is_plain,
        Some(b's') => head != b"=1" && head != b"=2",
        _ => true,
    })
}

/// kitty's pictures, if the picture is in the string: not in a file or in memory, which the
/// terminal would read, or remove.
fn program(body: &[u8]) -> Verdict {
    match body {
        [] => return Verdict::Unknown,
        [b'G', ..] => {}
        [..] => return Verdict::Refuse,
    }
    let Some(end) = body.iter().position(|byte| *byte == b';') else { return Verdict::Unknown };
    let mut keys = body.get(1..end).unwrap_or_default().split(|byte| *byte == b',');
    refused(keys.any(|key| key.starts_with(b"t") && key != b"t=d"))
}
