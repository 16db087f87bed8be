//! Signed and encrypted mail: people see what is inside the signed part, so that bodies and
//! attachments beside it can be edited in vain only, and other readers refuse the file then.

use super::super::error::Error;
use super::super::row::{Edit, File};
use super::super::tree::MessageTree;
use super::place::{Key, Part, Place, What};
use crate::mail::edit::bodies;

/// Why it is not edited.
pub const REASON: &str = "mail programs show what is in the signed or encrypted part";

/// Refuses an edit of a body or an attachment of signed or encrypted mail.
pub(super) fn refuse(tree: &MessageTree, place: &Place) -> Result<(), Error> {
    match is_covered(tree, place)? {
        true => Err(Error::NotSettable(REASON)),
        false => Ok(()),
    }
}

/// Whether a file says something that the signed or encrypted part says. A message that is being
/// made has to get that part first, and what is beside it may come later.
pub(super) fn is_covered(tree: &MessageTree, place: &Place) -> Result<bool, Error> {
    if tree.is_new() {
        return Ok(false);
    }
    let message = match &place.what {
        What::File(File { edit: Edit::Body { .. }, .. }) => &place.message,
        What::Attachment { .. } => &place.message,
        What::Property { part: Part::Message, key: Key::Tag(tag) } if bodies::is_body(*tag) => {
            &place.message
        }
        What::Property { part: Part::Attachment(_), .. } => &place.message,
        _ => return Ok(false),
    };
    let open = tree.embedded(message)?;
    let mut derived = open.attachments().iter().filter_map(|one| one.derived.as_ref());
    Ok(derived.any(|derived| derived.kind.is_of_message()))
}
