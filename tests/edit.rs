//! Edits of messages through the library: what is set, saved, killed on the way and kept.

mod corpus;
mod kinds;
mod target;
