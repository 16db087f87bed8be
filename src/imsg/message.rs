//! A message on a storage (`IMessage`), of its own file or embedded in an attachment.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::mapi::{CodePage, PropertyTag, Value, tags};
use crate::storage::{Defect, Entry, EntryId, Storage};

use super::attachment::{Attachment, AttachmentData};
use super::error::Error;
use super::names::PropertyNames;
use super::properties::{Header, MapiProp, PropertySet, numbered};
use super::recipient::Recipient;
use super::session::{Object, ObjectKind};
use super::stream::PropertyStream;
use super::strings::Strings;

/// How deep messages may be embedded in each other; real files nest 3 levels.
pub const EMBEDDING_DEPTH_MAX: usize = 64;

const RECIPIENT_PREFIX: &str = "__recip_version1.0_#";
const ATTACHMENT_PREFIX: &str = "__attach_version1.0_#";

/// An open message (`IMessage`). Clones are handles on the same open message; it is released when
/// the last one is dropped or the session is closed.
#[derive(Clone)]
pub struct Message {
    object: Arc<Object<MessageData>>,
}

/// What an open message holds.
pub(super) struct MessageData {
    properties: Arc<PropertySet>,
    strings: Arc<Strings>,
    chosen_code_page: Option<CodePage>,
    names: Arc<PropertyNames>,
    depth: usize,
    store_support_mask: Option<Value>,
    /// The storages of the recipients and attachments with their numbers, in order.
    recipient_storages: Vec<(u32, EntryId)>,
    attachment_storages: Vec<(u32, EntryId)>,
    recipients: OnceLock<Vec<(u32, Arc<PropertySet>)>>,
}

impl MessageData {
    pub(super) fn top_level(
        storage: &Storage,
        chosen_code_page: Option<CodePage>,
    ) -> Result<Self, Error> {
        let properties = PropertySet::read(storage, Header::TopLevelMessage);
        let strings = Strings::new(storage, &properties, chosen_code_page, None);
        let names = Arc::new(PropertyNames::read(storage));
        Self::new(properties, strings, chosen_code_page, names, None)
    }

    pub(super) fn embedded(storage: &Storage, outer: &Self) -> Result<Self, Error> {
        if outer.depth >= EMBEDDING_DEPTH_MAX {
            let place = storage.path();
            return Err(Error::TooDeep { place, depth_max: EMBEDDING_DEPTH_MAX });
        }
        let properties = PropertySet::read(storage, Header::EmbeddedMessage);
        let around = Some(Arc::clone(&outer.strings));
        let strings = Strings::new(storage, &properties, outer.chosen_code_page, around);
        let names = Arc::clone(&outer.names);
        Self::new(properties, strings, outer.chosen_code_page, names, Some(outer))
    }

    fn new(
        properties: PropertySet,
        strings: Strings,
        chosen_code_page: Option<CodePage>,
        names: Arc<PropertyNames>,
        outer: Option<&Self>,
    ) -> Result<Self, Error> {
        let storage = properties.storage();
        if properties.is_empty() {
            return Err(Error::NotAMessage { place: storage.path() });
        }
        let recipient_storages = numbered_storages(storage, RECIPIENT_PREFIX);
        let attachment_storages = numbered_storages(storage, ATTACHMENT_PREFIX);
        let store_support_mask = properties
            .fixed(tags::PR_STORE_SUPPORT_MASK)
            .or_else(|| outer?.store_support_mask.clone());
        Ok(Self {
            properties: Arc::new(properties),
            strings: Arc::new(strings),
            chosen_code_page,
            names,
            depth: outer.map_or(0, |outer| outer.depth + 1),
            store_support_mask,
            recipient_storages,
            attachment_storages,
            recipients: OnceLock::new(),
        })
    }

    fn storage(&self) -> &Storage {
        self.properties.storage()
    }

    pub(super) fn is_embedded(&self) -> bool {
        self.depth > 0
    }

    /// The numbers of the recipients' and of the attachments' storages, in order.
    pub(super) fn part_numbers(&self) -> (Vec<u32>, Vec<u32>) {
        let numbers = |storages: &[(u32, EntryId)]| storages.iter().map(|one| one.0).collect();
        (numbers(&self.recipient_storages), numbers(&self.attachment_storages))
    }

    /// `PR_STORE_SUPPORT_MASK` of this message or the nearest one around it that has it.
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
                Some((*number, Arc::new(PropertySet::read(&storage, Header::Part))))
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
    pub(super) fn new(object: Arc<Object<MessageData>>) -> Self {
        Self { object }
    }

    pub(super) fn data(&self) -> Result<Arc<MessageData>, Error> {
        self.object.data()
    }

    /// The storage the message lies on.
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
        Ok(Arc::clone(&self.data()?.names))
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
    /// [`Error::NoObject`] if there is none of that number, [`Error::SessionClosed`] after the
    /// session was closed.
    pub fn attachment(&self, number: u32) -> Result<Attachment, Error> {
        let data = self.data()?;
        let found = data.attachment_storages.iter().find(|(known, _)| *known == number);
        let storage = found.and_then(|(_, id)| data.storage().file().storage(*id));
        let Some(storage) = storage else {
            let what = format!("attachment {number}");
            return Err(Error::NoObject { place: data.storage().path(), what });
        };
        let attachment = AttachmentData::read(number, &storage, Arc::clone(&data));
        let object = self.object.register_child(ObjectKind::Attachment, attachment)?;
        Ok(Attachment::new(object))
    }

    /// Opens a stream among the properties of a recipient.
    pub(super) fn open_stream_of(
        &self,
        set: &PropertySet,
        tag: PropertyTag,
        element: Option<u32>,
    ) -> Result<PropertyStream, Error> {
        PropertyStream::open(&self.object, set, tag, element)
    }

    /// The damage in the structure of this message and its recipients; that of its values and its
    /// attachments shows when those are read.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn defects(&self) -> Result<Vec<Defect>, Error> {
        let data = self.data()?;
        // The container and the names belong to the file, so to its top-level message.
        let (file, names): (&[_], &[_]) = match data.depth {
            0 => (data.storage().file().defects(), data.names.defects()),
            _ => (&[], &[]),
        };
        let recipients = data.recipients().iter().flat_map(|(_, set)| set.defects());
        let own = data.properties.defects();
        Ok(file.iter().chain(names).chain(own).chain(recipients).cloned().collect())
    }

    /// The memory this message takes, its file's included, in bytes.
    pub fn bytes_held(&self) -> usize {
        // Recipients and attachments are read when asked for; what their lists will take is
        // bounded by the number of streams.
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

/// The storages in a message whose names are a prefix and a number, by that number.
fn numbered_storages(storage: &Storage, prefix: &str) -> Vec<(u32, EntryId)> {
    let mut found: Vec<_> = storage
        .entries()
        .filter_map(|entry| match entry {
            Entry::Storage(storage) => Some((numbered(storage.name(), prefix)?, storage.id())),
            Entry::Stream(_) => None,
        })
        .collect();
    found.sort_unstable();
    found.dedup_by_key(|(number, _)| *number);
    found
}
