//! Removes dangerous sequences from what a jail writes to its terminal, and passes
//! everything else on byte for byte.
//!
//! It is not a terminal, and must be right for all of them, which do not agree on what a broken
//! sequence is. So whatever may start a sequence starts one here, wherever it is: an introducer
//! inside another sequence breaks that off, as in xterm. The bytes are held until the kind of
//! sequence is known, and are then passed on unchanged, or not at all. Of strings that are allowed
//! only the start is held, so what is held is bounded.

use super::sequence::{self, Introducer, Verdict};
use super::text::{Text, Unit};

/// How much of one sequence is held. A longer one is refused: no terminal
/// accepts so many parameters.
pub(super) const HELD_MAX: usize = 1024;

const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;
/// The C1 control that ends a string.
const STRING_TERMINATOR: u8 = 0x9c;
/// Asks the terminal for a text that its user has set.
const ENQ: u8 = 0x05;

/// The state between two reads.
#[derive(Default)]
pub(super) struct Filter {
    text: Text,
    state: State,
    around: Around,
    /// The bytes of a sequence whose kind is not known yet, as they came.
    held: Vec<u8>,
    /// The same from the introducer on, without the controls that
    /// terminals execute inside sequences.
    body: Vec<u8>,
}

/// The position in a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// In no sequence.
    #[default]
    Ground,
    /// After ESC, before the byte that says what starts.
    Escape,
    /// After an introducer, before the kind is known.
    Head(Introducer),
    /// After ESC in a string: its end, unless something else starts.
    HeadEscape(Introducer),
    /// In a sequence with too many parameters.
    Ignoring,
}

/// The string in which a sequence starts, if that is not the end of the string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Around {
    #[default]
    None,
    /// The terminal has received its start.
    Passing,
    /// The terminal has received nothing of it.
    Dropping,
}

impl Filter {
    /// Appends to `output` the part of `input` that the terminal gets.
    pub(super) fn pass(&mut self, input: &[u8], output: &mut Vec<u8>) {
        let mut rest = input;
        while let Some((byte, after)) = rest.split_first() {
            let (plain, others) = rest.split_at(self.plain_run(rest));
            if !plain.is_empty() {
                output.extend_from_slice(plain);
                rest = others;
                continue;
            }
            for unit in self.text.next(*byte).into_iter().flatten() {
                self.unit(unit, output);
            }
            rest = after;
        }
    }

    /// How many bytes at the start are passed on in any case: most of what is written.
    fn plain_run(&self, bytes: &[u8]) -> usize {
        let is_between = self.state == State::Ground && self.text.is_between();
        if !is_between || self.around == Around::Dropping {
            return 0;
        }
        let is_plain = |byte: &&u8| matches!(byte, 0x20..=0x7e | b'\t' | b'\n' | b'\r');
        bytes.iter().take_while(is_plain).count()
    }

