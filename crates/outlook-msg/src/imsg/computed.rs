//! The properties that follow from others (`MAPI_E_COMPUTED`): which they are, and their values
//! when an object is saved.
//!
//! Only those are computed anew whose cause has changed: what another writer made of an untouched
//! cause stays as it is.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::mapi::{CodePage, FileTime, PropertyTag, Value, tags};

use super::compose::Form;
use super::draft::State;
use super::edit::{edit_properties, put, stored_tag};
use super::encode::encode;
use super::error::Error;
use super::message::Message;
use super::properties::{Header, MapiProp as _};
use super::property_editor::PropertyEditor;
use super::recipient::RecipientType;

/// `MSGFLAG_HASATTACH` of `PR_MESSAGE_FLAGS`.
const HAS_ATTACHMENTS: i32 = 0x10;
/// Letters that a prefix of a subject has at most, before `: ` (\[MS-OXCMSG\] 3.2.5.2).
const PREFIX_LETTERS_MAX: usize = 3;

/// Whether no object lets a property of this tag be set, since it follows from others.
pub fn is_computed(tag: PropertyTag) -> bool {
    is_of_message(tag) || is_of_attachment(tag)
}

/// Whether a property of a message follows from others.
pub(super) fn is_of_message(tag: PropertyTag) -> bool {
    [
        tags::PR_DISPLAY_TO,
        tags::PR_DISPLAY_CC,
        tags::PR_DISPLAY_BCC,
        tags::PR_HASATTACH,
        tags::PR_MESSAGE_SIZE,
        tags::PR_SUBJECT_PREFIX,
        tags::PR_NORMALIZED_SUBJECT,
        tags::PR_MESSAGE_RECIPIENTS,
        tags::PR_MESSAGE_ATTACHMENTS,
    ]
    .iter()
    .any(|computed| computed.id() == tag.id())
}

/// Whether a property of an attachment is computed.
pub(super) fn is_of_attachment(tag: PropertyTag) -> bool {
    [tags::PR_ATTACH_NUM, tags::PR_ATTACH_SIZE].iter().any(|computed| computed.id() == tag.id())
}

/// The properties that would say what a deleted one said.
pub(super) fn followers(tag: PropertyTag) -> &'static [PropertyTag] {
    match tag.id() == tags::PR_SUBJECT.id() {
        true => &[tags::PR_SUBJECT_PREFIX, tags::PR_NORMALIZED_SUBJECT],
        false => &[],
    }
}

/// Computes what is to be saved with the edits of a message.
pub(super) fn complete_message(message: &Message, state: &mut State) -> Result<(), Error> {
    let data = message.data()?;
    let (recipients, attachments) = data.part_numbers();
    let bytes = state.transaction.content_bytes();
    let form = data.form();
    let subject = message.text(tags::PR_SUBJECT).unwrap_or_default();
    let flags = message.integer(tags::PR_MESSAGE_FLAGS);
    let recipients_changed = match state.created {
        true => RecipientType::ALL.to_vec(),
        false => state.recipients_changed.clone(),
    };
    let attachments_changed = state.attachments_changed || state.created;
    let subject_changed = state.has_set(tags::PR_SUBJECT);
    edit_properties(state, data.header(), |editor| {
        if !recipients_changed.is_empty() {
            set_counts(editor.header_mut(), 0, &recipients);
            for (tag, wanted) in [
                (tags::PR_DISPLAY_TO, RecipientType::To),
                (tags::PR_DISPLAY_CC, RecipientType::Cc),
                (tags::PR_DISPLAY_BCC, RecipientType::Bcc),
            ] {
                if !recipients_changed.contains(&wanted) {
                    continue;
                }
                let names = display_names(message, wanted)?;
                // An empty text that another writer has put there says the same as none.
                if message.text(tag).unwrap_or_default() != names {
                    set_text(editor, tag, names, form)?;
                }
            }
        }
        if attachments_changed {
            set_counts(editor.header_mut(), 1, &attachments);
            set(editor, tags::PR_HASATTACH, &Value::Boolean(!attachments.is_empty()))?;
            if let Some(flags) = flags {
                let flags = match attachments.is_empty() {
                    true => flags & !HAS_ATTACHMENTS,
                    false => flags | HAS_ATTACHMENTS,
                };
                set(editor, tags::PR_MESSAGE_FLAGS, &Value::Integer32(flags))?;
            }
        }
        if subject_changed {
            let (prefix, normalized) = subject.split_at(prefix_len(&subject));
            set_text(editor, tags::PR_SUBJECT_PREFIX, prefix.to_owned(), form)?;
            set_text(editor, tags::PR_NORMALIZED_SUBJECT, normalized.to_owned(), form)?;
        }
        if editor.has(tags::PR_MESSAGE_SIZE.id()) {
            set(editor, tags::PR_MESSAGE_SIZE, &size(bytes))?;
        }
        set(editor, tags::PR_LAST_MODIFICATION_TIME, &Value::Time(now()))
    })
}

