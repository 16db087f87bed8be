//! Opens the messages inside of the attachments of one file (signed mail, `winmail.dat`, `.msg` and
//! `.eml` files), within limits, and says where they are.
//!
//! Everything that looks into attachments does it here, so the same messages are opened, and the
//! same is said of those that are not.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::imsg::{self, Attachment};
use crate::mail::error::Error;
use crate::storage::Defect;

use super::derived::{DerivedEntry, DerivedKind, Inside, content_len};
use super::shown::ShownAttachment;

/// Messages inside of attachments are opened up to this depth.
const INSIDE_DEPTH_MAX: u32 = 8;
/// In one file, attachments of at most this many bytes together are opened as messages, plus
/// [`INSIDE_BYTES_PER_BYTE`] for each byte of the file.
const INSIDE_BYTES_MAX: u64 = 32 << 20;
const INSIDE_BYTES_PER_BYTE: u64 = 4;

/// Counts how many bytes inside of the attachments of one file may still be opened. Without a
/// limit, a file whose streams overlap could contain itself very many times.
#[derive(Debug)]
pub struct InsideLimit {
    bytes: AtomicU64,
}

impl InsideLimit {
    /// The limit of a file of this length.
    pub fn new(file_len: u64) -> Self {
        let more = file_len.saturating_mul(INSIDE_BYTES_PER_BYTE);
        Self { bytes: AtomicU64::new(INSIDE_BYTES_MAX.saturating_add(more)) }
    }

    /// Opens the message inside of an attachment, which is inside of `depth` others.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the place in that message, `/`, if it cannot or may not be opened;
    /// [`Error::Message`] if the session was closed.
    pub fn open(
        &self,
        kind: DerivedKind,
        attachment: &Attachment,
        depth: u32,
    ) -> Result<Inside, Error> {
        let damaged = |cause| Error::Damaged(Defect { place: "/".to_owned(), cause });
        self.take(depth, content_len(attachment)).map_err(damaged)?;
        Inside::open(kind, attachment).map_err(|error| match error {
            Error::Message(imsg::Error::SessionClosed) | Error::Damaged(_) => error,
            error => damaged(error.to_string()),
        })
    }

    /// As [`InsideLimit::open`] for what is made from an attachment of a message whose place is
    /// `around`. Returns the place of what is found in it, too, which is before that of the defect.
    pub(in crate::mail) fn open_at(
        &self,
        one: &ShownAttachment,
        derived: &DerivedEntry,
        around: &str,
        depth: u32,
    ) -> (String, Result<Inside, Defect>) {
        let place = around.to_owned() + &place_inside(one, derived);
        let opened = self.open(derived.kind, &one.attachment, depth).map_err(|error| match error {
            Error::Damaged(defect) => defect.below(&place),
            error => Defect { place: place.clone(), cause: error.to_string() },
        });
        (place, opened)
    }

    /// Counts an attachment of `len` bytes that is opened. `depth` is the number of attachments
    /// that its message is inside of.
    ///
    /// # Errors
    /// Why it may not be opened.
    fn take(&self, depth: u32, len: u64) -> Result<(), String> {
        if depth >= INSIDE_DEPTH_MAX {
            return Err(format!(
                "messages inside of attachments more than {INSIDE_DEPTH_MAX} deep"
            ));
        }
        let taken = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(len));
        taken.map(drop).map_err(|left| {
            format!("an attachment of {len} bytes is not looked into: {left} are left for it")
        })
    }
}

/// The place of what is made from an attachment, in the file of the message.
pub fn place_inside(one: &ShownAttachment, derived: &DerivedEntry) -> String {
    let storage = one.attachment.storage().map(|storage| storage.path()).unwrap_or_default();
    format!("{storage}/{}", derived.name)
}
