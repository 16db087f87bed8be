//! The tables of the specification as sorted slices, made by `scripts/tables.py`.
//!
//! Knows no look-up: the modules beside this one search them.

pub(super) mod code_pages;
pub(super) mod locales;
pub(super) mod named_properties;
pub(super) mod property_sets;
pub(super) mod property_tags;
