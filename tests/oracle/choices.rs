//! Choices that a seed determines, for what is written at random.

/// A source of choices.
pub(super) struct Choices(pub(super) u64);

impl Choices {
    pub(super) fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    pub(super) fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.next(words.len() as u64)).unwrap()]
    }
}
