//! An attachment of a message (`IAttach`): its method, and the message or storage inside it.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::mapi::{PropertyName, PropertyTag, Value, tags};
use crate::storage::{Defect, Storage, Transaction};

use super::compose::{self, StringForm};
use super::computed;
use super::draft::{Destination, Draft, DraftState};
use super::edit::{Editable, MapiPropMut as _, edit, edit_properties};
use super::encode::Encoded;
use super::error::Error;
use super::mapi_prop::MapiProp;
use super::message::{EMBEDDING_DEPTH_MAX, Message, MessageData};
use super::note::Note;
use super::properties::PropertySet;
use super::property_editor::RESERVED_MESSAGE;
use super::property_list::{PROPERTY_STREAM, StreamHeader};
use super::registry::{Object, ObjectKind, UnsavedObject};
use super::stream::PropertyStream;
use super::strings::Strings;

/// Where the content of an attachment is (`PR_ATTACH_METHOD`, \[MS-OXCMSG\] 2.2.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachMethod {
    /// `afNone` 0: there is no content.
    None,
    /// `afByValue` 1; also if there is data but no method. The content is `PR_ATTACH_DATA_BIN`.
    ByValue,
    /// `afByReference` 2, `afByReferenceResolve` 3, `afByReferenceOnly` 4, `afByWebReference` 7:
    /// the content is elsewhere, at a path or URL. The library never opens that.
    ByReference,
    /// `afEmbeddedMessage` 5: the content is a message.
    EmbeddedMessage,
    /// `afStorage` 6: the content is the storage of an OLE object.
    Storage,
}

/// An open attachment (`IAttach`). Clones are handles on the same attachment.
#[derive(Clone)]
pub struct Attachment {
    object: Arc<Object<AttachmentData>>,
    /// Its edits, if it was opened for writing.
    draft: Option<Arc<Draft>>,
}

/// The data of an open attachment.
pub(super) struct AttachmentData {
    number: u32,
    storage: Storage,
    /// Read on first use. When a message is listed after an edit, most of its attachments are known
    /// already (`mail::attachments`), and their properties are never needed.
    properties: OnceLock<Arc<PropertySet>>,
    message: Arc<MessageData>,
}

impl AttachmentData {
    pub(super) fn read(number: u32, storage: &Storage, message: Arc<MessageData>) -> Self {
        Self { number, storage: storage.clone(), properties: OnceLock::new(), message }
    }

    fn properties(&self) -> &Arc<PropertySet> {
        let read = || Arc::new(PropertySet::read(&self.storage, StreamHeader::Part));
        self.properties.get_or_init(read)
    }

    /// The storage of `PR_ATTACH_DATA_OBJ`.
    fn content_storage(&self) -> Result<Storage, Error> {
        let set = self.properties();
        data_storage(set).ok_or_else(|| Error::NoObject {
            place: set.storage().path(),
            what: "storage of PR_ATTACH_DATA_OBJ".to_owned(),
        })
    }
}

