//! A message as a tree of files and directories.
//!
//! | what | module |
//! |---|---|
//! | the tree, which answers for each node | `tree` |
//! | what is open: messages, recipients, attachments | `objects`, `opened` |
//! | the numbers of the nodes | `node` |
//! | the table of the files of a message | `files`; its columns are in `row` |
//! | `-o show=` | `show` |
//! | `attachments/`, `raw/` | `listing`, `content` |
//! | `mapi/` | `properties` |
//! | `signed/`, `winmail.dat.d/` and the like | `nested` |
//! | writing to any of them | `edit` |
//! | extended attributes | `attributes` |
//! | what cannot be read | `check` |
//! | following a path | `walk` |
//!
//! What the files say is decided in [`crate::mail`].
//!
//! To add a file, write one row into the table in `files`; docs/architecture.md shows an example.
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
mod objects;
mod opened;
mod properties;
mod row;
mod show;
mod tree;
mod walk;

use crate::mail::{
    attachments, bodies, defects, derived, eml, fields, json, names, text, value_lines,
};

pub use attachments::{AttachmentNames, SavedNames};
pub use attributes::ExtendedAttribute;
pub use check::Findings;
pub use derived::{DIRECTORY_SUFFIX, SIGNED};
pub use edit::{
    BodyTimes, Change, Editor, FileAccess, MISTYPED, NO_TEXT, ROW_STAYS, SIGNED_IS_PROTECTED,
    STAYS_WITH_CONTENT, StartCheck, access as file_access, check_complete, check_open,
    is_embedded_message_name, is_embedded_message_path,
};
pub use error::Error;
pub use files::{CLASS, ERRORS, MAPI, MESSAGE_EML, MESSAGE_JSON, MESSAGE_MSG, RAW};
pub use listing::{FileKind, Listing, ListingEntry, is_message_entry};
pub use names::ATTACHMENTS;
pub use node::{NodeId, NodeSet, fixed_number, fixed_numbers, fixed_path};
pub use row::{
    SearchPart, combines_values, file_names, is_attachment_path, is_view_of_message, part_of,
    shows_what_nothing_sets,
};
pub use show::Show;
pub use tree::{Attributes, MessageTree, ShownMessage};
