//! A message as a tree of files and directories: names, texts and contents.
//!
//! | directory | module |
//! |---|---|
//! | the table of the files of every message | `files`, its columns `row` |
//! | `attachments/`, `raw/` | `listing`, `content` |
//! | `mapi/` | `properties` |
//! | `signed/`, `winmail.dat.d/` and the like | `nested` |
//! | writing to any of them | `edit` |
//! | the way along a path | `walk` |
//!
//! What the files say is decided in [`crate::mail`].
//!
//! To add a file, say `sensitivity`, write one row into the table in `files`. It has a number that
//! no other row has and that never changes, its name, and how it is read: a function from the
//! message to the bytes, or to nothing if the message has no such value. With `edit` it can be set
//! and removed: one function takes the text that was written, another one removes the value, and
//! the form refuses what can be no such value while it is still being written. Nothing else is to
//! be changed: the file is then found, listed, read, edited and shown with its attributes. Its
//! place among the rows is its place in listings.
//!
//! Knows nothing of inode numbers, folders or the kernel.

mod attributes;
mod check;
mod content;
mod edit;
mod error;
mod files;
mod listing;
mod memo;
mod nested;
mod node;
mod opened;
mod properties;
mod row;
mod tree;
mod walk;

use crate::body::html::Remote;
use crate::mail::{attachments, bodies, defects, derived, eml, fields, json, names, reader, text};

pub use attachments::AttachmentNames;
pub use attributes::ExtendedAttribute;
pub use check::Findings;
pub use derived::DIRECTORY_SUFFIX;
pub use edit::{
    Access as FileAccess, BodyTimes, Change, Editor, SIGNED, StartCheck, access as file_access,
    check_open, is_attachment_path, is_message_name,
};
pub use error::Error;
pub use listing::{Entry, Kind, Listing, is_message_entry};
pub use node::{NodeId, NodeSet, fixed_number, fixed_numbers, fixed_path};
pub use row::{Part, is_made, part_of};
pub use tree::{Attributes, MessageTree};

/// Which of the views that are reachable by name are listed too, and how `body.html` is shown.
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
    /// `message.txt`, which says again what other files say.
    pub text: bool,
    /// Whether `body.html` may load what does not lie beside it.
    pub remote: Remote,
}

impl Show {
    /// All of them, but for `message.txt`.
    pub const ALL: Self = Self {
        mapi: true,
        eml: true,
        json: true,
        msg: true,
        raw: true,
        text: false,
        remote: Remote::Blocked,
    };
}