/// Computes what is to be saved with the edits of an attachment.
pub(super) fn complete_attachment(state: &mut State) -> Result<(), Error> {
    let bytes = state.transaction.content_bytes();
    let content_changed = state.created || state.has_set(tags::PR_ATTACH_DATA_BIN);
    edit_properties(state, Header::Part, |editor| {
        if content_changed {
            set(editor, tags::PR_ATTACH_SIZE, &size(bytes))?;
        }
        match editor.has(tags::PR_LAST_MODIFICATION_TIME.id()) {
            true => set(editor, tags::PR_LAST_MODIFICATION_TIME, &Value::Time(now())),
            false => Ok(()),
        }
    })
}

/// The time now.
pub(super) fn now() -> FileTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    FileTime::from_unix(seconds, since.subsec_nanos()).unwrap_or(FileTime(0))
}

fn set_text(
    editor: &mut PropertyEditor<'_>,
    tag: PropertyTag,
    text: String,
    form: Form,
) -> Result<(), Error> {
    let tag = stored_tag(tag, form.ansi);
    put(editor, tag, encode(tag, &Value::String(text), form.code_page)?)
}

fn set(editor: &mut PropertyEditor<'_>, tag: PropertyTag, value: &Value) -> Result<(), Error> {
    put(editor, tag, encode(tag, value, CodePage::WINDOWS_1252)?)
}

/// The next id and the count of the recipients (0) or of the attachments (1) in the header of a
/// message (\[MS-OXMSG\] 2.4.1.1).
fn set_counts(header: &mut [u8], which: usize, numbers: &[u32]) {
    let next = numbers.last().map_or(0, |last| last.saturating_add(1));
    let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    for (at, number) in [(8 + 4 * which, next), (16 + 4 * which, count)] {
        if let Some(field) = header.get_mut(at..at + 4) {
            field.copy_from_slice(&number.to_le_bytes());
        }
    }
}

fn display_names(message: &Message, wanted: RecipientType) -> Result<String, Error> {
    let recipients = message.recipients()?;
    let names = recipients.iter().filter(|one| one.recipient_type() == wanted).filter_map(|one| {
        let name = one.text(tags::PR_DISPLAY_NAME).filter(|name| !name.is_empty());
        name.or_else(|| one.text(tags::PR_EMAIL_ADDRESS))
    });
    Ok(names.collect::<Vec<_>>().join("; "))
}

/// The length of the prefix of a subject, as `RE: `: letters, a colon and a blank.
fn prefix_len(subject: &str) -> usize {
    let Some((letters, _)) = subject.split_once(": ") else { return 0 };
    let count = letters.chars().count();
    let is_prefix = (1..=PREFIX_LETTERS_MAX).contains(&count)
        && !letters.contains(|letter: char| letter.is_numeric() || letter == ':');
    if is_prefix { letters.len() + 2 } else { 0 }
}

fn size(bytes: u64) -> Value {
    Value::Integer32(i32::try_from(bytes).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_up_to_three_letters() {
        for (subject, prefix) in [
            ("RE: Offer", "RE: "),
            ("AW: RE: Offer", "AW: "),
            ("Offer", ""),
            ("Note: it", ""),
            ("R2: it", ""),
            (": it", ""),
            ("RE:it", ""),
            ("\u{56DE}\u{590D}: it", "\u{56DE}\u{590D}: "),
        ] {
            assert_eq!(&subject[..prefix_len(subject)], prefix, "{subject}");
        }
    }

    #[test]
    fn counts_lie_behind_the_reserved_bytes() {
        let mut header = vec![0; 32];
        set_counts(&mut header, 0, &[0, 1]);
        set_counts(&mut header, 1, &[0, 4, 9]);
        assert_eq!(header[8..24], [2, 0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!((&header[..8], &header[24..]), (&[0; 8][..], &[0; 8][..]));
    }
}
