//! New attachments that stand in the edit log and wait to come into the message.
//!
//! Each edit makes a new state of the message, in which all of its attachments are read: a program
//! that copies 2,000 files into `attachments/` would have it made 2,000 times. So a new file that
//! lies directly in `attachments/` waits after its `close`: it is in the log, and shown from its
//! buffer. All that wait come into the message in one step before anybody looks at more than
//! names, sizes and times there, before any other edit, and before a save.

use std::sync::Arc;
use std::time::Instant;

use crate::fs::Error;
use crate::fs::edits::open::open_file::OpenFile;
use crate::fs::edits::save::edit_log::Operation;
use crate::fs::error::{message_error, refusal, with_causes};
use crate::storage::Source;
use crate::view::{self, ATTACHMENTS, NodeId};

use super::directory::{MessageState, split};
use super::locked::LockedMessage;

/// A new attachment that is not in the message yet.
#[derive(Debug)]
pub(in crate::fs) struct Waiting {
    number: NodeId,
    path: String,
    value: Arc<Source>,
    at: Instant,
}

/// Whether the name and the attributes of a path do not depend on the attachments that wait, except
/// on the one of this name. That holds for the message directory, for `attachments/`, and for what
/// lies in it. It does not hold for a directory that is made from an attachment, since it appears
/// together with the attachment.
pub(in crate::fs) fn is_told_without(path: &str) -> bool {
    let (parent, name) = split(path);
    path.is_empty()
        || path == ATTACHMENTS
        || (parent == ATTACHMENTS && !name.ends_with(view::DIRECTORY_SUFFIX))
}

impl LockedMessage<'_> {
    /// Whether the bytes of an open file may wait to come into the message.
    pub(super) fn may_wait(&self, file: &OpenFile, path: &str) -> bool {
        let contents = &self.contents;
        let MessageState::Edited(edited) = &contents.state else { return false };
        let (parent, name) = split(path);
        let is_new_attachment =
            parent == ATTACHMENTS && !view::is_embedded_message_name(name) && file.lock().is_new();
        let can_attach = || edited.editor.can_attach(contents.waiting.len(), name);
        is_new_attachment && contents.removals.is_empty() && can_attach()
    }

    /// Notes the bytes of a new attachment in the log, and makes them wait.
    ///
    /// # Errors
    /// If they cannot be noted.
    pub(super) fn wait(
        &mut self,
        file: &OpenFile,
        path: String,
        value: Arc<Source>,
    ) -> Result<(), Error> {
        self.note(&Operation::Set { path: path.clone(), value: Arc::clone(&value) })?;
        let contents = &mut self.contents;
        file.lock().wait();
        contents.touch(&path);
        let number = file.number;
        contents.waiting.retain(|one| one.number != number);
        contents.waiting.push(Waiting { number, path, value, at: Instant::now() });
        Ok(())
    }

    /// Puts the attachments that wait into the message.
    pub(in crate::fs::edits) fn take_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.contents.waiting);
        if waiting.is_empty() {
            return;
        }
        let outcome = self.edit(|editor, tree| {
            editor.in_a_row(|editor| {
                let set = |one: &Waiting| editor.set(tree, &one.path, &one.value, one.at);
                waiting.iter().map(set).collect::<Vec<_>>()
            })
        });
        let outcomes = outcome.unwrap_or_else(|error| {
            tracing::error!("attachments are not in the message: {}", with_causes(&error));
            Vec::new()
        });
        let mut outcomes = outcomes.into_iter();
        for one in &waiting {
            let outcome = outcomes.next();
            let Some(file) = self.contents.files.get(&one.number).cloned() else { continue };
            match outcome {
                Some(Ok(_)) => file.lock().taken(),
                refused => {
                    let path = self.contents.path.join(&one.path);
                    let reason = match refused {
                        Some(Err(error)) => refusal(&message_error(&path, error)),
                        _ => "refused: the message could not be edited".to_owned(),
                    };
                    tracing::error!("{}: not attached: {reason}", path.display());
                    file.lock().refuse(reason);
                    self.edits.keeper.keep_refused(&self.contents, &file);
                }
            }
            if !file.lock().is_open() {
                self.contents.files.remove(&one.number);
            }
        }
    }
}
