//! The properties that the library computes from others, and that no caller can set
//! (`MAPI_E_COMPUTED`). It computes most of them when the others change. It computes the size, and
//! the time of the last change, when an object is saved.
//!
//! A property is computed only if an edit has changed the properties that it depends on. Otherwise
//! the value that another program wrote stays.

use crate::mapi::sets::PSETID_COMMON;
use crate::mapi::{
    CodePage, FileTime, NameKind, PropertyName, PropertyTag, PropertyType, Value, tags,
};
use crate::storage::Transaction;

use super::compose::StringForm;
use super::draft::DraftState;
use super::edit::edit_properties;
use super::encode::{encode, stored_tag};
use super::error::Error;
use super::mapi_prop::MapiProp;
use super::message::{Message, MessageData};
use super::properties::PropertySet;
use super::property_editor::{PropertyEditor, put};
use super::property_list::StreamHeader;
use super::recipient_type::RecipientType;
use super::stream_name::{ATTACHMENT_PREFIX, RECIPIENT_PREFIX, numbered};
use super::strings::Strings;

/// `MSGFLAG_HASATTACH` of `PR_MESSAGE_FLAGS`.
const HAS_ATTACHMENTS: i32 = 0x10;
/// The number of `PidLidSmartNoAttach` in `PSETID_COMMON`.
const SMART_NO_ATTACH: u32 = 0x8514;
/// The prefix of a subject has at most this many characters before `: ` (\[MS-OXCMSG\] 3.2.5.2).
const PREFIX_LETTERS_MAX: usize = 3;

/// Whether a property is computed, in a message or in an attachment.
pub fn is_computed(tag: PropertyTag) -> bool {
    is_of_message(tag) || is_of_attachment(tag)
}

/// Whether a property of a message is computed from others.
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

/// Computes what depends on the subject; an empty `subject` means that it was deleted. These are
/// its two parts, and the topic of the conversation if that was the old subject: otherwise the old
/// subject could still be read there.
pub(super) fn dependents_of_subject(
    object: &impl MapiProp,
    tag: PropertyTag,
    subject: &str,
) -> Vec<(PropertyTag, String)> {
    if tag.id() != tags::PR_SUBJECT.id() {
        return Vec::new();
    }
    let old = object.text(tags::PR_NORMALIZED_SUBJECT).or_else(|| {
        let subject = object.text(tags::PR_SUBJECT)?;
        Some(subject.get(prefix_len(&subject)..)?.to_owned())
    });
    let (prefix, normalized) = subject.split_at(prefix_len(subject));
    let mut dependents = vec![
        (tags::PR_SUBJECT_PREFIX, prefix.to_owned()),
        (tags::PR_NORMALIZED_SUBJECT, normalized.to_owned()),
    ];
    let topic = object.text(tags::PR_CONVERSATION_TOPIC);
    if topic.is_some() && topic == old {
        dependents.push((tags::PR_CONVERSATION_TOPIC, normalized.to_owned()));
    }
    dependents
}

