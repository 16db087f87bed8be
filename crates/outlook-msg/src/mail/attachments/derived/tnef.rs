//! Makes a message from `winmail.dat`.

use std::collections::BTreeSet;

use crate::body::tnef::{Message, Properties, TnefAttachment, TnefContent, TnefProperty};
use crate::imsg::{ConvertedAttachment, ConvertedContent, ConvertedMessage, ConvertedProperty};
use crate::mapi::{PropertyTag, Value, tags};
use crate::storage::Defect;

/// `PR_ATTACH_METHOD` of an OLE object.
const METHOD_STORAGE: i32 = 6;

/// Makes a message from a TNEF stream.
pub(super) fn message(message: Message) -> ConvertedMessage {
    let Message { properties, recipients, attachments, code_page, defects } = message;
    let has_class = properties.get(tags::PR_MESSAGE_CLASS).is_some();
    let mut properties = converted(properties);
    if !has_class {
        properties.push(ConvertedProperty::text(tags::PR_MESSAGE_CLASS, "IPM.Note"));
    }
    if let Some(page) = code_page.and_then(|page| i32::try_from(page.number()).ok()) {
        properties.push(ConvertedProperty::new(tags::PR_MESSAGE_CODEPAGE, Value::Integer32(page)));
    }
    let defects = defects.into_iter().map(|cause| Defect { place: "/".to_owned(), cause });
    ConvertedMessage {
        properties,
        recipients: recipients.into_iter().map(converted).collect(),
        attachments: attachments.into_iter().map(attachment).collect(),
        defects: defects.collect(),
        notes: Vec::new(),
    }
}

fn attachment(attachment: TnefAttachment) -> ConvertedAttachment {
    let TnefAttachment { properties, content } = attachment;
    let is_object = properties.integer(tags::PR_ATTACH_METHOD) == Some(METHOD_STORAGE);
    let content = match content {
        TnefContent::None => ConvertedContent::None,
        TnefContent::Bytes(bytes) if is_object => ConvertedContent::Object(bytes),
        TnefContent::Bytes(bytes) => ConvertedContent::Bytes(bytes),
        TnefContent::Message(inner) => ConvertedContent::Message(Box::new(message(*inner))),
    };
    ConvertedAttachment { properties: converted(properties), content }
}

/// Converts properties. If several have the same id, the first one counts, even if their string
/// types differ.
fn converted(properties: Properties) -> Vec<ConvertedProperty> {
    let mut known = BTreeSet::new();
    let unicode = |tag: PropertyTag| tag.with_type(tag.property_type().to_unicode());
    let all = properties.into_all();
    let first = all.filter(|one| one.name.is_some() || known.insert(unicode(one.tag)));
    first.map(|TnefProperty { tag, name, value }| ConvertedProperty { tag, name, value }).collect()
}
