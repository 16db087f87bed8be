//! The message session: IMessage on IStorage (\[MS-OXMSG\]).
//!
//! | MAPI | here |
//! |---|---|
//! | `OpenIMsgSession` | [`Session::open`] |
//! | `OpenIMsgOnIStg` | [`Session::open_message`], [`Session::open_message_with`] |
//! | `MSGCALLRELEASE` | [`ReleaseCallback`] |
//! | `IMAPIProp::GetPropList`, `GetProps` | [`MapiProp::property_tags`], [`MapiProp::property`] |
//! | `IMAPIProp::OpenProperty` | [`Message::open_property`], [`Attachment::embedded_message`], [`Attachment::content_storage`] |
//! | `GetNamesFromIDs`, `GetIDsFromNames` | [`Message::names`] |
//! | `IMessage::GetRecipientTable` | [`Message::recipients`] |
//! | `IMessage::GetAttachmentTable`, `OpenAttach` | [`Message::attachments`], [`Message::attachment`] |
//! | `IMAPIProp::SetProps`, `DeleteProps`, `SaveChanges` | [`MapiPropMut`] |
//! | `SetAttribIMsgOnIStg` | [`MapiPropMut::set_property_flags`] |
//! | `IMessage::CreateAttach`, `DeleteAttach` | [`Message::create_attachment`], [`Message::delete_attachment`] |
//! | `IMessage::ModifyRecipients` | [`Message::modify_recipients`], [`Message::set_recipients`] |
//! | `CloseIMsgSession` | [`Session::close`] |
//!
//! A session tracks every object that is opened in it, and [`Session::close`] releases them all;
//! from then on every call on a handle returns [`Error::SessionClosed`]. Damaged values are read as
//! far as possible, and reported as a [`Defect`]. A [`Note`] says where a value was read in another
//! way than the file states.
//!
//! Knows nothing of folders, or of how a message is shown.

mod address;
mod attachment;
mod attachment_content;
mod cache;
mod compose;
mod computed;
mod converted;
mod copy;
mod draft;
mod edit;
mod encode;
mod error;
mod file_target;
mod mapi_prop;
mod message;
mod message_addresses;
mod message_draft;
mod message_edit;
mod name_registry;
mod names;
mod note;
mod nuls;
mod person;
mod person_tags;
mod properties;
mod property_editor;
mod property_list;
mod recipient;
mod recipient_edit;
mod recipient_type;
mod registry;
mod session;
mod sizes;
mod standalone;
mod stream;
mod stream_name;
mod strings;
pub mod structures;
mod transport_headers;
mod value;

pub use crate::mapi::{NameKind, PropertyName};
pub use crate::storage::Defect;
pub use address::{Address, flat_entry_list_of};
pub use attachment::{AttachMethod, Attachment};
pub use cache::MessageCache;
pub use computed::is_computed;
pub use converted::{
    ConvertedAttachment, ConvertedContent, ConvertedFile, ConvertedMessage, ConvertedProperty,
};
pub use copy::is_message;
pub use draft::{Access, Target};
pub use edit::MapiPropMut;
pub use error::Error;
pub use file_target::FileTarget;
pub use mapi_prop::MapiProp;
pub use message::{EMBEDDING_DEPTH_MAX, Message};
pub use names::PropertyNames;
pub use note::Note;
pub use person::flat_entry_list;
pub use person_tags::PersonTags;
pub use properties::{PropertySet, Salvaged};
pub use property_list::{
    PROPATTR_MANDATORY, PROPATTR_READABLE, PROPATTR_WRITEABLE, PROPERTY_STREAM, Property,
};
pub use recipient::Recipient;
pub use recipient_edit::RecipientChange;
pub use recipient_type::RecipientType;
pub use registry::{ObjectKind, ReleaseCallback};
pub use session::{
    CloseReport, SaveOutcome, SaveReport, Session, SessionOptions, SessionStatistics,
};
pub use standalone::{ERRORS_FILE, PARTIAL};
pub use stream::PropertyStream;
pub use stream_name::{is_attachment, is_value_of, may_be_of_attachment};
pub use strings::Strings;
pub use transport_headers::{HeaderField, TransportHeaders};
