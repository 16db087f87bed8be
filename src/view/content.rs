//! What a file of a message holds: bytes made when first asked for, or a stream read by range.

use std::cell::OnceCell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::body::html::Reference;
use crate::imsg::{self, Attachment, MapiProp as _, PropertyStream, Salvaged};
use crate::mapi::tags;
use crate::storage::{Defect, EntryId, Extents, Source, Storage};

use super::attachments::{Shown, reference_target, references};
use super::bodies::Bodies;
use super::composed::Composed;
use super::defects;
use super::derived::{DerivedKind, ole_part};
use super::eml;
use super::error::Error;
use super::json::message_json;
use super::names::UniqueNames;
use super::node::Node;
use super::reader::ReaderFile;
use super::text::{reader_line, render};
use super::tree::{MessageTree, OpenMessage};

/// The content of a file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Text or other small values, made once.
    Bytes(Arc<[u8]>),
    /// The stored bytes of a property.
    Property(PropertyStream),
    /// A stream in `raw/`.
    Stream(Extents),
    /// The message's own file.
    Source(Arc<Source>),
    /// A part of a stream, with bytes made for it before.
    Part {
        /// The bytes before.
        header: Arc<[u8]>,
        /// The stream.
        stream: Extents,
        /// Where the part starts in it.
        start: u64,
        /// The length of the part.
        len: u64,
    },
    /// A file made for this content, without a name of its own.
    Made {
        /// The file, which may hold other contents too.
        file: Arc<File>,
        /// Where this one begins.
        offset: u64,
        /// Its length in bytes.
        len: u64,
    },
    /// A file put together of pieces.
    Composed(Arc<Composed>),
}

impl Content {
    pub(super) fn bytes(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }

    pub(super) fn len(&self) -> Result<u64, Error> {
        Ok(match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Property(stream) => stream.len()?,
            Self::Stream(extents) => extents.stream().len(),
            Self::Source(source) => source.len(),
            Self::Made { len, .. } => *len,
            Self::Composed(composed) => composed.len(),
            Self::Part { header, len, .. } => header.len() as u64 + len,
        })
    }

    /// At most `size` bytes from `offset`, short only at the end.
    pub(super) fn read(&self, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.read_into(offset, size, &mut bytes)?;
        Ok(bytes)
    }

    /// Puts at most `size` bytes from `offset` in the place of what is in `out`. A vector that held
    /// as many before is not cleared first.
    pub(super) fn read_into(
        &self,
        offset: u64,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if let Self::Bytes(bytes) = self {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(size).min(bytes.len());
            out.clear();
            out.extend_from_slice(bytes.get(start..end).unwrap_or_default());
            return Ok(());
        }
        if let Self::Composed(composed) = self {
            out.clear();
            return composed.read(offset, size, out);
        }
        let rest = self.len()?.saturating_sub(offset);
        out.resize(size.min(usize::try_from(rest).unwrap_or(usize::MAX)), 0);
        let read = match self {
            Self::Bytes(_) | Self::Composed(_) => 0,
            Self::Property(stream) => stream.read_at(offset, out)?,
            Self::Stream(stream) => stream.read_at(offset, out)?,
            Self::Source(source) => source.read_at(offset, out)?,
            Self::Made { file, offset: start, .. } => file.read_at(out, start + offset)?,
            Self::Part { header, stream, start, .. } => {
                read_part(header, stream, *start, offset, out)?
            }
        };
        out.truncate(read);
        Ok(())
    }

    /// The memory it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        const OVERHEAD: usize = 64;
        match self {
            Self::Bytes(bytes) => bytes.len() + OVERHEAD,
            Self::Stream(extents) => extents.bytes_held() + OVERHEAD,
            Self::Composed(composed) => composed.bytes_held() + OVERHEAD,
            Self::Part { stream, header, .. } => stream.bytes_held() + header.len() + OVERHEAD,
            _ => OVERHEAD,
        }
    }
}

