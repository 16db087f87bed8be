//! A message on a storage (`IMessage`): in a file of its own, or embedded in an attachment.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::mapi::{CodePage, PropertyTag, Value, tags};
use crate::storage::{Defect, EntryNumber, Storage};

use super::attachment::{Attachment, AttachmentData};
use super::compose::{self, StringForm};
use super::draft::{Destination, Draft};
use super::encode::is_ansi;
use super::error::Error;
use super::mapi_prop::MapiProp;
use super::names::PropertyNames;
use super::note::Note;
use super::person::{KnownAddresses, ObjectProperties};
use super::properties::PropertySet;
use super::property_list::StreamHeader;
use super::recipient::{Recipient, recipient_defects};
use super::recipient_type::RecipientType;
use super::registry::{Object, ObjectKind};
use super::stream::PropertyStream;
use super::stream_name::{ATTACHMENT_PREFIX, RECIPIENT_PREFIX, numbered};
use super::strings::Strings;
use super::transport_headers::TransportHeaders;

/// How deep messages may be embedded in each other. Real mail has up to 3 levels.
pub const EMBEDDING_DEPTH_MAX: usize = 64;

/// An open message (`IMessage`). Clones are handles on the same open message; it is released when
/// the last one is dropped or the session is closed.
///
/// It has many methods because `IMessage` has: tables of parts, edits of parts, and the message as
/// a whole; `message_edit` has the edits, `message_draft` how they are saved, `MapiProp` and
/// `MapiPropMut` the properties.
#[derive(Clone)]
pub struct Message {
    pub(super) object: Arc<Object<MessageData>>,
    /// Its edits, if it was opened for writing.
    pub(super) draft: Option<Arc<Draft>>,
}

/// The data of an open message.
pub(super) struct MessageData {
    properties: Arc<PropertySet>,
    strings: Arc<Strings>,
    chosen_code_page: Option<CodePage>,
    names: Arc<PropertyNames>,
    depth: usize,
    /// The message that contains this one, if it is embedded.
    outer: Option<Arc<Self>>,
    store_support_mask: Option<Value>,
    /// The storages of the recipients and attachments with their numbers, in order.
    recipient_storages: Vec<(u32, EntryNumber)>,
    attachment_storages: Vec<(u32, EntryNumber)>,
    recipients: OnceLock<Vec<(u32, Arc<PropertySet>)>>,
    headers: OnceLock<Arc<TransportHeaders>>,
    known_addresses: OnceLock<Arc<KnownAddresses>>,
}

impl MessageData {
    pub(super) fn top_level(
        storage: &Storage,
        chosen_code_page: Option<CodePage>,
    ) -> Result<Self, Error> {
        let properties = PropertySet::read(storage, StreamHeader::TopLevelMessage);
        let strings = Strings::new(storage, properties.code_page_hints(), chosen_code_page, None);
        let names = Arc::new(PropertyNames::read(storage));
        Self::new(properties, strings, chosen_code_page, names, None, None)
    }

    pub(super) fn embedded(storage: &Storage, outer: &Arc<Self>) -> Result<Self, Error> {
        if outer.depth >= EMBEDDING_DEPTH_MAX {
            let place = storage.path();
            return Err(Error::TooDeep { place, depth_max: EMBEDDING_DEPTH_MAX });
        }
        let properties = PropertySet::read(storage, StreamHeader::EmbeddedMessage);
        let around = Some(Arc::clone(&outer.strings));
        let strings =
            Strings::new(storage, properties.code_page_hints(), outer.chosen_code_page, around);
        let names = Arc::clone(&outer.names);
        let mask = outer.store_support_mask.clone();
        Self::new(properties, strings, outer.chosen_code_page, names, Some(outer), mask)
    }

    fn new(
        properties: PropertySet,
        strings: Strings,
        chosen_code_page: Option<CodePage>,
        names: Arc<PropertyNames>,
        outer: Option<&Arc<Self>>,
        inherited_mask: Option<Value>,
    ) -> Result<Self, Error> {
        let storage = properties.storage();
        if properties.is_empty() {
            return Err(Error::NotAMessage { place: storage.path() });
        }
        let recipient_storages = numbered_storages(storage, RECIPIENT_PREFIX);
        let attachment_storages = numbered_storages(storage, ATTACHMENT_PREFIX);
        let store_support_mask = properties.fixed(tags::PR_STORE_SUPPORT_MASK).or(inherited_mask);
        Ok(Self {
            properties: Arc::new(properties),
            strings: Arc::new(strings),
            chosen_code_page,
            names,
            depth: outer.map_or(0, |outer| outer.depth + 1),
            outer: outer.cloned(),
            store_support_mask,
            recipient_storages,
            attachment_storages,
            recipients: OnceLock::new(),
            headers: OnceLock::new(),
            known_addresses: OnceLock::new(),
        })
    }

