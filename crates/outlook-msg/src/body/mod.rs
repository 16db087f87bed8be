//! Formats of bodies, and of attachments that have something inside them.
//!
//! No stability promise: public for `msgfs`. Programs use [`crate::mail`].
//!
//! | content | module |
//! |---|---|
//! | compressed RTF, RTF, HTML and plain text | [`compressed_rtf`], [`rtf`], [`html`] |
//! | signed and encrypted mail | [`cms`], [`mime_entity`] |
//! | headers of mail | [`header`] |
//! | `winmail.dat` | [`tnef`] |
//! | files and pictures in OLE objects | [`ole_native`] |
//! | files of a Macintosh | [`mac_binary`] |
//!
//! Takes and returns bytes and strings. Knows nothing of messages and files.

pub mod cms;
pub mod compressed_rtf;
#[cfg(test)]
mod corpus;
pub mod header;
pub mod html;
mod link;
pub mod mac_binary;
pub mod mime_entity;
#[cfg(test)]
mod mutations;
pub mod ole_native;
pub mod rtf;
mod symbol_font;
pub mod tnef;
