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
mod check;
mod classes;
mod cli;
mod commands;
mod corpus;
mod corpus_files;
mod damage;
mod docs;
mod edit;
mod eml;
mod fixture;
mod format;
mod fs;
mod fuzz;
mod golden;
mod hostile;
mod json;
mod library;
mod limits;
mod mail;
mod mount;
mod mutation;
mod package;
mod parts;
mod random;
mod readme;
mod session;
mod splitmix;
#[cfg(feature = "table")]
mod table;
mod writing;