    /// Reads the message again after an edit, from the storage of the new snapshot.
    pub(super) fn reloaded(&self, storage: &Storage) -> Result<Self, Error> {
        let properties = PropertySet::read(storage, self.header());
        let strings = self.strings.reloaded(storage, properties.code_page_hints());
        let names = match self.outer {
            None => Arc::new(PropertyNames::read(storage)),
            Some(_) => Arc::clone(&self.names),
        };
        // Not the mask that this message had: it may have been deleted, and the strings that are
        // set next must be stored as a reader of the file expects them.
        let outer = self.outer.as_ref();
        let mask = outer.and_then(|outer| outer.store_support_mask.clone());
        Self::new(properties, strings, self.chosen_code_page, names, outer, mask)
    }

    pub(super) fn storage(&self) -> &Storage {
        self.properties.storage()
    }

    pub(super) fn properties(&self) -> &PropertySet {
        &self.properties
    }

    pub(super) fn names(&self) -> &PropertyNames {
        &self.names
    }

    /// The code page that the caller of the session has chosen for all 8-bit strings.
    pub(super) fn chosen_code_page(&self) -> Option<CodePage> {
        self.chosen_code_page
    }

    pub(super) fn is_too_deep(&self) -> bool {
        self.depth >= EMBEDDING_DEPTH_MAX
    }

    pub(super) fn header(&self) -> StreamHeader {
        if self.is_embedded() {
            StreamHeader::EmbeddedMessage
        } else {
            StreamHeader::TopLevelMessage
        }
    }

    /// How the message stores its strings.
    pub(super) fn string_form(&self) -> StringForm {
        self.string_form_of(&self.properties)
    }

    /// How an object of the message stores its strings: if it has none, it follows the message.
    pub(super) fn string_form_of(&self, properties: &PropertySet) -> StringForm {
        match is_ansi(properties.tags()).unwrap_or_else(|| self.is_ansi()) {
            true => StringForm { ansi: true, code_page: self.strings.code_page() },
            // The code page is not needed, and finding it means examining all 8-bit strings of the
            // message.
            false => StringForm::UNICODE,
        }
    }

    /// Whether the message stores 8-bit strings: its strings tell, or if it has none,
    /// `PR_STORE_SUPPORT_MASK`.
    pub(super) fn is_ansi(&self) -> bool {
        is_ansi(self.properties.tags()).unwrap_or(match self.store_support_mask {
            Some(Value::Integer32(mask)) => mask & compose::UNICODE_OK == 0,
            _ => false,
        })
    }

    pub(super) fn is_embedded(&self) -> bool {
        self.depth > 0
    }

    /// The defect if the file has named properties, but no names for them, so that nobody knows
    /// what they mean.
    fn missing_names(&self) -> Option<Defect> {
        let count = self.nameless();
        let is_missing = count > 0 && self.names.is_empty();
        is_missing.then(|| Defect {
            place: self.storage().path(),
            cause: format!("the names of {count} named properties are missing"),
        })
    }

    /// How many named properties of the message have no name in the file.
    fn nameless(&self) -> usize {
        self.properties
            .tags()
            .filter(|tag| tag.is_named() && self.names.name(*tag).is_none())
            .count()
    }

    /// The numbers of the storages of recipients and attachments, in order.
    pub(super) fn part_numbers(&self) -> (Vec<u32>, Vec<u32>) {
        let numbers = |storages: &[(u32, EntryNumber)]| storages.iter().map(|one| one.0).collect();
        (numbers(&self.recipient_storages), numbers(&self.attachment_storages))
    }

    /// `PR_STORE_SUPPORT_MASK` of this message, or of the nearest outer message that has it.
    pub(super) fn store_support_mask(&self) -> Option<Value> {
        self.store_support_mask.clone()
    }

    pub(super) fn strings(&self) -> &Arc<Strings> {
        &self.strings
    }

    /// The rows of the recipient table, by `PR_ROWID`, then by storage number.
    pub(super) fn recipients(&self) -> &[(u32, Arc<PropertySet>)] {
        self.recipients.get_or_init(|| {
            let sets = self.recipient_storages.iter().filter_map(|(number, id)| {
                let storage = self.storage().file().storage(*id)?;
                Some((*number, Arc::new(PropertySet::read(&storage, StreamHeader::Part))))
            });
            let mut rows: Vec<_> = sets.collect();
            rows.sort_by_key(|(number, set)| match set.fixed(tags::PR_ROWID) {
                Some(Value::Integer32(row)) => (row.cast_unsigned(), *number),
                _ => (*number, *number),
            });
            rows
        })
    }
}

