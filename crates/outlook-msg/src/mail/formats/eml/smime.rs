//! Composes signed and encrypted mail (\[MS-OXOSMIME\]), whose content is its only attachment.
//!
//! No signature is verified.

use crate::body::cms;
use crate::body::header::is_field_name;
use crate::imsg::{MapiProp as _, Message};
use crate::mail::attachments::content::data;
use crate::mail::attachments::derived::Inside;
use crate::mail::attachments::{ContentKind, ShownAttachment};
use crate::mail::bodies::Bodies;
use crate::mail::content::Content;
use crate::mail::smime::SmimeClass;
use crate::mapi::tags;

use super::part::MimePart;

/// The header of an entity must be within this many bytes from its start.
const HEADER_BYTES: usize = 64 * 1024;
/// A cryptographic message in base64 with more bytes is not decoded.
const ENCODED_BYTES_MAX: u64 = 64 << 20;
/// The kind of CMS content must be within this many bytes from the start.
const CMS_BYTES: usize = 128;
/// The kinds of CMS content by their object identifiers (RFC 8551 section 3.2.2).
const CMS_KINDS: [(&[u8], &str); 3] = [
    (b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02", "signed-data"),
    (b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03", "enveloped-data"),
    (b"\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x09", "compressed-data"),
];

/// The only part of a signed or encrypted message.
#[derive(Debug)]
pub(super) struct WholePart {
    pub(super) part: MimePart,
    /// Whether it begins with a header that has this field.
    pub(super) has_mime_version: bool,
}

/// The part of a signed or encrypted message; `None` for another message, and if some of the
/// content is missing: a part that ends early would look as if it were whole. `signed` opens what is
/// in the only attachment, if it is signed.
pub(super) fn part<'a>(
    message: &Message,
    attachments: &[ShownAttachment],
    is_nested: bool,
    signed: &dyn Fn() -> Option<&'a Inside>,
) -> Option<WholePart> {
    let opaque = || {
        let part = opaque(attachments)?;
        Some(WholePart { part, has_mime_version: false })
    };
    match SmimeClass::of(message).or_else(|| form_of_note(message, attachments, signed))? {
        SmimeClass::ClearSigned => clear_signed(attachments, is_nested),
        SmimeClass::Opaque => opaque(),
        SmimeClass::Report => None,
    }
}

/// The form of a message whose class does not say that it is signed or encrypted: some programs
/// write `IPM.Note` (\[MS-OXOSMIME\] knows only classes of its own). It is, if its only attachment is
/// shown as `signed/` or `encrypted`, and there is no other body, which would be lost.
fn form_of_note<'a>(
    message: &Message,
    attachments: &[ShownAttachment],
    signed: &dyn Fn() -> Option<&'a Inside>,
) -> Option<SmimeClass> {
    const NOTE: &str = "IPM.Note";
    let [only] = attachments else { return None };
    only.derived.as_ref().filter(|derived| derived.kind.is_of_message())?;
    let class = message.text(tags::PR_MESSAGE_CLASS);
    let is_note = class.is_none_or(|class| class.trim_end().eq_ignore_ascii_case(NOTE));
    if !is_note || !has_no_other_body(message, signed) {
        return None;
    }
    let start = data(&only.attachment).ok()?.read(0, CMS_BYTES).ok()?;
    Some(match cms::kind(&cms::binary(&start)) {
        Some(_) => SmimeClass::Opaque,
        None => SmimeClass::ClearSigned,
    })
}

/// Whether the message has no body but a blank text, or that in the signed part, which some programs
/// store again.
fn has_no_other_body<'a>(message: &Message, signed: &dyn Fn() -> Option<&'a Inside>) -> bool {
    let is_stored = |tag| message.salvage(tag).is_ok_and(|found| found.value.is_some());
    // There may be pictures in these.
    let has_markup = [tags::PR_HTML, tags::PR_BODY_HTML, tags::PR_RTF_COMPRESSED].map(is_stored);
    let own = Bodies::new(message).text().unwrap_or_default();
    if own.trim().is_empty() {
        return !has_markup.contains(&true);
    }
    let Some(inside) = signed() else { return false };
    let bodies = Bodies::new(&inside.message);
    let signed = bodies.text().unwrap_or_default();
    signed.split_whitespace().eq(own.split_whitespace())
        && (!has_markup.contains(&true) || bodies.mailed_html(&|_| None).is_some())
}

