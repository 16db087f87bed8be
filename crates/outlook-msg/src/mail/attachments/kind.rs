//! The kinds of attachments, by where their content is.

use std::ops::Range;

use crate::body::mac_binary::{self, MacBinary};
use crate::imsg::{AttachMethod, Attachment, MapiProp as _};
use crate::mapi::{PropertyTag, Value, tags};
use crate::storage::EntryNumber;

/// `PR_ATTACH_ENCODING` of a MacBinary file: the object identifier 1.2.840.113556.3.11.1.
const MAC_BINARY_ENCODING: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x14, 0x03, 0x0B, 0x01];

/// How an attachment is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// A file with the content.
    Data,
    /// A message directory; the id is that of the storage of the embedded message.
    Message(EntryNumber),
    /// A file with the data fork of a MacBinary file, which is this range of bytes.
    DataFork { start: u64, len: u64 },
    /// A compound file made from the storage of the OLE object.
    Ole,
    /// A text file with the path or address of the linked file.
    Reference,
}

impl ContentKind {
    /// The kind of an attachment; `None` if it has no content.
    pub(super) fn of(attachment: &Attachment) -> Option<Self> {
        match attachment.method().ok()? {
            AttachMethod::None => None,
            AttachMethod::ByValue => match mac_binary(attachment) {
                Some(MacBinary { data: Range { start, end }, .. }) => {
                    Some(Self::DataFork { start, len: end - start })
                }
                None => Some(Self::Data),
            },
            AttachMethod::ByReference => Some(Self::Reference),
            AttachMethod::EmbeddedMessage => {
                Some(Self::Message(attachment.content_storage().ok()?.id()))
            }
            AttachMethod::Storage => Some(Self::Ole),
        }
    }
}

/// The properties by which an attachment is named, and by which it is known what it is.
pub(in crate::mail) const FILE_NAMES: [PropertyTag; 9] = [
    tags::PR_ATTACH_LONG_FILENAME,
    tags::PR_ATTACH_FILENAME,
    tags::PR_DISPLAY_NAME,
    tags::PR_ATTACH_EXTENSION,
    tags::PR_ATTACH_LONG_PATHNAME,
    tags::PR_ATTACH_PATHNAME,
    tags::PR_ATTACH_MIME_TAG,
    tags::PR_ATTACH_ENCODING,
    tags::PR_ATTACH_METHOD,
];

/// The path or URL that an attachment by reference leads to.
pub fn reference_target(attachment: &Attachment) -> Option<String> {
    let places = [
        tags::PR_ATTACH_LONG_PATHNAME,
        tags::PR_ATTACH_PATHNAME,
        tags::PR_ATTACH_LONG_FILENAME,
        tags::PR_ATTACH_FILENAME,
    ];
    places.into_iter().find_map(|tag| text(attachment, tag))
}

/// The MacBinary header of an attachment, if it is a MacBinary file (\[MS-OXCMSG\] 2.2.2.15).
pub(super) fn mac_binary(attachment: &Attachment) -> Option<MacBinary> {
    match attachment.property(tags::PR_ATTACH_ENCODING).ok()? {
        Value::Binary(encoding) if encoding == MAC_BINARY_ENCODING => {}
        _ => return None,
    }
    let (set, _) = attachment.property_set().ok()?;
    let stream = set.stream(set.get(tags::PR_ATTACH_DATA_BIN)?)?;
    let mut header = [0; mac_binary::HEADER_LEN];
    let len = stream.read_at(0, &mut header).ok()?;
    mac_binary::read(header.get(..len)?, stream.len())
}

/// A text of an attachment that is not blank.
pub(super) fn text(attachment: &Attachment, tag: PropertyTag) -> Option<String> {
    attachment.text(tag).filter(|text| !text.trim().is_empty())
}
