//! One integration binary; each module is one suite.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod browse;
mod calendar;
mod classes;
mod corpus;
mod eml;
mod fixture;
mod format;
mod hostile;
mod limits;
mod mail;
mod mount;
mod mutation;
mod parts;
mod session;
