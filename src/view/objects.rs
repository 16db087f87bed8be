//! The MAPI objects in the compound file of a tree (messages, recipients, attachments), by the
//! entries of their storages.
//!
//! An object is opened when it is first asked for; messages stay open as long as the tree. Knows
//! nothing of numbers, listings or contents of files.

use std::sync::Arc;

use crate::imsg::{self, MapiProp, Message, Property, Session};
use crate::mapi::{FileTime, tags};
use crate::storage::{CompoundFile, Defect, EntryNumber, Source};

use super::attachments::AttachmentNames;
use super::check::Findings;
use super::derived::DerivedKind;
use super::error::Error;
use super::memo::Memo;
use super::node::Node;
use super::opened::TreeMessage;
use super::properties::{PropertyFiles, property_at};

/// The objects of one message file.
#[derive(Debug)]
pub(super) struct Objects {
    /// The file of the message.
    source: Arc<Source>,
    root: Result<Root, Defect>,
    /// The names that the attachments keep; `None` for a message that cannot be edited.
    names: Option<Arc<AttachmentNames>>,
    /// What was found of the attachment that the message file is inside of.
    outer_findings: Findings,
    messages: Memo<EntryNumber, Arc<TreeMessage>>,
    property_files: Memo<EntryNumber, Arc<PropertyFiles>>,
}

/// The outermost message, and the compound file that it is the root of.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) file: Arc<CompoundFile>,
    pub(super) message: Message,
}

impl Objects {
    /// The objects of a file. If no message can be opened in it, each object is damaged.
    ///
    /// # Errors
    /// If the session is closed.
    pub(super) fn open(
        session: &Session,
        source: Arc<Source>,
        file: Result<Arc<CompoundFile>, Error>,
        names: Option<Arc<AttachmentNames>>,
    ) -> Result<Self, Error> {
        let root = match file.and_then(|file| open_root(session, file)) {
            Err(Error::Message(imsg::Error::SessionClosed)) => {
                return Err(imsg::Error::SessionClosed.into());
            }
            Err(Error::Message(error)) => Err(error.into_defect("/")),
            Err(error) => Err(Defect { place: "/".to_owned(), cause: error.to_string() }),
            Ok(root) => Ok(root),
        };
        Ok(Self { names, ..Self::inside(root, source, Findings::default()) })
    }

    /// The objects of a message inside of an attachment of which this was found.
    pub(super) fn inside(
        root: Result<Root, Defect>,
        source: Arc<Source>,
        outer_findings: Findings,
    ) -> Self {
        Self {
            source,
            root,
            names: None,
            outer_findings,
            messages: Memo::default(),
            property_files: Memo::default(),
        }
    }

    /// The file of the message.
    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The names that the attachments keep; `None` for a message that cannot be edited.
    pub(super) fn attachment_names(&self) -> Option<&AttachmentNames> {
        self.names.as_deref()
    }

    /// The compound file, or why it could not be opened.
    pub(super) fn file(&self) -> Result<&Arc<CompoundFile>, Error> {
        match &self.root {
            Ok(root) => Ok(&root.file),
            Err(defect) => Err(Error::Damaged(defect.clone())),
        }
    }

    /// The message whose storage is `entry`.
    pub(super) fn open_message(&self, entry: EntryNumber) -> Result<Arc<TreeMessage>, Error> {
        if let Some(open) = self.messages.get(&entry) {
            return Ok(open);
        }
        let open = if entry == EntryNumber::ROOT {
            match &self.root {
                Ok(root) => {
                    let open = TreeMessage::new(root.message.clone(), 0, self.names.clone());
                    open.with_findings(self.outer_findings.clone())
                }
                Err(defect) => return Err(Error::Damaged(defect.clone())),
            }
        } else {
            // An embedded message lies in an attachment, and the attachment in the message around
            // it.
            let attachment = self.parent(entry)?;
            let outer = self.open_message(self.parent(attachment)?)?;
            let found = outer.attachment(attachment);
            let embedded = found.ok_or(Error::NotFound)?.attachment.embedded_message()?;
            TreeMessage::new(embedded, outer.depth + 1, self.names.clone())
        };
        // The memory of an open message grows with what is made of it, so `bytes_held` asks each.
        Ok(self.messages.put(entry, Arc::new(open), 0))
    }

    /// The embedded messages that have been opened, in the order of the file.
    pub(super) fn embedded_messages_met(&self) -> Vec<Arc<TreeMessage>> {
        let mut met = self.messages.all();
        met.retain(|(entry, _)| *entry != EntryNumber::ROOT);
        met.sort_unstable_by_key(|(entry, _)| *entry);
        met.into_iter().map(|(_, open)| open).collect()
    }

    /// The embedded message that these attachments lead to: an attachment of the outermost message,
    /// one of the message in it, and so on, each by its number.
    pub(super) fn embedded(&self, numbers: &[u32]) -> Result<Arc<TreeMessage>, Error> {
        let mut open = self.open_message(EntryNumber::ROOT)?;
        for number in numbers {
            let attachment = open.message.attachment(*number)?;
            open = self.open_message(attachment.content_storage()?.id())?;
        }
        Ok(open)
    }

