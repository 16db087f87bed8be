//! Writing: that edits are what a plain model says, reach the source whole or not at all, and are
//! never lost without a word.
//!
//! The model and the calls it makes know no mount; `mounted` and `direct` carry them out.

mod attaching;
mod attachment_names;
mod children;
mod closing;
mod conflicts;
mod crash;
mod creators;
mod direct;
mod directories;
mod ending;
mod faults;
mod files;
mod full_disk;
mod handles;
mod killed;
mod model;
mod mounted;
mod moves;
mod operations;
mod orphans;
pub(crate) mod places;
mod refusals;
mod renamed_source;
mod reopened;
mod replaced;
mod round_trip;
mod rules;
mod state;
mod streams;
mod synced;
mod traces;
mod unsavable;
mod values;
mod words;
