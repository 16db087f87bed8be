//! HTML bodies: decoding, rewriting, plain text.
//!
//! Knows nothing of where the HTML came from, or of what is attached to the message.

mod decode;
mod entities;
mod layout;
mod rewrite;
mod text;
mod tokens;

pub use decode::{Decoded, decode};
pub use rewrite::{Reference, content_id_url, restore, rewrite};
pub use text::to_text;
