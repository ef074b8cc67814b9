//! `jailgen check`: the examples are clean, and every kind of bad input is told so that its author can mend it.
