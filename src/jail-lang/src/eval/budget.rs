//! What an evaluation may still use: steps, stack and memory. All code that makes or reads
//! something large asks here first.

use jail_registry::{Code as DiagnosticCode, Place};

use super::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::limits::{ELEMENT, STEP_BYTES, VALUE_BYTES_MAX};
use crate::stack::address;
use crate::value::{TextBuilder, live};

impl Evaluator<'_> {
    /// Counts a step, and checks that there is stack and memory left for it.
    pub(crate) fn step(&self, place: Place) -> Fallible<()> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps > self.limits.steps
            || address() < self.stack_end
            || self.memory() > self.limits.bytes
        {
            return Err(self.exceeded(place));
        }
        Ok(())
    }

    /// Charges the time that it takes to copy this many bytes.
    pub(crate) fn work(&self, bytes: usize, place: Place) -> Fallible<()> {
        if bytes < STEP_BYTES {
            return Ok(());
        }
        let steps = u64::try_from(bytes / STEP_BYTES).unwrap_or(u64::MAX);
        self.steps.set(self.steps.get().saturating_add(steps));
        self.step(place)
    }

    /// Charges the memory and the time for making this many bytes.
    pub(crate) fn charge(&self, bytes: usize, place: Place) -> Fallible<()> {
        if bytes < STEP_BYTES {
            return Ok(());
        }
        self.room(bytes, place)?;
        self.work(bytes, place)
    }

    /// Charges for this many elements, each of this many bytes with its content.
    pub(crate) fn charge_elements(&self, count: usize, bytes: usize, place: Place) -> Fallible<()> {
        let bytes = count.saturating_mul(bytes);
        if bytes < STEP_BYTES {
            return Ok(());
        }
        self.sized(count.saturating_mul(ELEMENT), place)?;
        self.free(bytes, place)?;
        self.work(bytes, place)
    }

    /// Checks that there is room for a value of this many bytes.
    pub(crate) fn room(&self, bytes: usize, place: Place) -> Fallible<()> {
        self.sized(bytes, place)?;
        self.free(bytes, place)
    }

    #[expect(clippy::unused_self, reason = "one of the questions to an evaluator")]
    fn sized(&self, bytes: usize, place: Place) -> Fallible<()> {
        if bytes <= VALUE_BYTES_MAX {
            return Ok(());
        }
        let message =
            format!("a value would take more than {} MB of memory", VALUE_BYTES_MAX >> 20);
        Err(too_much(message, place))
    }

    fn free(&self, bytes: usize, place: Place) -> Fallible<()> {
        if self.memory().saturating_add(bytes) > self.limits.bytes {
            return Err(self.out_of_memory(place));
        }
        Ok(())
    }

    /// Counts bytes that are kept until the evaluation ends.
    pub(crate) fn keep(&self, bytes: usize, place: Place) -> Fallible<()> {
        self.kept.set(self.kept.get().saturating_add(bytes));
        self.work(bytes, place)?;
        self.free(0, place)
    }

    /// Charges for characters that are added to a string.
    pub(crate) fn append_str(
        &self,
        text: &mut TextBuilder,
        added: &str,
        place: Place,
    ) -> Fallible<()> {
        self.charge(added.len(), place)?;
        if text.len() + added.len() > STEP_BYTES {
            self.room(text.len() + added.len(), place)?;
        }
        text.push_str(added);
        Ok(())
    }

    /// The bytes of stack that are left, for code that does not count steps.
    pub(crate) fn stack_left(&self) -> usize {
        address().saturating_sub(self.stack_end)
    }

    fn memory(&self) -> usize {
        live().saturating_sub(self.before) + self.kept.get() + self.symbols.bytes()
    }

    #[cold]
    fn exceeded(&self, place: Place) -> Box<Failure> {
        if self.steps.get() > self.limits.steps {
            return Failure::new(
                DiagnosticCode::StepLimit,
                place,
                "the evaluation takes too many steps",
            )
            .label("it was stopped here")
            .help("does something recurse without end, or grow without bound?");
        }
        if address() < self.stack_end {
            return self.too_deep(place);
        }
        self.out_of_memory(place)
    }

    #[cold]
    fn out_of_memory(&self, place: Place) -> Box<Failure> {
        let message =
            format!("the evaluation takes more than {} MB of memory", self.limits.bytes >> 20);
        too_much(message, place)
    }

    pub(crate) fn too_deep(&self, place: Place) -> Box<Failure> {
        Failure::new(DiagnosticCode::RecursionLimit, place, "the recursion is too deep")
            .label("this call exceeds the limit")
            .help("does the function recurse without end?")
    }
}

fn too_much(message: String, place: Place) -> Box<Failure> {
    Failure::new(DiagnosticCode::MemoryLimit, place, message)
        .label("it was stopped here")
        .help("does a list or string grow without bound?")
}