impl Attachment {
    /// Values that were read in another way than the file states, although nothing is lost.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn notes(&self) -> Result<Vec<Note>, Error> {
        let data = self.object.data()?;
        let mut notes = data.properties().notes_on_strings(data.message.strings());
        notes.extend(self.note_on_data());
        Ok(notes)
    }

    pub(super) fn new(object: Arc<Object<AttachmentData>>, draft: Option<Arc<Draft>>) -> Self {
        Self { object, draft }
    }

    /// Its number in the message (`PR_ATTACH_NUM`).
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn number(&self) -> Result<u32, Error> {
        Ok(self.object.data()?.number)
    }

    /// The storage of the attachment.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn storage(&self) -> Result<Storage, Error> {
        Ok(self.object.data()?.storage.clone())
    }

    /// Where its content is: as `PR_ATTACH_METHOD` states or, if that is missing or contradicts the
    /// content, where the content is found. A storage with the properties of a message is one,
    /// whatever the method.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn method(&self) -> Result<AttachMethod, Error> {
        let set = Arc::clone(self.object.data()?.properties());
        let has_data = set.get(tags::PR_ATTACH_DATA_BIN).is_some();
        let has_storage = set.get(tags::PR_ATTACH_DATA_OBJ).is_some();
        Ok(match set.fixed(tags::PR_ATTACH_METHOD) {
            Some(Value::Integer32(5)) if has_storage || !has_data => AttachMethod::EmbeddedMessage,
            Some(Value::Integer32(6)) if has_storage && !holds_message(&set) => {
                AttachMethod::Storage
            }
            Some(Value::Integer32(2 | 3 | 4 | 7)) if !has_data && !holds_message(&set) => {
                AttachMethod::ByReference
            }
            _ if has_data => AttachMethod::ByValue,
            _ if holds_message(&set) => AttachMethod::EmbeddedMessage,
            _ if has_storage => AttachMethod::Storage,
            Some(Value::Integer32(0)) | None => AttachMethod::None,
            _ => AttachMethod::ByValue,
        })
    }

    /// Opens the embedded message (`OpenProperty` of `PR_ATTACH_DATA_OBJ` as `IMessage`).
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is no storage, [`Error::NotAMessage`] if it holds none,
    /// [`Error::TooDeep`] beyond [`super::EMBEDDING_DEPTH_MAX`], [`Error::SessionClosed`] after
    /// the session was closed.
    pub fn embedded_message(&self) -> Result<Message, Error> {
        let storage = self.object.data()?.content_storage()?;
        if self.draft.is_none() {
            return self.register_message(&storage, None);
        }
        let draft = Draft::on(&storage, Destination::Attachment(self.clone()))?;
        let snapshot = draft.lock().transaction.snapshot();
        self.register_message(&snapshot.root(), Some(draft))
    }

    /// Opens a message that was found inside the content of this attachment (in an attached `.msg`
    /// file, for example). `storage` belongs to the compound file of that content. The message
    /// becomes a child of the attachment in the session.
    ///
    /// # Errors
    /// [`Error::NotAMessage`] if the storage holds none, [`Error::SessionClosed`] after the session
    /// was closed.
    pub fn message_inside(&self, storage: &Storage) -> Result<Message, Error> {
        let chosen = self.object.data()?.message.chosen_code_page();
        let message = MessageData::top_level(storage, chosen)?;
        let object = self.object.register_child(ObjectKind::EmbeddedMessage, message)?;
        Ok(Message::new(object, None))
    }

    fn register_message(
        &self,
        storage: &Storage,
        draft: Option<Arc<Draft>>,
    ) -> Result<Message, Error> {
        let message = MessageData::embedded(storage, &self.object.data()?.message)?;
        let object = self.object.register_child(ObjectKind::EmbeddedMessage, message)?;
        Ok(Message::new(object, draft))
    }

    /// The message of the attachment, if that is writable.
    pub(super) fn message(&self) -> Option<Message> {
        match &self.draft.as_ref()?.destination {
            Destination::Message { message, .. } => Some(message.clone()),
            Destination::Target(_) | Destination::Attachment(_) => None,
        }
    }

    /// How the message of the attachment stores its strings.
    pub(super) fn message_string_form(&self) -> Result<StringForm, Error> {
        Ok(self.object.data()?.message.string_form())
    }

    /// The outermost message that contains this attachment.
    pub(super) fn writable_top(&self) -> Result<Option<Message>, Error> {
        let place = self.storage()?.path();
        Ok(self.draft.as_ref().ok_or(Error::ReadOnly { place })?.top())
    }

    /// Makes a message the content of the attachment.
    pub(super) fn put_message(&self, message: &Transaction) -> Result<(), Error> {
        self.writable_top()?;
        if self.object.data()?.message.is_too_deep() {
            let place = self.storage()?.path();
            return Err(Error::TooDeep { place, depth_max: EMBEDDING_DEPTH_MAX });
        }
        edit(self, true, |state| {
            edit_properties(state, StreamHeader::Part, |editor| {
                let method = Encoded::integer32(compose::EMBEDDED_MESSAGE);
                editor.set(tags::PR_ATTACH_METHOD, method)?;
                editor.set_object(tags::PR_ATTACH_DATA_OBJ, message, RESERVED_MESSAGE)
            })?;
            state.set.insert(tags::PR_ATTACH_DATA_OBJ.id());
            Ok(())
        })
    }

    /// Puts an embedded message that is being saved into the attachment.
    pub(super) fn take_message(&self, message: &Transaction) -> Result<(), Error> {
        edit(self, false, |state| {
            edit_properties(state, StreamHeader::Part, |editor| {
                editor.set_object(tags::PR_ATTACH_DATA_OBJ, message, RESERVED_MESSAGE)
            })?;
            state.set.insert(tags::PR_ATTACH_DATA_OBJ.id());
            Ok(())
        })
    }

    /// The storage of its OLE object (`OpenProperty` of `PR_ATTACH_DATA_OBJ` as `IStorage`).
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, [`Error::SessionClosed`] after the session was closed.
    pub fn content_storage(&self) -> Result<Storage, Error> {
        self.object.data()?.content_storage()
    }

    /// The defects in the list of properties of the attachment, and of its method, without those of
    /// an embedded message.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn defects(&self) -> Result<Vec<Defect>, Error> {
        let data = self.object.data()?;
        let set = data.properties();
        let content = method_defect(set).or_else(|| self.lost_data());
        Ok(set.defects().iter().cloned().chain(content).collect())
    }
}

