//! What a writable mount has besides.

pub(super) mod editors;
pub(super) mod folder;
pub(super) mod message;
pub(super) mod open;
pub(super) mod save;
pub(super) mod stale;