    /// How much is held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    fn unit(&mut self, unit: Unit, output: &mut Vec<u8>) {
        match unit {
            Unit::Byte(ENQ) => {}
            Unit::Byte(CAN | SUB) => {
                self.forget();
                self.around = Around::None;
                unit.write(output);
            }
            Unit::Byte(ESC) => self.escape_begins(unit),
            Unit::Control(STRING_TERMINATOR, _) => self.string_ends(unit, output),
            Unit::Control(control, _) if let Some(introducer) = Introducer::of_control(control) => {
                self.forget();
                self.begin(State::Head(introducer), unit);
            }
            Unit::Byte(_) | Unit::Text(_) | Unit::Control(..) => self.other(unit, output),
        }
    }

    /// What was held is broken off, unless this is the end of its string.
    fn escape_begins(&mut self, unit: Unit) {
        match self.state {
            State::Head(introducer) if introducer.is_string() => {
                self.begin(State::HeadEscape(introducer), unit);
            }
            State::Ground
            | State::Escape
            | State::Head(_)
            | State::HeadEscape(_)
            | State::Ignoring => {
                self.forget();
                self.begin(State::Escape, unit);
            }
        }
    }

    fn begin(&mut self, state: State, unit: Unit) {
        self.state = state;
        unit.write(&mut self.held);
    }

    fn other(&mut self, unit: Unit, output: &mut Vec<u8>) {
        match self.state {
            State::Ground => self.plain(unit, output),
            State::Escape => self.escape(unit, output),
            State::Head(Introducer::Sequence) => self.sequence(unit, output),
            State::Head(introducer) => self.head(introducer, unit, output),
            State::HeadEscape(_) if unit == Unit::Byte(b'\\') => self.string_ends(unit, output),
            State::HeadEscape(_) => {
                self.forget();
                self.begin(State::Escape, Unit::Byte(ESC));
                self.escape(unit, output);
            }
            State::Ignoring => {
                if is_final(unit) {
                    self.forget();
                }
            }
        }
    }

    fn plain(&mut self, unit: Unit, output: &mut Vec<u8>) {
        match self.around {
            Around::None | Around::Passing => unit.write(output),
            Around::Dropping => {}
        }
        if unit == Unit::Byte(BEL) {
            self.around = Around::None;
        }
    }

    fn escape(&mut self, unit: Unit, output: &mut Vec<u8>) {
        // Some terminals break the sequence off here, and others go on after it.
        if let Unit::Text(_) = unit {
            self.forget();
            return self.plain(unit, output);
        }
        let Unit::Byte(last @ 0x30..=0x7e) = unit else { return self.hold(unit, output) };
        if self.body.is_empty() {
            if last == b'\\' {
                return self.string_ends(unit, output);
            }
            if let Some(introducer) = Introducer::from_byte(last) {
                return self.begin(State::Head(introducer), unit);
            }
        }
        unit.write(&mut self.held);
        self.close(sequence::escape(&self.body, last), output);
    }

    fn sequence(&mut self, unit: Unit, output: &mut Vec<u8>) {
        match unit {
            Unit::Byte(last) if is_final(unit) => {
                unit.write(&mut self.held);
                self.close(sequence::sequence(&self.body, last), output);
            }
            Unit::Byte(_) | Unit::Text(_) | Unit::Control(..) => self.hold(unit, output),
        }
    }

    fn head(&mut self, introducer: Introducer, unit: Unit, output: &mut Vec<u8>) {
        if unit == Unit::Byte(BEL) {
            return self.string_ends(unit, output);
        }
        self.hold(unit, output);
        if self.state != State::Head(introducer) {
            return;
        }
        match sequence::string(introducer, &self.body) {
            Verdict::Unknown => {}
            Verdict::Whole => self.close(Verdict::Whole, output),
            Verdict::Pass => {
                output.append(&mut self.held);
                self.forget();
                self.around = Around::Passing;
            }
            Verdict::Refuse => self.refuse(State::Ground, Around::Dropping, output),
        }
    }

    /// Holds one more byte. A control that is executed inside a sequence is not part of it.
    fn hold(&mut self, unit: Unit, output: &mut Vec<u8>) {
        unit.write(&mut self.held);
        match unit {
            Unit::Byte(0..=0x1f | 0x7f) | Unit::Control(..) => {}
            Unit::Byte(_) | Unit::Text(_) => unit.write(&mut self.body),
        }
        if self.held.len() > HELD_MAX {
            match self.state {
                State::Head(introducer) if introducer.is_string() => {
                    self.refuse(State::Ground, Around::Dropping, output);
                }
                State::Ground
                | State::Escape
                | State::Head(_)
                | State::HeadEscape(_)
                | State::Ignoring => self.refuse(State::Ignoring, Around::None, output),
            }
        }
    }

    /// The end of a string. `unit` is its last part, whichever its form.
    fn string_ends(&mut self, unit: Unit, output: &mut Vec<u8>) {
        if let State::Head(introducer) | State::HeadEscape(introducer) = self.state
            && introducer.is_string()
        {
            // A terminal that does not take the control for one would still be after ESC.
            if matches!((self.state, unit), (State::HeadEscape(_), Unit::Control(..))) {
                self.held.pop();
            }
            unit.write(&mut self.held);
            return self.close(sequence::whole_string(introducer, &self.body), output);
        }
        match self.around {
            Around::None | Around::Passing => {
                // What came before it is a part of it in its longer form. Else it was broken off,
                // by terminals that know the control; others would still be after ESC.
                if self.state == State::Escape && unit == Unit::Byte(b'\\') {
                    output.append(&mut self.held);
                }
                unit.write(output);
            }
            Around::Dropping => {}
        }
        self.forget();
        self.around = Around::None;
    }

    /// A sequence is complete.
    fn close(&mut self, verdict: Verdict, output: &mut Vec<u8>) {
        match verdict {
            Verdict::Pass | Verdict::Whole => {
                output.append(&mut self.held);
                self.forget();
                self.around = Around::None;
            }
            Verdict::Refuse | Verdict::Unknown => {
                self.refuse(State::Ground, Around::None, output);
            }
        }
    }

    /// A sequence that would have broken off the string around it is not passed on, but the string
    /// is broken off all the same.
    fn refuse(&mut self, state: State, around: Around, output: &mut Vec<u8>) {
        if self.around == Around::Passing {
            output.push(CAN);
        }
        self.forget();
        (self.state, self.around) = (state, around);
    }

    fn forget(&mut self) {
        self.held.clear();
        self.body.clear();
        self.state = State::Ground;
    }
}

fn is_final(unit: Unit) -> bool {
    matches!(unit, Unit::Byte(0x40..=0x7e))
}