/// Computes what depends on the recipients and attachments of a message, if an edit has changed
/// them.
pub(super) fn update_dependents_of_parts(
    message: &Message,
    state: &mut DraftState,
) -> Result<(), Error> {
    let recipients_changed = std::mem::take(&mut state.recipients_changed);
    let attachments_changed = std::mem::take(&mut state.attachments_changed);
    if recipients_changed.is_empty() && !attachments_changed {
        return Ok(());
    }
    let data = message.data()?;
    let form = data.string_form();
    let names = match recipients_changed.is_empty() {
        true => Vec::new(),
        false => display_names(&state.transaction, data.strings(), &recipients_changed),
    };
    let recipients = part_numbers(&state.transaction, RECIPIENT_PREFIX);
    let attachments = part_numbers(&state.transaction, ATTACHMENT_PREFIX);
    let smart_no_attach = match attachments_changed {
        true => smart_no_attach(&data, &state.transaction),
        false => None,
    };
    let flags = message.integer(tags::PR_MESSAGE_FLAGS);
    edit_properties(state, data.header(), |editor| {
        if !recipients_changed.is_empty() {
            set_counts(editor.header_mut(), 0, &recipients);
        }
        for (tag, names) in names {
            // Other programs store an empty text for no recipients. It means the same as no
            // property, so it stays.
            if message.text(tag).unwrap_or_default() != names {
                set_text(editor, tag, names, form)?;
            }
        }
        if !attachments_changed {
            return Ok(());
        }
        set_counts(editor.header_mut(), 1, &attachments);
        set(editor, tags::PR_HASATTACH, &Value::Boolean(!attachments.is_empty()))?;
        if let Some(flags) = flags {
            let flags = match attachments.is_empty() {
                true => flags & !HAS_ATTACHMENTS,
                false => flags | HAS_ATTACHMENTS,
            };
            set(editor, tags::PR_MESSAGE_FLAGS, &Value::Integer32(flags))?;
        }
        match smart_no_attach {
            Some((tag, value)) => set(editor, tag, &Value::Boolean(value)),
            None => Ok(()),
        }
    })
}

/// States the code page of the 8-bit strings, if an edit has put in a text by which readers would
/// find another page. Where `PR_MESSAGE_CODEPAGE` is missing, they find it by all the texts, so one
/// new text can change how each of them is read.
pub(super) fn keep_code_page(message: &Message, state: &mut DraftState) -> Result<(), Error> {
    let data = message.data()?;
    let before = data.strings();
    if before.is_told_code_page() {
        return Ok(());
    }
    let root = state.transaction.snapshot().root();
    let hints = PropertySet::read(&root, data.header()).code_page_hints();
    // Who sets one of these properties means to change the page.
    if hints != before.hints() || before.reloaded(&root, hints).is_read_as(before) {
        return Ok(());
    }
    let number = i32::try_from(before.code_page().number()).unwrap_or_default();
    edit_properties(state, data.header(), |editor| {
        set(editor, tags::PR_MESSAGE_CODEPAGE, &Value::Integer32(number))
    })
}

