//! Edits of attachments: sets, creates and renames files in `attachments/`.

use std::sync::Arc;

use crate::imsg::{self, Attachment, MapiProp as _, MapiPropMut, Message};
use crate::mail::attachments::ContentKind;
use crate::mail::attachments::media_type;
use crate::mail::attachments::names::{OLE, REFERENCE, UniqueNames};
use crate::mail::error::Error;
use crate::mapi::{PropertyTag, Value, tags};
use crate::storage::{CompoundFile, Source};

use super::edit_part;

/// Values of `PR_ATTACH_METHOD` (\[MS-OXCMSG\] 2.2.2.9).
const BY_VALUE: i32 = 1;
/// The value of `PR_RENDERING_POSITION` for an attachment that has no place in the text of the
/// body.
const NOT_RENDERED: i32 = -1;

/// The reason why a file that shows only a part of an attachment cannot be set.
pub const PART_OF_ATTACHMENT: &str = "it is part of the attachment only";

/// Sets the content of an existing attachment, or creates an attachment. A `.msg` file becomes an
/// embedded message. Returns the number of a new attachment.
pub fn set(
    message: &Message,
    name: &str,
    existing: Option<(u32, ContentKind)>,
    bytes: &Arc<Source>,
) -> Result<Option<u32>, Error> {
    match existing {
        Some((number, ContentKind::Data)) => {
            if let Some(created) = embed(message, name, bytes)? {
                message.delete_attachment(number)?;
                return Ok(Some(created));
            }
            edit_part(&message.attachment(number)?, |attachment| set_data(attachment, bytes))?;
            Ok(None)
        }
        Some((number, ContentKind::Reference)) => {
            let target = super::text(bytes)?;
            let target = super::utf8(&target)?.trim_end();
            edit_part(&message.attachment(number)?, |attachment| {
                set_text(attachment, tags::PR_ATTACH_LONG_PATHNAME, target)
            })?;
            Ok(None)
        }
        Some((_, ContentKind::Message(_))) => {
            Err(Error::NotSettable("it is a message: what is in it can be set"))
        }
        Some((_, ContentKind::DataFork { .. } | ContentKind::Ole)) => {
            Err(Error::NotSettable(PART_OF_ATTACHMENT))
        }
        None => {
            check_name(name)?;
            if let Some(created) = embed(message, name, bytes)? {
                return Ok(Some(created));
            }
            let created = edit_part(&message.create_attachment()?, |attachment| {
                attachment.set_property(tags::PR_ATTACH_METHOD, &Value::Integer32(BY_VALUE))?;
                set_rendering_position(attachment)?;
                set_names(attachment, name)?;
                set_data(attachment, bytes)?;
                Ok::<_, Error>(attachment.number()?)
            })?;
            Ok(Some(created))
        }
    }
}

/// Whether [`set`] would succeed in creating an attachment of this name after `count` others.
pub fn can_create(message: &Message, count: usize, name: &str) -> bool {
    check_name(name).is_ok() && message.can_attach(count.saturating_add(1), name).unwrap_or(false)
}

/// Creates an attachment with an empty message in it.
pub fn create_message(message: &Message, name: &str) -> Result<u32, Error> {
    check_name(name)?;
    let Some(stem) = message_stem(name) else {
        return Err(Error::invalid("a name that ends in .msg"));
    };
    edit_part(&message.create_attachment()?, |attachment| {
        set_rendering_position(attachment)?;
        set_text(attachment, tags::PR_DISPLAY_NAME, stem)?;
        let class = Value::String("IPM.Note".to_owned());
        edit_part(&attachment.create_embedded_message()?, |embedded| {
            embedded.set_property(tags::PR_MESSAGE_CLASS, &class)?;
            super::delete(embedded, tags::PR_IMPORTANCE)
        })?;
        Ok(attachment.number()?)
    })
}

/// Gives an attachment another name. If the name is that of another attachment, `replaced`, and
/// both are files, `replaced` gets only the content of the renamed one, which is deleted. So the
/// HTML body still finds its picture by the content id. Otherwise `replaced` is deleted. Returns
/// the number of the attachment that has the name now.
pub fn rename(
    message: &Message,
    (number, shown): (u32, ContentKind),
    name: &str,
    replaced: Option<(u32, ContentKind)>,
) -> Result<u32, Error> {
    check_name(name)?;
    if let (ContentKind::Data, Some((replaced, ContentKind::Data))) = (shown, replaced) {
        let from = message.attachment(number)?;
        edit_part(&message.attachment(replaced)?, |attachment| {
            Ok::<_, Error>(attachment.copy_data(&from)?)
        })?;
        message.delete_attachment(number)?;
        return Ok(replaced);
    }
    edit_part(&message.attachment(number)?, |attachment| match shown {
        ContentKind::Message(_) => {
            let stem = message_stem(name).ok_or(Error::invalid("a name that ends in .msg"))?;
            set_text(attachment, tags::PR_DISPLAY_NAME, stem)
        }
        ContentKind::Data | ContentKind::DataFork { .. } => set_names(attachment, name),
        ContentKind::Ole => set_names(attachment, with_suffix(name, OLE)?),
        ContentKind::Reference => set_names(attachment, with_suffix(name, REFERENCE)?),
    })?;
    if let Some((replaced, _)) = replaced {
        message.delete_attachment(replaced)?;
    }
    Ok(number)
}

