//! `jailgen explain`: what the examples grant, in words.