/// The numbers of the recipients or of the attachments, in order.
fn part_numbers(transaction: &Transaction, prefix: &str) -> Vec<u32> {
    let storages = transaction.entries(&[]).filter(|(_, is_storage)| *is_storage);
    let mut numbers: Vec<_> = storages.filter_map(|(name, _)| numbered(name, prefix)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The new value of `PidLidSmartNoAttach` (\[MS-OXCMSG\] 2.2.1.14), if the message has the
/// property: whether all attachments are hidden from the user.
fn smart_no_attach(data: &MessageData, transaction: &Transaction) -> Option<(PropertyTag, bool)> {
    let name = PropertyName { set: PSETID_COMMON, kind: NameKind::Lid(SMART_NO_ATTACH) };
    let tag = PropertyTag::new(data.names().id(&name)?, PropertyType::BOOLEAN);
    data.properties().get(tag)?;
    let is_shown = |name: &str| {
        let part = transaction.part(&[name]).unwrap_or_default();
        let set = PropertySet::read(&part.snapshot().root(), StreamHeader::Part);
        set.fixed(tags::PR_ATTACHMENT_HIDDEN) != Some(Value::Boolean(true))
    };
    let mut names = transaction.entries(&[]).map(|(name, _)| name);
    Some((tag, !names.any(|name| numbered(name, ATTACHMENT_PREFIX).is_some() && is_shown(name))))
}

/// Computes the size of a message and the time of its last change, before it is saved.
pub(super) fn complete_message(message: &Message, state: &mut DraftState) -> Result<(), Error> {
    let bytes = state.transaction.content_bytes();
    edit_properties(state, message.data()?.header(), |editor| {
        if editor.has(tags::PR_MESSAGE_SIZE.id()) {
            set(editor, tags::PR_MESSAGE_SIZE, &size(bytes))?;
        }
        set(editor, tags::PR_LAST_MODIFICATION_TIME, &Value::Time(FileTime::now()))
    })
}

/// Computes the size of an attachment and the time of its last change, before it is saved.
pub(super) fn complete_attachment(state: &mut DraftState) -> Result<(), Error> {
    let bytes = state.transaction.content_bytes();
    let content_changed = state.created || state.has_set(tags::PR_ATTACH_DATA_BIN);
    edit_properties(state, StreamHeader::Part, |editor| {
        if content_changed {
            set(editor, tags::PR_ATTACH_SIZE, &size(bytes))?;
        }
        match editor.has(tags::PR_LAST_MODIFICATION_TIME.id()) {
            true => set(editor, tags::PR_LAST_MODIFICATION_TIME, &Value::Time(FileTime::now())),
            false => Ok(()),
        }
    })
}

fn set_text(
    editor: &mut PropertyEditor<'_>,
    tag: PropertyTag,
    text: String,
    form: StringForm,
) -> Result<(), Error> {
    let tag = stored_tag(tag, form.ansi);
    put(editor, tag, encode(tag, &Value::String(text), form.code_page)?)
}

fn set(editor: &mut PropertyEditor<'_>, tag: PropertyTag, value: &Value) -> Result<(), Error> {
    put(editor, tag, encode(tag, value, CodePage::WINDOWS_1252)?)
}

/// Sets the next id and the count of the recipients (`which` 0) or of the attachments (1) in the
/// header of a message (\[MS-OXMSG\] 2.4.1.1).
fn set_counts(header: &mut [u8], which: usize, numbers: &[u32]) {
    let next = numbers.last().map_or(0, |last| last.saturating_add(1));
    let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    for (at, number) in [(8 + 4 * which, next), (16 + 4 * which, count)] {
        if let Some(field) = header.get_mut(at..at + 4) {
            field.copy_from_slice(&number.to_le_bytes());
        }
    }
}

/// The values of `PR_DISPLAY_TO`, `PR_DISPLAY_CC` and `PR_DISPLAY_BCC` for the recipient types that
/// have changed: their names, separated by `; `.
fn display_names(
    transaction: &Transaction,
    strings: &Strings,
    changed: &[RecipientType],
) -> Vec<(PropertyTag, String)> {
    let names = part_numbers(transaction, RECIPIENT_PREFIX).into_iter().filter_map(|number| {
        let part = transaction.part(&[&format!("{RECIPIENT_PREFIX}{number:08X}")])?;
        let set = PropertySet::read(&part.snapshot().root(), StreamHeader::Part);
        let number = match set.fixed(tags::PR_RECIPIENT_TYPE) {
            Some(Value::Integer32(number)) => Some(number),
            _ => None,
        };
        let text = |tag| match set.salvage(set.find(tag)?, strings).value? {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => None,
        };
        let name = text(tags::PR_DISPLAY_NAME).or_else(|| text(tags::PR_EMAIL_ADDRESS));
        Some((RecipientType::of_number(number), name?))
    });
    let names: Vec<_> = names.collect();
    [
        (tags::PR_DISPLAY_TO, RecipientType::To),
        (tags::PR_DISPLAY_CC, RecipientType::Cc),
        (tags::PR_DISPLAY_BCC, RecipientType::Bcc),
    ]
    .into_iter()
    .filter(|(_, wanted)| changed.contains(wanted))
    .map(|(tag, wanted)| {
        let names = names.iter().filter(|(of, _)| *of == wanted).map(|(_, name)| name.as_str());
        (tag, names.collect::<Vec<_>>().join("; "))
    })
    .collect()
}

/// The length of the prefix of a subject, such as `RE: `, in bytes: letters, a colon and a blank.
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