    /// The message on a storage, if the name of the storage is that of an embedded message. Other
    /// storages are not tried.
    fn open_message_on(&self, entry: EntryNumber) -> Result<Arc<TreeMessage>, Error> {
        let is_object = entry == EntryNumber::ROOT
            || self
                .file()?
                .storage(entry)
                .is_some_and(|storage| imsg::is_value_of(storage.name(), tags::PR_ATTACH_DATA_OBJ));
        if is_object { self.open_message(entry) } else { Err(Error::NotFound) }
    }

    /// Whether a storage is that of a message.
    pub(super) fn is_message(&self, entry: EntryNumber) -> bool {
        self.open_message_on(entry).is_ok()
    }

    /// The message that a recipient, an attachment or a message belongs to.
    pub(super) fn message_around(&self, entry: EntryNumber) -> Result<Arc<TreeMessage>, Error> {
        self.open_message_on(entry).or_else(|_| self.outer_message(entry))
    }

    /// The message that lies around the storage of an attachment or a recipient.
    pub(super) fn outer_message(&self, entry: EntryNumber) -> Result<Arc<TreeMessage>, Error> {
        self.open_message(self.parent(entry)?)
    }

    /// The message, recipient or attachment whose storage is `entry`.
    pub(super) fn object(&self, entry: EntryNumber) -> Result<Box<dyn MapiProp>, Error> {
        if let Ok(open) = self.open_message_on(entry) {
            return Ok(Box::new(open.message.clone()));
        }
        let outer = self.outer_message(entry)?;
        if let Some(recipient) = outer.recipients().get(&entry) {
            return Ok(Box::new(recipient.clone()));
        }
        let attachment = outer.attachment(entry);
        Ok(Box::new(attachment.ok_or(Error::NotFound)?.attachment.clone()))
    }

    /// The property of an object at a position.
    pub(super) fn property(&self, entry: EntryNumber, index: u32) -> Result<Property, Error> {
        let (set, _) = self.object(entry)?.property_set()?;
        property_at(&set, index).copied()
    }

    /// The files of the properties of an object.
    pub(super) fn property_files(&self, entry: EntryNumber) -> Result<Arc<PropertyFiles>, Error> {
        if let Some(files) = self.property_files.get(&entry) {
            return Ok(files);
        }
        let names = self.open_message(EntryNumber::ROOT)?.message.names()?;
        let (set, _) = self.object(entry)?.property_set()?;
        let files = Arc::new(PropertyFiles::new(&set, &names));
        let bytes_held = files.bytes_held();
        Ok(self.property_files.put(entry, files, bytes_held))
    }

    /// What is made from an attachment; the attachment is not read for that.
    pub(super) fn derived_kind(&self, entry: EntryNumber) -> Result<DerivedKind, Error> {
        let outer = self.outer_message(entry)?;
        let found = outer.attachment(entry);
        let derived = found.and_then(|one| one.derived.as_ref()).ok_or(Error::NotFound)?;
        Ok(derived.kind)
    }

    /// The storage that an entry lies in.
    pub(super) fn parent(&self, entry: EntryNumber) -> Result<EntryNumber, Error> {
        let file = self.file()?;
        let parent = match (file.storage(entry), file.stream(entry)) {
            (Some(storage), _) => storage.parent(),
            (None, Some(stream)) => stream.parent(),
            (None, None) => None,
        };
        Ok(parent.ok_or(Error::NotFound)?.id())
    }

    /// The defects of the message on a storage.
    pub(super) fn defects_of(&self, entry: EntryNumber) -> Vec<Defect> {
        match self.open_message(entry) {
            Ok(open) => open.defects().to_vec(),
            Err(Error::Damaged(defect)) => vec![defect],
            Err(error) => {
                let storage = self.file().ok().and_then(|file| file.storage(entry));
                let place = storage.map_or_else(|| "/".to_owned(), |storage| storage.path());
                vec![match error {
                    Error::Message(error) => error.into_defect(&place),
                    error => Defect { place, cause: error.to_string() },
                }]
            }
        }
    }

    /// The time of the message that a node belongs to.
    pub(super) fn time(&self, node: Node) -> Option<FileTime> {
        let open = match node {
            // Streams and storages are those of the whole file.
            Node::Element(_) | Node::Raw(..) => self.open_message(EntryNumber::ROOT),
            node => self.message_around(node.entry()),
        };
        open.ok()?.time
    }

    /// How much memory the open objects take, with what was made of them, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        // An open file costs a descriptor too, which is scarcer than memory.
        const BYTES_PER_DESCRIPTOR: usize = 1 << 20;
        let descriptor = if self.source.is_file() { BYTES_PER_DESCRIPTOR } else { 0 };
        let root = self.root.as_ref().map_or(0, |root| root.message.bytes_held());
        descriptor
            + root
            + self.property_files.bytes_held()
            + self.messages.sum(|open| open.bytes_held())
    }
}

fn open_root(session: &Session, file: Arc<CompoundFile>) -> Result<Root, Error> {
    let message = session.open_message(&file.root(), imsg::Access::Read)?;
    Ok(Root { file, message })
}
