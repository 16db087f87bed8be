//! Whether bytes that are written to a file are the content that it has already.

use crate::storage::{Source, piece_buffer};

use super::super::error::Error;
use super::super::listing::FileKind;
use super::super::tree::MessageTree;
use super::place::{Key, PlaceKind};

/// How much is compared at a time, so that large values need not be in memory.
const COMPARED_BYTES: usize = 64 << 10;

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
    let mut theirs = piece_buffer(bytes.len(), COMPARED_BYTES);
    let mut ours = theirs.clone();
    let mut offset = 0;
    while offset < bytes.len() {
        let read = bytes.read_at(offset, &mut ours)?;
        let (chunk, there) = (ours.get(..read), theirs.get_mut(..read).unwrap_or_default());
        let is_whole = content.read_at(offset, there).is_ok_and(|found| found == read);
        if read == 0 || !is_whole || Some(&*there) != chunk {
            return Ok(false);
        }
        offset += u64::try_from(read).unwrap_or(u64::MAX);
    }
    Ok(true)
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
