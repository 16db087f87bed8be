//! The bodies of a message: compressed RTF, RTF, HTML and plain text.
//!
//! Bytes and strings in, strings out: knows nothing of properties, messages and files.

pub mod compressed_rtf;
#[cfg(test)]
mod corpus;
pub mod html;
mod link;
pub mod rtf;
mod symbol_font;
