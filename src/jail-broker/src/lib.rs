//! The network by name: what a jail's connections go through, outside of it.
//!
//! The jail has a network namespace of its own, in which every address that leads anywhere leads to
//! a socket of the broker's. The broker says which name a synthetic address stands for (`dns`,
//! `names`), judges each step of a connection with `jail-egress` (`connection`, `tls`, `http`,
//! `proxy`), looks names up and dials what was judged (`dial`), and carries the bytes (`relay`).
//! Three processes do it: the broker itself, which the jail talks to and which can do nothing but
//! use its sockets; `factory`, which makes sockets in the jail's namespace; and `outside`, which
//! opens the host's files. The last two never get a byte from the jail.
#![warn(missing_docs)]

mod ask;
mod authority;
mod confine;
mod connection;
mod dial;
mod factory;
mod field_names;
mod given;
mod live;
mod log;
mod names;
mod outside;
mod policy;
mod ports;
mod relay;
mod run;
mod serve;
mod session;
mod socket;
mod start;
mod sys;

pub mod control;
pub mod dns;
pub mod http;
pub mod proxy;
pub mod secrets;
pub mod tls;

pub use run::main;
