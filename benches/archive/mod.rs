//! An archive with the size and structure of real mail, the same in every run.
//!
//! | step | module |
//! |---|---|
//! | seeded numbers | `random` |
//! | what people write: subjects, bodies, RTF around HTML | `prose` |
//! | one message of a given size | `mail` |
//! | the folders and files | `folders` |
//!
//! Knows nothing of how messages are read. Shared by the benchmarks and the examples.

#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "it writes what it knows, and each program uses a part of it"
)]

#[path = "../../tests/fixture/mod.rs"]
mod fixture;
mod folders;
mod mail;
mod prose;
mod random;

pub(crate) use folders::{write_folder, write_large, write_mailbox};
pub(crate) use mail::{ansi_message, message};
pub(crate) use prose::{encapsulated, paragraphs};
pub(crate) use random::Random;