/// Makes the content of a file of a tree.
pub(super) fn of(tree: &MessageTree, node: Node) -> Result<Content, Error> {
    match node {
        Node::Reader(entry, file) => {
            let open = tree.open_message(entry)?;
            let content = match ReaderFile::BODIES.contains(&file) {
                true => body(tree, &open, entry, file)?,
                false => file.render(&open.message).map(Content::bytes),
            };
            content.ok_or_else(|| {
                let cause = "nothing of the value can be read".to_owned();
                Error::Damaged(Defect { place: file.name().to_owned(), cause })
            })
        }
        Node::Errors(entry) => Ok(Content::bytes(defects::text(&tree.defects_of(entry)))),
        // A message under edit has no file of its own yet.
        Node::MessageMsg(EntryId::ROOT) if !tree.source.is_empty() || tree.file().is_err() => {
            Ok(Content::Source(Arc::clone(&tree.source)))
        }
        Node::MessageMsg(entry) => embedded_msg(tree, entry),
        Node::MessageJson(entry) => message_json(tree, entry).map(Content::bytes),
        Node::MessageEml(entry) => {
            let open = tree.open_message(entry)?;
            Ok(Content::Composed(Arc::new(eml::compose(&open.message, open.attachments())?)))
        }
        Node::Attachment(entry) => attachment(tree, entry),
        Node::Property(entry, index) => property(tree, entry, index),
        Node::Derived(entry, index) => derived(tree, entry, index),
        Node::Element(entry) | Node::Raw(entry, _) => match tree.file()?.stream(entry) {
            Some(stream) => Ok(Content::Stream(stream.extents())),
            None => Err(Error::IsADirectory),
        },
        Node::Message(_)
        | Node::Attachments(_)
        | Node::Mapi(_)
        | Node::Recipients(_)
        | Node::MapiAttachments(_)
        | Node::Named(_)
        | Node::NamedSet(..) => Err(Error::IsADirectory),
    }
}

/// Makes a body, and those that are made of the same, since that is where the time goes.
fn body(
    tree: &MessageTree,
    open: &OpenMessage,
    entry: EntryId,
    wanted: ReaderFile,
) -> Result<Option<Content>, Error> {
    let names = OnceCell::new();
    let resolve = |reference: Reference<'_>| {
        names.get_or_init(|| references(open.attachments())).path(&reference)
    };
    let bodies = Bodies::new(&open.message);
    let content = |file: ReaderFile| file.render_body(&bodies, &resolve).map(Content::bytes);
    if wanted.is_costly(&open.message) {
        let others = ReaderFile::BODIES.into_iter().filter(|file| {
            *file != wanted
                && file.is_costly(&open.message)
                && file.exists(&open.message) == Some(true)
        });
        for file in others {
            if let Some(content) = content(file) {
                tree.keep(tree.id(Node::Reader(entry, file))?, content);
            }
        }
    }
    Ok(content(wanted))
}

/// Whether a content has to be made to know its length, and that takes long: bodies made from
/// others, whole files, and what is made of attachments.
pub(super) fn is_costly(tree: &MessageTree, node: Node) -> bool {
    match node {
        Node::Reader(entry, file) => {
            tree.open_message(entry).is_ok_and(|open| file.is_costly(&open.message))
        }
        Node::MessageMsg(entry) => entry != EntryId::ROOT,
        Node::MessageJson(_) | Node::MessageEml(_) | Node::Derived(..) => true,
        Node::Attachment(entry) => {
            let outer = tree.message_around(entry);
            outer.is_ok_and(|outer| {
                let mut attachments = outer.attachments().iter();
                let found = attachments.find(|one| one.id == entry);
                found.is_some_and(|one| matches!(one.entry, Some((_, Shown::Ole))))
            })
        }
        _ => false,
    }
}

fn attachment(tree: &MessageTree, entry: EntryId) -> Result<Content, Error> {
    let outer = tree.open_message(tree.parent(entry)?)?;
    let found = outer.attachments().iter().find(|one| one.id == entry).ok_or(Error::NotFound)?;
    let attachment = &found.attachment;
    match found.entry {
        Some((_, Shown::Data)) => data(attachment),
        Some((_, Shown::DataFork { start, len })) => data_fork(attachment, start, len),
        Some((_, Shown::Reference)) => {
            let target = reference_target(attachment).unwrap_or_default();
            Ok(Content::bytes(reader_line(&target)))
        }
        Some((_, Shown::Ole)) => made(|file| attachment.write_content_storage(file)),
        Some((_, Shown::Message(_))) => Err(Error::IsADirectory),
        None => Err(Error::NotFound),
    }
}

/// The content of an attachment by value.
pub(super) fn data(attachment: &Attachment) -> Result<Content, Error> {
    match attachment.open_property(tags::PR_ATTACH_DATA_BIN, None) {
        Ok(stream) => Ok(Content::Property(stream)),
        // Writers leave out the stream of an attachment without any bytes.
        Err(imsg::Error::NoProperty { .. }) => Ok(Content::bytes(Vec::new())),
        Err(error) => Err(error.into()),
    }
}

