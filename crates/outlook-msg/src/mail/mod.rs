//! What a programmer asks of a message.
//!
//! | of a message | module |
//! |---|---|
//! | subject, addresses, times | `fields` |
//! | bodies | `bodies`, `report` |
//! | its values as texts | `reader`, `text` |
//! | appointments, tasks, contacts | `ics`, `vcf`, `content_lines`, `named` |
//! | attachments, their kinds and names | `attachments`, `names`, `references` |
//! | what is inside of attachments | `derived` |
//! | as RFC 5322 and MIME | `eml`, `composed` |
//! | as JSON | `json` |
//! | what could not be read | `defects` |
//!
//! Everything that is true of a message whoever looks (which body, which address, which name) is
//! decided here, once. Knows no directory of files.

mod attachment;
#[doc(hidden)]
pub mod attachments;
#[doc(hidden)]
pub mod bodies;
#[doc(hidden)]
pub mod composed;
#[doc(hidden)]
pub mod content;
mod content_lines;
#[doc(hidden)]
pub mod defects;
#[doc(hidden)]
pub mod derived;
#[doc(hidden)]
pub mod edit;
#[doc(hidden)]
pub mod eml;
mod error;
mod event;
mod exports;
#[doc(hidden)]
pub mod fields;
#[doc(hidden)]
pub mod ics;
mod inline;
#[doc(hidden)]
pub mod json;
mod key;
#[doc(hidden)]
pub mod media_type;
#[doc(hidden)]
pub mod named;
#[doc(hidden)]
pub mod names;
mod opened;
mod page;
mod printed;
#[doc(hidden)]
pub mod reader;
#[cfg(test)]
mod reads;
mod recipient;
#[doc(hidden)]
pub mod references;
mod report;
mod row;
mod saves;
mod security;
mod setters;
mod structures;
mod summary;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod vcf;

pub use crate::imsg::{Address, Defect, Note, RecipientType};
pub use crate::mapi::{FileTime, Guid, PropertyTag, PropertyType, Value};
pub use attachment::{Attachment, AttachmentKind, AttachmentReader, Partial};
pub use error::Error;
pub use event::{Attendee, AttendeeResponse, AttendeeRole, Event};
pub use fields::{Conversation, Importance, MessageFlags, Reactions, Voting};
pub use ics::is_class;
pub use key::PropertyKey;
pub use opened::{Mail, READER_BYTES_MAX};
pub use page::{PAGE_STYLE, PageOptions};
pub use printed::{Marks, Printing, harmless, harmless_lines, is_harmful, size_text, utc_time};
pub use recipient::Recipient;
pub use row::{
    Row, RowAddress, RowAttachment, RowEvent, RowFinding, SCHEMA, micros_text, sha256, time_micros,
    time_text,
};
pub use security::Security;