/// The entity of a clear-signed message. It is written unchanged, because the signature covers its
/// bytes.
fn clear_signed(attachments: &[ShownAttachment], is_nested: bool) -> Option<WholePart> {
    let content = only_content(attachments)?;
    let len = content.len().ok()?;
    let start = content.read(0, HEADER_BYTES).ok()?;
    let names = field_names(&start)?;
    let has = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let has_mime_version = has("MIME-Version");
    let part = || MimePart::entity(content, len, is_nested);
    has("Content-Type").then(|| WholePart { part: part(), has_mime_version })
}

/// The part of an encrypted or opaque-signed message.
fn opaque(attachments: &[ShownAttachment]) -> Option<MimePart> {
    let content = only_content(attachments)?;
    let len = content.len().ok()?;
    let start = content.read(0, CMS_BYTES).unwrap_or_default();
    let kind = CMS_KINDS.iter().find(|(id, _)| start.windows(id.len()).any(|found| found == *id));
    let mut part = MimePart::base64(content, len);
    let mut value = vec!["application/pkcs7-mime".to_owned()];
    value.extend(kind.map(|(_, kind)| format!("smime-type={kind}")));
    let name = name_of(attachments);
    part.field_with_name("Content-Type", &value.join(";\r\n "), "name", name);
    part.field_with_name("Content-Disposition", "attachment", "filename", name);
    Some(part)
}

/// The name of the attachment, if it is one of a cryptographic message.
fn name_of(attachments: &[ShownAttachment]) -> &str {
    const USUAL: &str = "smime.p7m";
    let name = attachments.first().and_then(|one| Some(one.entry.as_ref()?.0.as_str()));
    let is_of_message = |name: &&str| name.to_ascii_lowercase().ends_with(".p7m");
    name.filter(is_of_message).unwrap_or(USUAL)
}

/// The content of the only attachment, if it is whole.
fn only_content(attachments: &[ShownAttachment]) -> Option<Content> {
    let [only] = attachments else { return None };
    let is_data = matches!(only.entry, Some((_, ContentKind::Data))) && only.missing.is_empty();
    if is_data { data(&only.attachment).ok().map(binary) } else { None }
}

/// Decodes a cryptographic message that is stored in base64. The part encodes it in base64, so
/// otherwise it would be encoded twice.
fn binary(content: Content) -> Content {
    let start = content.read(0, CMS_BYTES).unwrap_or_default();
    let is_encoded = cms::kind(&start).is_none() && cms::kind(&cms::binary(&start)).is_some();
    match content.len() {
        // What is damaged stays as it is, so that reading it tells of the damage.
        Ok(len) if is_encoded && len <= ENCODED_BYTES_MAX => match content.read(0, usize::MAX) {
            Ok(bytes) => Content::bytes(cms::binary(&bytes).into_owned()),
            Err(_) => content,
        },
        _ => content,
    }
}

/// The names of the fields that an entity begins with; `None` if it does not begin with a header.
fn field_names(entity: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for line in entity.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.first() {
            None => return Some(names),
            Some(b' ' | b'\t') if !names.is_empty() => {}
            Some(_) => {
                let name = line.split(|byte| *byte == b':').next()?;
                let name = std::str::from_utf8(name).ok().filter(|name| name.len() < line.len())?;
                names.push(Some(name.trim_end()).filter(|name| is_field_name(name))?.to_owned());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::field_names;

    fn check(entity: &str, expected: Option<&[&str]>) {
        let found = field_names(entity.as_bytes());
        let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(found, expected, "{entity:?}");
    }

    #[test]
    fn the_header_of_an_entity() {
        check("Content-Type: a;\r\n b\r\nX-Y: z\r\n\r\nbody", Some(&["Content-Type", "X-Y"]));
        check(
            "MIME-Version: 1.0\nContent-Type: a\n\nbody",
            Some(&["MIME-Version", "Content-Type"]),
        );
        check("no header\r\n\r\nbody", None);
        check(" blank: first\r\n\r\n", None);
        check("X: y", None);
    }
}
