//! Edits of messages through the library: what is set, saved, killed on the way and kept.

mod attributes;
mod bodies;
mod close;
mod corpus;
mod crash;
mod early;
mod editor;
mod follows;
mod kinds;
mod many;
mod moved;
mod target;
