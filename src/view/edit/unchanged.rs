//! Whether bytes that are written to a file are the content that it has already.

use outlook_msg::pieces;

use crate::storage::Source;

use super::super::error::Error;
use super::super::listing::FileKind;
use super::super::tree::MessageTree;
use super::place::{Key, PlaceKind};

/// Whether a file has exactly these bytes. A file that is not there has no bytes, unless it could
/// be there and be empty.
pub(super) fn is_same(
    tree: &MessageTree,
    path: &str,
    what: &PlaceKind,
    bytes: &Source,
) -> Result<bool, Error> {
    let id = match tree.resolve(path) {
        Ok((id, FileKind::File)) => id,
        Err(Error::NotFound) => return Ok(bytes.is_empty() && !can_be_empty(what)),
        _ => return Ok(false),
    };
    // A damaged content equals nothing.
    let Ok(content) = tree.content(id) else { return Ok(false) };
    if content.len().ok() != Some(bytes.len()) {
        return Ok(false);
    }
    let theirs = |at, piece: &mut [u8]| Ok(content.read_at(at, piece).unwrap_or(0));
    pieces::are_same(bytes.len(), |at, piece| bytes.read_at(at, piece), theirs)
        .map_err(|error: std::io::Error| error.into())
}

/// Whether a file can be there and be empty. A text cannot, because Outlook refuses empty strings.
fn can_be_empty(what: &PlaceKind) -> bool {
    match what {
        PlaceKind::Attachment { .. } => true,
        PlaceKind::Property { key: Key::Tag(tag), .. } => tag.property_type().is_binary(),
        PlaceKind::Property { key: Key::Element(..), .. } => true,
        _ => false,
    }
}
