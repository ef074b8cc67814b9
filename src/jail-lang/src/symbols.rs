//! Names as numbers: attribute names and variables are compared all the time and read rarely.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// An interned name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Symbol(u32);

/// The names seen so far.
#[derive(Default)]
pub(crate) struct Symbols {
    inner: RefCell<Inner>,
    /// The memory of the names, which are kept as long as this is.
    bytes: Cell<usize>,
}

#[derive(Default)]
struct Inner {
    ids: HashMap<Rc<str>, Symbol>,
    names: Vec<Rc<str>>,
}

/// The memory of a name besides its characters, in a table and a list.
const OVERHEAD: usize = 96;

impl Symbols {
    /// The symbol of `name`.
    pub(crate) fn intern(&self, name: &str) -> Symbol {
        let mut inner = self.inner.borrow_mut();
        if let Some(symbol) = inner.ids.get(name) {
            return *symbol;
        }
        let symbol = Symbol(u32::try_from(inner.names.len()).unwrap_or(u32::MAX));
        self.bytes.set(self.bytes.get() + name.len() + OVERHEAD);
        let name: Rc<str> = name.into();
        inner.names.push(Rc::clone(&name));
        inner.ids.insert(name, symbol);
        symbol
    }

    /// The memory of the names, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// The symbol of `name`, if something has that name already.
    pub(crate) fn find(&self, name: &str) -> Option<Symbol> {
        self.inner.borrow().ids.get(name).copied()
    }

    /// The name of `symbol`.
    pub(crate) fn name(&self, symbol: Symbol) -> Rc<str> {
        let inner = self.inner.borrow();
        inner.names.get(symbol.0 as usize).cloned().unwrap_or_else(|| "".into())
    }
}
