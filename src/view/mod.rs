//! A message as a tree of files and directories: names, texts and contents.
//!
//! | directory | module |
//! |---|---|
//! | a message: `subject`, `from`, `body.txt` and the like | `reader`, `bodies` |
//! | `event.ics`, `task.ics`, `contact.vcf` | `ics`, `vcf`, `content_lines`, `named` |
//! | `attachments/` | `attachments` |
//! | `mapi/` | `properties`, `text` |
//! | `raw/`, `message.msg`, `ERRORS` | `listing`, `content`, `defects` |
//!
//! Knows nothing of inode numbers, folders or the kernel.

mod attachments;
mod attributes;
mod bodies;
mod content;
mod content_lines;
mod defects;
mod error;
mod ics;
mod listing;
mod named;
mod names;
mod node;
mod properties;
mod reader;
mod text;
mod tree;
mod vcf;

pub use attributes::ExtendedAttribute;
pub use error::Error;
pub use listing::{Entry, Kind, Listing, is_message_entry};
pub use node::NodeId;
pub use tree::{Attributes, MessageTree};

/// Which of the views that are reachable by name are listed too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// `mapi/`.
    pub mapi: bool,
    /// `message.msg`.
    pub msg: bool,
    /// `raw/`.
    pub raw: bool,
}
