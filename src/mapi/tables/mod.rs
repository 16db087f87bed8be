//! The tables of the specification as sorted slices, made by `scripts/tables.py`.
//!
//! Knows no look-up: the modules beside this one search them.

pub(super) mod code_pages;
pub(super) mod locales;
