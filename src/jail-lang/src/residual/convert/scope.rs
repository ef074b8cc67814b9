//! Which frames the code that is being written binds itself, and which it captured.

use crate::residual::source::{Name, Source};
use crate::value::Env;

/// The frames of the code that is being written: those that it binds itself,
/// and those that it captured.
#[derive(Clone)]
pub(super) struct Scope<'f> {
    pub(super) bound: Vec<Bound>,
    pub(super) captured: &'f Env,
}

#[derive(Clone)]
pub(super) enum Bound {
    Names(Vec<Name>),
    With(Source),
}

impl Scope<'_> {
    pub(super) fn with(&self, bound: Bound) -> Self {
        let mut scope = self.clone();
        scope.bound.push(bound);
        scope
    }

    /// The frame this many levels up, if the code binds it itself.
    pub(super) fn frame(&self, up: u32) -> Option<&Bound> {
        self.bound.iter().rev().nth(up as usize)
    }

    /// How many levels a captured frame is above the captured environment.
    pub(super) fn beyond(&self, up: u32) -> u32 {
        up.saturating_sub(u32::try_from(self.bound.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn binds(&self, name: &str) -> bool {
        self.bound.iter().any(|bound| match bound {
            Bound::Names(names) => {
                names.iter().any(|bound| matches!(bound, Name::Fixed(bound) if bound == name))
            }
            Bound::With(_) => false,
        })
    }
}
