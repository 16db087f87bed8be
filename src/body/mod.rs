//! The bodies of a message: compressed RTF, RTF, HTML and plain text.
//!
//! Bytes and strings in, strings out: knows nothing of properties, messages and files.

pub mod compressed_rtf;
pub mod html;
pub mod rtf;
mod symbol_font;
