//! Edits of the real files.
