//! Signed and encrypted mail. Mail programs show what is inside the signed part, so an edit of the
//! bodies and attachments beside it would not be seen, and some programs would refuse the file.

use super::super::error::Error;
use super::super::row::{EditColumn, File};
use super::super::tree::MessageTree;
use super::place::{EditPlace, Key, PlaceKind, PropertyOwner};
use crate::mail::edit::bodies;
use crate::mail::{Security, security_of};

/// Why such mail is not edited.
pub const REASON: &str = "mail programs show what is in the signed or encrypted part";

/// Refuses an edit of a body or an attachment of signed or encrypted mail.
pub(super) fn refuse(tree: &MessageTree, place: &EditPlace) -> Result<(), Error> {
    match is_covered(tree, place)? {
        true => Err(Error::NotSettable(REASON)),
        false => Ok(()),
    }
}

/// Whether a file is one that the signed or encrypted part replaces. A message that was never saved
/// is still being made: its signed part may be there before the rest.
pub(super) fn is_covered(tree: &MessageTree, place: &EditPlace) -> Result<bool, Error> {
    if tree.is_new {
        return Ok(false);
    }
    let message = match &place.what {
        PlaceKind::File(File { edit: EditColumn::Body { .. }, .. }) => &place.message,
        PlaceKind::Attachment { .. } => &place.message,
        PlaceKind::Property { part: PropertyOwner::Message, key: Key::Tag(tag) }
            if bodies::is_body(*tag) =>
        {
            &place.message
        }
        PlaceKind::Property { part: PropertyOwner::Attachment(_), .. } => &place.message,
        _ => return Ok(false),
    };
    let open = tree.objects.embedded(message)?;
    Ok(security_of(open.attachments()) != Security::None)
}
