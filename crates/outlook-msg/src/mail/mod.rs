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
//! that a mount, a command and Python all show the same. It knows nothing of directories of files.

// The face of the library, one module for each type or for one kind of its methods:
//
// | what | module |
// |---|---|
// | `Mail`: its constructors | `opened` |
// | its getters | `getters`, `parts`, `security`, `wrapped` |
// | whether a getter may have missed something | `unread` |
// | its setters; creating and saving | `setters`, `saves` |
// | other formats of it | `exports`, `output` |
// | `Attachment`, `Recipient`, `PropertyKey`, `Error` | `attachment`, `recipient`, `key`, `error` |
//
// Below the face, the modules that decide what is true. Each imports only from those after it:
//
// | of a message | module |
// |---|---|
// | printed, as a page, as a row | `output`, which also uses the face |
// | edits | `edit` |
// | whole messages in other formats | `formats`: `eml`, `json` |
// | what could not be read | `defects` |
// | appointments, tasks, contacts | `calendar`: `event`, `ics`, `vcf` |
// | bodies | `bodies` |
// | attachments, and what is inside of them | `attachments` |
// | contents of files, in memory or in streams | `content` |
// | what the class says of S/MIME | `smime` |
// | subject, addresses, times, values as texts | `values` |

mod attachment;
#[doc(hidden)]
pub mod attachments;
#[doc(hidden)]
pub mod bodies;
mod calendar;
#[doc(hidden)]
pub mod content;
#[doc(hidden)]
pub mod defects;
#[doc(hidden)]
pub mod edit;
mod error;
mod exports;
mod formats;
mod getters;
mod key;
mod opened;
mod output;
mod parts;
#[cfg(test)]
mod read_counts;
mod recipient;
mod saves;
mod security;
mod setters;
#[doc(hidden)]
pub mod smime;
#[doc(hidden)]
pub mod unread;
mod values;
mod wrapped;

// The modules that the filesystem uses.
#[doc(hidden)]
pub use attachments::{derived, inside, media_type, names, references};
#[doc(hidden)]
pub use calendar::{ics, vcf};
#[doc(hidden)]
pub use content::pieced_file;
#[doc(hidden)]
pub use formats::{eml, json};
#[doc(hidden)]
pub use values::{fields, missing, named, text, value_lines};

pub use crate::imsg::{Address, Defect, Note, RecipientType};
pub use crate::mapi::{CodePage, FileTime, Guid, PropertyTag, PropertyType, Value};
pub use attachment::{Attachment, AttachmentKind, AttachmentReader, Partial};
pub use attachments::names::whole_name;
pub use calendar::event::{
    Attendee, AttendeeResponse, AttendeeRole, ChangedOccurrence, Event, ShowAs,
};
pub use calendar::ics::is_class;
pub use error::Error;
pub use formats::json::SCHEMA;
pub use key::PropertyKey;
#[doc(hidden)]
pub use opened::mail_made_of;
pub use opened::{Mail, READER_BYTES_MAX};
pub use output::page::{LinkTo, PAGE_STYLE, PageOptions};
pub use output::printable::{
    harmless, harmless_lines, is_harmful, size_text, utc_time, without_error_numbers,
};
pub use output::printed::{Marks, Printing};
pub use output::row::{
    Row, RowAddress, RowAttachment, RowEvent, RowFinding, micros_text, sha256, time_micros,
    time_text,
};
pub use recipient::Recipient;
pub use security::Security;
#[doc(hidden)]
pub use security::security_of;
pub use values::fields::{Conversation, Importance, MessageFlags, Reactions, Voting};
pub use wrapped::Wrapped;

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Mail>();
    is_shared::<Attachment>();
    is_shared::<Recipient>();
    is_shared::<crate::imsg::Session>();
};