impl Message {
    pub(super) fn new(object: Arc<Object<MessageData>>, draft: Option<Arc<Draft>>) -> Self {
        Self { object, draft }
    }

    pub(super) fn data(&self) -> Result<Arc<MessageData>, Error> {
        self.object.data()
    }

    /// The storage of the message.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn storage(&self) -> Result<Storage, Error> {
        Ok(self.data()?.storage().clone())
    }

    /// The named properties of the file (`GetNamesFromIDs`, `GetIDsFromNames`).
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn names(&self) -> Result<Arc<PropertyNames>, Error> {
        match self.top() {
            Some(top) => top.names(),
            None => Ok(Arc::clone(&self.data()?.names)),
        }
    }

    /// The recipients in the order of the message (`GetRecipientTable`).
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn recipients(&self) -> Result<Vec<Recipient>, Error> {
        let count = self.data()?.recipients().len();
        Ok((0..count).map(|row| Recipient::new(self.clone(), row)).collect())
    }

    /// The numbers of the attachments, in order (`GetAttachmentTable`, `PR_ATTACH_NUM`).
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn attachments(&self) -> Result<Vec<u32>, Error> {
        Ok(self.data()?.attachment_storages.iter().map(|(number, _)| *number).collect())
    }

    /// Opens an attachment by its number (`OpenAttach`).
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is no attachment of that number, [`Error::SessionClosed`] after
    /// the session was closed.
    pub fn attachment(&self, number: u32) -> Result<Attachment, Error> {
        let data = self.data()?;
        let storages = &data.attachment_storages;
        let found = storages.binary_search_by_key(&number, |(known, _)| *known);
        let found = found.ok().and_then(|at| storages.get(at));
        let storage = found.and_then(|(_, id)| data.storage().file().storage(*id));
        let Some(storage) = storage else {
            let what = format!("attachment {number}");
            return Err(Error::NoObject { place: data.storage().path(), what });
        };
        match self.is_writable() {
            false => self.register_attachment(number, &storage, None),
            true => {
                let destination = Destination::Message { message: self.clone(), number };
                let draft = Draft::on(&storage, destination)?;
                let snapshot = draft.lock().transaction.snapshot();
                self.register_attachment(number, &snapshot.root(), Some(draft))
            }
        }
    }

    /// Whether the message is embedded in an attachment.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn is_embedded(&self) -> Result<bool, Error> {
        Ok(self.data()?.is_embedded())
    }

    /// The code page in which the message stores its strings; `None` if it stores them in Unicode
    /// (\[MS-OXMSG\] 2.1.1.1).
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn string_code_page(&self) -> Result<Option<CodePage>, Error> {
        let form = self.data()?.string_form();
        Ok(form.ansi.then_some(form.code_page))
    }

    /// Whether the message was opened for writing.
    pub fn is_writable(&self) -> bool {
        self.draft.is_some()
    }

    /// Whether the file of the message has never been saved. For an embedded message, this is the
    /// file of the outermost one.
    pub fn is_new(&self) -> bool {
        let top = self.top();
        let message = top.as_ref().unwrap_or(self);
        message.draft.as_ref().is_some_and(|draft| draft.lock().created)
    }

    pub(super) fn register_attachment(
        &self,
        number: u32,
        storage: &Storage,
        draft: Option<Arc<Draft>>,
    ) -> Result<Attachment, Error> {
        let attachment = AttachmentData::read(number, storage, self.data()?);
        let object = self.object.register_child(ObjectKind::Attachment, attachment)?;
        Ok(Attachment::new(object, draft))
    }

    /// The outermost message that contains this one; `None` if this is the outermost message, or is
    /// open for reading only.
    pub(super) fn top(&self) -> Option<Self> {
        self.draft.as_ref()?.top()
    }

    pub(super) fn keep_until_saved(&self, by_user: bool) -> Result<(), Error> {
        self.object.keep_until_saved(Box::new(self.clone()), by_user)
    }

    /// Opens a property of a recipient as a stream.
    pub(super) fn open_stream_of(
        &self,
        set: &PropertySet,
        tag: PropertyTag,
        element: Option<u32>,
    ) -> Result<PropertyStream, Error> {
        PropertyStream::open(&self.object, set, tag, element)
    }

    /// What can be read of a property of the message that contains this one. Named properties have
    /// the same ids there.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn outer_value(&self, tag: PropertyTag) -> Result<Option<Value>, Error> {
        let data = self.data()?;
        let Some(outer) = &data.outer else { return Ok(None) };
        let property = outer.properties.find(tag);
        Ok(property.and_then(|property| outer.properties.salvage(property, &outer.strings).value))
    }

    /// The fields of the transport header.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn transport_headers(&self) -> Result<Arc<TransportHeaders>, Error> {
        let data = self.data()?;
        let headers = data.headers.get_or_init(|| {
            let header = self.text(tags::PR_TRANSPORT_MESSAGE_HEADERS).unwrap_or_default();
            Arc::new(TransportHeaders::parse(&header))
        });
        Ok(Arc::clone(headers))
    }

    /// The SMTP addresses that this message gives for X.500 names.
    pub(super) fn known_addresses(&self) -> Result<Arc<KnownAddresses>, Error> {
        let data = self.data()?;
        let known = data.known_addresses.get_or_init(|| {
            let object = ObjectProperties { set: &data.properties, strings: &data.strings };
            let recipients = data.recipients().iter().map(|(_, set)| &**set);
            let header = |field| self.transport_headers().map(|header| header.addresses(field));
            let header = |field| header(field).unwrap_or_default();
            Arc::new(KnownAddresses::of(object, recipients, header))
        });
        Ok(Arc::clone(known))
    }

    /// The defects in the structure of this message and its recipients. Defects of values and of
    /// attachments are found when these are read.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn defects(&self) -> Result<Vec<Defect>, Error> {
        let data = self.data()?;
        let mut defects = self.list_defects()?;
        defects.extend(data.recipients().iter().flat_map(|(_, set)| recipient_defects(set)));
        defects.extend(self.name_defects()?);
        Ok(defects)
    }

    /// The defects of the compound file and of the list of properties: because of these, any
    /// property may be missing.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn list_defects(&self) -> Result<Vec<Defect>, Error> {
        let data = self.data()?;
        // The compound file belongs to the outermost message.
        let file = if data.depth == 0 { data.storage().file().defects() } else { &[] };
        Ok(file.iter().chain(data.properties.defects()).cloned().collect())
    }

    /// The defects of the map of names: because of these, any named property may be missing.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn name_defects(&self) -> Result<Vec<Defect>, Error> {
        let data = self.data()?;
        // The map belongs to the outermost message.
        let names = if data.depth == 0 { data.names.defects() } else { &[] };
        Ok(names.iter().cloned().chain(data.missing_names()).collect())
    }

    /// What was read in another way than the file states, in this message and its recipients,
    /// although nothing is lost.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn notes(&self) -> Result<Vec<Note>, Error> {
        let data = self.data()?;
        let mut notes = data.properties.notes().to_vec();
        let nameless = data.nameless();
        // This is a note and not a defect, because an undamaged file was seen with such a property.
        if nameless > 0 && !data.names.is_empty() {
            let place = data.storage().path();
            notes
                .push(Note { place, text: format!("named properties without a name: {nameless}") });
        }
        if let Some(guess) = data.strings.guess() {
            let place = data.storage().path();
            notes.push(Note { place, text: format!("8-bit strings are {guess}") });
        }
        let recipients = data.recipients().iter().map(|(_, set)| set);
        notes.extend(recipients.clone().filter_map(|set| RecipientType::note(set)));
        for set in std::iter::once(&data.properties).chain(recipients) {
            notes.extend(set.notes_on_strings(&data.strings));
        }
        Ok(notes)
    }

    /// How many bytes of memory the message and its file take.
    pub fn bytes_held(&self) -> usize {
        // Recipients and attachments are read later, on first use. This bounds what their lists can
        // take, by the number of storages and streams.
        const BYTES_PER_ENTRY: usize = 64;
        self.data().map_or(0, |data| {
            let file = data.storage().file();
            let entries = usize::try_from(file.entry_count()).unwrap_or(usize::MAX);
            file.bytes_held() + data.properties.bytes_held() + entries * BYTES_PER_ENTRY
        })
    }
}

impl MapiProp for Message {
    fn property_set(&self) -> Result<(Arc<PropertySet>, Arc<Strings>), Error> {
        let data = self.data()?;
        Ok((Arc::clone(&data.properties), Arc::clone(&data.strings)))
    }

    fn open_property(
        &self,
        tag: PropertyTag,
        element: Option<u32>,
    ) -> Result<PropertyStream, Error> {
        self.open_stream_of(&self.data()?.properties, tag, element)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.storage().map(|storage| storage.path());
        f.debug_struct("Message").field("storage", &place).finish()
    }
}

/// The storages of a message whose names are `prefix` and a number, in the order of the numbers.
fn numbered_storages(storage: &Storage, prefix: &str) -> Vec<(u32, EntryNumber)> {
    let mut found: Vec<_> = storage
        .names()
        .filter(|(_, _, is_storage)| *is_storage)
        .filter_map(|(id, name, _)| Some((numbered(name, prefix)?, id)))
        .collect();
    found.sort_unstable();
    found.dedup_by_key(|(number, _)| *number);
    found
}