/// The storage of `PR_ATTACH_DATA_OBJ`, if there is one.
fn data_storage(set: &PropertySet) -> Option<Storage> {
    set.object(set.get(tags::PR_ATTACH_DATA_OBJ)?)
}

/// Whether the storage of `PR_ATTACH_DATA_OBJ` has the properties of a message.
fn holds_message(set: &PropertySet) -> bool {
    data_storage(set).is_some_and(|storage| storage.stream(PROPERTY_STREAM).is_some())
}

/// The defect if an attachment holds a message, and its method is that of another content. If its
/// list of properties is damaged, that is told already.
fn method_defect(set: &PropertySet) -> Option<Defect> {
    let method = match set.fixed(tags::PR_ATTACH_METHOD) {
        Some(Value::Integer32(compose::EMBEDDED_MESSAGE)) => return None,
        Some(Value::Integer32(method)) => format!("the method is {method}"),
        _ if !set.defects().is_empty() => return None,
        _ => "the method is missing".to_owned(),
    };
    let place = || format!("{}/{}", set.storage().path(), tags::PR_ATTACH_METHOD);
    holds_message(set)
        .then(|| Defect { place: place(), cause: format!("{method}, the content is a message") })
}

impl Editable for Attachment {
    fn draft(&self) -> Option<&Arc<Draft>> {
        self.draft.as_ref()
    }

    fn header(&self) -> Result<StreamHeader, Error> {
        Ok(StreamHeader::Part)
    }

    fn string_form(&self) -> Result<StringForm, Error> {
        let data = self.object.data()?;
        Ok(data.message.string_form_of(data.properties()))
    }

    fn is_computed(&self, tag: PropertyTag) -> bool {
        computed::is_of_attachment(tag)
    }

    fn update_dependents(&self, _: &mut DraftState) -> Result<(), Error> {
        Ok(())
    }

    fn publish(&self, state: &DraftState, by_user: bool) -> Result<(), Error> {
        let data = self.object.data()?;
        let storage = state.transaction.snapshot().root();
        let data = AttachmentData::read(data.number, &storage, Arc::clone(&data.message));
        if state.unsaved {
            self.keep_until_saved(by_user)?;
        }
        self.object.replace_data(data)
    }

    fn commit(&self, draft: &Draft, next: &mut DraftState) -> Result<(), Error> {
        computed::complete_attachment(next)?;
        match &draft.destination {
            Destination::Message { message, number } => {
                message.take_attachment(*number, &next.transaction, next.created)
            }
            Destination::Target(_) | Destination::Attachment(_) => Ok(()),
        }
    }

    fn forget_unsaved(&self) {
        self.object.forget_unsaved();
    }

    fn register_name(&self, name: &PropertyName, create: bool) -> Result<Option<u16>, Error> {
        match self.draft.as_ref().and_then(|draft| draft.top()) {
            Some(top) => top.register_name(name, create),
            None => Ok(None),
        }
    }
}

impl Attachment {
    pub(super) fn keep_until_saved(&self, by_user: bool) -> Result<(), Error> {
        self.object.keep_until_saved(Box::new(self.clone()), by_user)
    }
}

impl UnsavedObject for Attachment {
    fn save(&self) -> Result<(), Error> {
        self.save_changes()
    }

    fn describe(&self) -> String {
        match self.draft.as_ref().map(|draft| &draft.destination) {
            Some(Destination::Message { message, number }) => {
                format!("{}, attachment {number}", message.describe())
            }
            _ => String::new(),
        }
    }

    fn recover(&self) -> Option<Result<PathBuf, Error>> {
        None
    }

    fn is_file(&self) -> bool {
        false
    }
}

impl MapiProp for Attachment {
    fn property_set(&self) -> Result<(Arc<PropertySet>, Arc<Strings>), Error> {
        let data = self.object.data()?;
        Ok((Arc::clone(data.properties()), Arc::clone(data.message.strings())))
    }

    fn open_property(
        &self,
        tag: PropertyTag,
        element: Option<u32>,
    ) -> Result<PropertyStream, Error> {
        PropertyStream::open(&self.object, self.object.data()?.properties(), tag, element)
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").field("number", &self.number().ok()).finish()
    }
}
