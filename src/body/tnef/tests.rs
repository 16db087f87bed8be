//! Streams written by a small builder.
