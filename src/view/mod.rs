//! A message as a tree of files and directories: names, texts and contents.
//!
//! | directory | module |
//! |---|---|
//! | a message: `subject`, `from`, `body.txt` and the like | `reader`, `bodies` |
//! | `event.ics`, `task.ics`, `contact.vcf` | `ics`, `vcf`, `content_lines`, `named` |
//! | `attachments/` | `attachments` |
//! | `signed/`, `encrypted`, what is inside attachments | `derived` |
//! | `mapi/` | `properties`, `text` |
//! | `message.eml` | `eml`, `composed` |
//! | writing to any of them | `edit` |
//! | `raw/`, `message.msg`, `ERRORS` | `listing`, `content`, `defects` |
//!
//! Knows nothing of inode numbers, folders or the kernel.

mod attachments;
mod attributes;
mod bodies;
mod check;
mod composed;
mod content;
mod content_lines;
mod defects;
mod derived;
mod edit;
mod eml;
mod error;
mod ics;
mod json;
mod listing;
mod named;
mod names;
mod node;
mod properties;
mod reader;
mod references;
mod report;
mod text;
mod tree;
mod vcf;

pub use attachments::AttachmentNames;
pub use attributes::ExtendedAttribute;
pub use check::Findings;
pub use edit::{
    Access as FileAccess, Editor, access as file_access, is_attachment_path, is_message_name,
};
pub use error::Error;
pub use listing::{Entry, Kind, Listing, is_message_entry};
pub use node::{NodeId, NodeSet};
pub use tree::{Attributes, MessageTree};

/// Which of the views that are reachable by name are listed too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Show {
    /// `mapi/`.
    pub mapi: bool,
    /// `message.json`.
    pub json: bool,
    /// `message.eml`.
    pub eml: bool,
    /// `message.msg`.
    pub msg: bool,
    /// `raw/`.
    pub raw: bool,
}

impl Show {
    /// All of them.
    pub const ALL: Self = Self { mapi: true, eml: true, json: true, msg: true, raw: true };
}