/// A name without the extension `.msg`; `None` if it has another one.
pub fn message_stem(name: &str) -> Option<&str> {
    let (stem, extension) = name.split_at_checked(name.len().checked_sub(4)?)?;
    let is_message = extension.eq_ignore_ascii_case(".msg") && !stem.is_empty();
    is_message.then_some(stem)
}

/// Embeds the message of a `.msg` file; `None` if the bytes are no `.msg` file.
fn embed(message: &Message, name: &str, bytes: &Arc<Source>) -> Result<Option<u32>, Error> {
    let Some(stem) = message_stem(name) else { return Ok(None) };
    let Ok(file) = CompoundFile::open(Arc::clone(bytes)) else { return Ok(None) };
    if !imsg::is_message(&file.root()) {
        return Ok(None);
    }
    let created = edit_part(&message.create_attachment()?, |attachment| {
        set_rendering_position(attachment)?;
        set_text(attachment, tags::PR_DISPLAY_NAME, stem)?;
        attachment.embed(&file.root())?;
        Ok::<_, Error>(attachment.number()?)
    })?;
    Ok(Some(created))
}

/// Refuses a name that would be shown in another form than it was given.
fn check_name(name: &str) -> Result<(), Error> {
    match is_shown_as_given(name) {
        true => Ok(()),
        false => Err(Error::invalid("a name without control characters, blank or dot at its end")),
    }
}

/// Whether an attachment can have this name, because a mount would show it unchanged.
pub fn is_shown_as_given(name: &str) -> bool {
    UniqueNames::default().make(name, "", "") == name && !name.is_empty()
}

fn with_suffix<'a>(name: &'a str, suffix: &str) -> Result<&'a str, Error> {
    name.strip_suffix(suffix).ok_or(Error::invalid("a name with the extension that it has"))
}

fn set_data(attachment: &Attachment, bytes: &Arc<Source>) -> Result<(), Error> {
    Ok(attachment.set_property_source(tags::PR_ATTACH_DATA_BIN, Arc::clone(bytes))?)
}

fn set_rendering_position(attachment: &Attachment) -> Result<(), Error> {
    let position = Value::Integer32(NOT_RENDERED);
    Ok(attachment.set_property(tags::PR_RENDERING_POSITION, &position)?)
}

fn set_names(attachment: &Attachment, name: &str) -> Result<(), Error> {
    let old = attachment.text(tags::PR_ATTACH_EXTENSION).or_else(|| {
        let name = attachment.text(tags::PR_ATTACH_LONG_FILENAME)?;
        extension(&name).map(str::to_owned)
    });
    set_text(attachment, tags::PR_ATTACH_LONG_FILENAME, name)?;
    set_text(attachment, tags::PR_ATTACH_FILENAME, &short_name(name))?;
    set_text(attachment, tags::PR_DISPLAY_NAME, name)?;
    match extension(name) {
        Some(extension) => set_text(attachment, tags::PR_ATTACH_EXTENSION, extension)?,
        None => super::delete(attachment, tags::PR_ATTACH_EXTENSION)?,
    }
    let is_same = |old: &str| extension(name).is_some_and(|new| new.eq_ignore_ascii_case(old));
    if old.is_some_and(|old| is_same(&old)) {
        return Ok(());
    }
    // Programs choose by the media type how to open an attachment, so it must fit the new
    // extension.
    match media_type::by_extension(name) {
        media_type::OCTET_STREAM => super::delete(attachment, tags::PR_ATTACH_MIME_TAG),
        known => set_text(attachment, tags::PR_ATTACH_MIME_TAG, known),
    }
}

/// The extension of a name, with its dot.
fn extension(name: &str) -> Option<&str> {
    name.rfind('.').and_then(|dot| name.get(dot..)).filter(|dotted| dotted.len() < name.len())
}

fn set_text(attachment: &Attachment, tag: PropertyTag, text: &str) -> Result<(), Error> {
    Ok(attachment.set_property(tag, &Value::String(text.to_owned()))?)
}

/// The name of an attachment in 8.3 form (`PR_ATTACH_FILENAME`, \[MS-OXCMSG\] 2.2.2.11).
fn short_name(name: &str) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let kept = |text: &str, max: usize| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).take(max).collect()
    };
    let (short, short_extension) = (kept(stem, 8), kept(extension, 3));
    let stem = match short == stem && short_extension == extension {
        true => short,
        false => kept(stem, 6) + "~1",
    };
    if short_extension.is_empty() { stem } else { format!("{stem}.{short_extension}") }
}

#[cfg(test)]
mod tests {
    use super::{message_stem, short_name};

    #[test]
    fn short_names() {
        for (name, short) in [
            ("a.txt", "a.txt"),
            ("report 2024.xlsx", "report~1.xls"),
            ("README", "README"),
            ("ж.pdf", "~1.pdf"),
        ] {
            assert_eq!(short_name(name), short);
        }
    }

    #[test]
    fn names_of_messages() {
        assert_eq!(message_stem("a.MSG"), Some("a"));
        assert_eq!(message_stem(".msg"), None);
        assert_eq!(message_stem("a.txt"), None);
        assert_eq!(message_stem("é"), None);
    }
}
