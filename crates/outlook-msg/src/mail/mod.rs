//! What a programmer asks of a message: [`Mail`], its attachments and its recipients.
//!
//! | to | use |
//! |---|---|
//! | open | [`Mail::open`], [`Mail::from_bytes`], [`Mail::from_reader`]; in a session [`Mail::open_in`] |
//! | read | [`Mail::subject`], [`Mail::from`], [`Mail::to`], [`Mail::date`], [`Mail::text`], [`Mail::html`] and more |
//! | take attachments | [`Mail::attachments`], then [`Attachment::save`], [`Attachment::read`], [`Attachment::open`], [`Attachment::message`] |
//! | ask for any property | [`Mail::property`], [`Recipient::property`], [`Attachment::property`] |
//! | know what is damaged | [`Mail::defects`], [`Attachment::read_partial`] |
//! | export | [`Mail::to_eml`], [`Mail::to_ics`], [`Mail::to_vcf`], [`Mail::to_json`], [`Mail::to_msg`], [`Mail::to_row`], [`Mail::write_page`] |
//! | edit | [`Mail::set_subject`], [`Mail::set_to`], [`Mail::set_html`], [`Mail::add_attachment`] and more, then [`Mail::save`] or [`Mail::save_as`] |
//! | make a new message | [`Mail::create`] |
//!
//! Only this layer decides what is true of a message (which body, which address, which name), so
//! that a mount, a command and Python all show the same. Knows no directory of files.

// Which module decides what:
//
// | of a message | module |
// |---|---|
// | subject, addresses, times | `fields` |
// | bodies | `bodies`, `report` |
// | values as texts | `value_lines`, `text` |
// | appointments, tasks, contacts | `ics`, `vcf`, `content_lines`, `named` |
// | attachments, their kinds and names | `attachments`, `names`, `references` |
// | what is inside of attachments | `derived` |
// | the message as RFC 5322 and MIME | `eml`, `pieced_file` |
// | the message as JSON, as one row, as a page, as text | `json`, `row`, `page`, `printed` |
// | what could not be read | `defects` |
// | edits | `edit` |
//
// The methods of `Mail`: `opened` has the constructors, `getters` and `parts` the getters,
// `setters` the setters, `saves` creates and saves messages, `exports` writes other formats.

mod attachment;
#[doc(hidden)]
pub mod attachments;
mod base64;
#[doc(hidden)]
pub mod bodies;
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
mod getters;
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
mod parts;
#[doc(hidden)]
pub mod pieced_file;
mod printable;
mod printed;
#[cfg(test)]
mod read_counts;
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
pub mod value_lines;
#[doc(hidden)]
pub mod vcf;
mod wrapped;

pub use crate::imsg::{Address, Defect, Note, RecipientType};
pub use crate::mapi::{CodePage, FileTime, Guid, PropertyTag, PropertyType, Value};
pub use attachment::{Attachment, AttachmentKind, AttachmentReader, Partial};
pub use error::Error;
pub use event::{Attendee, AttendeeResponse, AttendeeRole, Event};
pub use fields::{Conversation, Importance, MessageFlags, Reactions, Voting};
pub use ics::is_class;
pub use key::PropertyKey;
pub use names::whole_name;
pub use opened::{Mail, READER_BYTES_MAX};
pub use page::{LinkTo, PAGE_STYLE, PageOptions};
pub use printable::{
    harmless, harmless_lines, is_harmful, size_text, utc_time, without_error_numbers,
};
pub use printed::{Marks, Printing};
pub use recipient::Recipient;
pub use row::{
    Row, RowAddress, RowAttachment, RowEvent, RowFinding, SCHEMA, micros_text, sha256, time_micros,
    time_text,
};
pub use security::Security;
pub use wrapped::Wrapped;

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Mail>();
    is_shared::<Attachment>();
    is_shared::<Recipient>();
    is_shared::<crate::imsg::Session>();
};
