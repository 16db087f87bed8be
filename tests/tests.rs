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
mod corpus;
mod fixture;
