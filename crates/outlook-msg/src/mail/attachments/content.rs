//! The content of an attachment.

use std::sync::Arc;

use crate::imsg::{self, Attachment, MapiProp as _};
use crate::mail::content::{Content, made, part_of};
use crate::mail::error::Error;
use crate::mail::values::text::text_line;
use crate::mapi::tags;

use super::kind::{ContentKind, reference_target};

/// The content of an attachment. An embedded message becomes a `.msg` file, an OLE object a
/// compound file, a link a line with its target.
pub fn of_attachment(attachment: &Attachment, shown: ContentKind) -> Result<Content, Error> {
    match shown {
        ContentKind::Data => data(attachment),
        ContentKind::DataFork { start, len } => data_fork(attachment, start, len),
        ContentKind::Reference => {
            Ok(Content::bytes(text_line(&reference_target(attachment).unwrap_or_default())))
        }
        ContentKind::Ole => match made(|file| attachment.write_content_storage(file)) {
            Err(Error::Message(imsg::Error::NoObject { .. })) => Ok(Content::bytes(Vec::new())),
            content => content,
        },
        ContentKind::Message(_) => {
            made(|file| attachment.embedded_message()?.write_standalone(file))
        }
    }
}

/// The content of an attachment by value, as far as it can be read.
pub fn data(attachment: &Attachment) -> Result<Content, Error> {
    match attachment.open_property(tags::PR_ATTACH_DATA_BIN, None) {
        Ok(stream) => match stream.partial()? {
            None => Ok(Content::Property(stream)),
            // Readers such as the kernel ask for whole pages. A page that extends beyond the
            // readable part must not fail.
            Some((stream, len)) => {
                Ok(Content::Part { header: Arc::default(), stream, start: 0, len })
            }
        },
        // Some programs write no stream for an empty attachment.
        Err(imsg::Error::NoProperty { .. }) => Ok(Content::bytes(Vec::new())),
        Err(error) => Err(error.into()),
    }
}

/// The data fork of a MacBinary attachment.
pub fn data_fork(attachment: &Attachment, start: u64, len: u64) -> Result<Content, Error> {
    let (set, _) = attachment.property_set()?;
    let stream = set.get(tags::PR_ATTACH_DATA_BIN).and_then(|one| set.stream(one));
    let stream = stream.ok_or_else(|| imsg::Error::NoProperty {
        place: set.storage().path(),
        tag: tags::PR_ATTACH_DATA_BIN,
    })?;
    Ok(part_of(stream.extents(), start, len))
}
