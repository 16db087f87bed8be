//! The attachments of a message: their kinds, names and contents, and what is made from them.
//!
//! | of an attachment | module |
//! |---|---|
//! | where its content is | `kind` |
//! | its content | `content` |
//! | its name among the others | `shown`, `names` |
//! | its media type | `media_type` |
//! | whether and where the HTML body shows it | `inline`, `references` |
//! | what is made from it | `derived` |
//! | opening the message inside of it | `inside` |

pub mod content;
pub mod derived;
pub(in crate::mail) mod inline;
pub mod inside;
mod kind;
pub mod media_type;
pub mod names;
pub mod references;
mod shown;

pub(in crate::mail) use kind::FILE_NAMES;
pub use kind::{ContentKind, reference_target};
pub use shown::{AttachmentNames, SavedNames, ShownAttachment, references, shown_attachments};