/// The data fork of a MacBinary attachment.
pub(super) fn data_fork(attachment: &Attachment, start: u64, len: u64) -> Result<Content, Error> {
    let (set, _) = attachment.property_set()?;
    let stream = set.get(tags::PR_ATTACH_DATA_BIN).and_then(|one| set.stream(one));
    let stream = stream.ok_or(Error::NotFound)?.extents();
    Ok(Content::Part { header: Arc::default(), stream, start, len })
}

fn derived(tree: &MessageTree, entry: EntryId, index: u32) -> Result<Content, Error> {
    let outer = tree.open_message(tree.parent(entry)?)?;
    let found = outer.attachments().iter().find(|one| one.id == entry).ok_or(Error::NotFound)?;
    match found.derived.as_ref().ok_or(Error::NotFound)?.kind {
        DerivedKind::Ole if index == 0 => {
            let part = ole_part(&found.attachment).ok_or(Error::NotFound)?;
            let len = part.data.end.saturating_sub(part.data.start);
            let stream = part.stream.extents();
            Ok(Content::Part { header: part.header.into(), stream, start: part.data.start, len })
        }
        DerivedKind::Ole => Err(Error::NotFound),
        _ => Ok(Content::Bytes(tree.derived(entry)?.content(index)?)),
    }
}

/// Fills a buffer from `offset` of a part of a stream with its header.
fn read_part(
    header: &[u8],
    stream: &Extents,
    start: u64,
    offset: u64,
    buffer: &mut [u8],
) -> Result<usize, Error> {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(header.len());
    let before = header.get(from..).unwrap_or_default();
    let (head, rest) = buffer.split_at_mut(before.len().min(buffer.len()));
    head.copy_from_slice(before.get(..head.len()).unwrap_or_default());
    let skipped = offset.saturating_sub(header.len() as u64);
    Ok(head.len() + stream.read_at(start.saturating_add(skipped), rest)?)
}

fn property(tree: &MessageTree, entry: EntryId, index: u32) -> Result<Content, Error> {
    let object = tree.object(entry)?;
    let (set, _) = object.property_set()?;
    let index = usize::try_from(index).map_err(|_| Error::NotFound)?;
    let property = set.properties().get(index).ok_or(Error::NotFound)?;
    if let Some(storage) = set.object(property) {
        return Ok(Content::bytes(object_link(tree, entry, &storage)?.into_bytes()));
    }
    if property.tag.property_type().is_binary() && set.stream(property).is_some() {
        return Ok(Content::Property(object.open_property(property.tag, None)?));
    }
    match object.salvage(property.tag)? {
        Salvaged { value: Some(value), .. } => Ok(Content::bytes(render(&value))),
        Salvaged { defect: Some(defect), .. } => Err(Error::Damaged(defect)),
        Salvaged { .. } => Err(Error::NotFound),
    }
}

/// The target of the link that stands for a storage among the properties: what is shown of it
/// under `attachments/`, else the storage itself.
fn object_link(tree: &MessageTree, entry: EntryId, object: &Storage) -> Result<String, Error> {
    let outer = tree.message_around(entry)?;
    if let Some(shown) = outer.attachments().iter().find(|one| one.id == entry)
        && let Some((name, _)) = &shown.entry
    {
        return Ok(format!("../../../attachments/{name}"));
    }
    let name = |text: &str| UniqueNames::default().make(text, "unnamed", "");
    let object = name(object.name());
    Ok(match tree.file()?.storage(entry) {
        Some(part) if outer.message.storage()?.id() != entry => {
            format!("../../../raw/{}/{object}", name(part.name()))
        }
        _ => format!("../raw/{object}"),
    })
}

fn embedded_msg(tree: &MessageTree, entry: EntryId) -> Result<Content, Error> {
    let open = tree.open_message(entry)?;
    made(|file| open.message.write_standalone(file))
}

/// Has a content written into a file without a name, so that its size is known and it takes no
/// memory.
fn made(write: impl FnOnce(File) -> Result<File, imsg::Error>) -> Result<Content, Error> {
    let file = write(tempfile::tempfile()?)?;
    let len = file.metadata()?.len();
    Ok(Content::Made { file: Arc::new(file), offset: 0, len })
}
