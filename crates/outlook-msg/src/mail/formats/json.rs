//! `message.json`: every property of a message, its recipients and attachments.
//!
//! ```text
//! { "schema":      1,
//!   "properties":  [ PROPERTY... ],
//!   "recipients":  [ { "number": 0, "properties": [ PROPERTY... ] }... ],
//!   "attachments": [ { "number": 0, "file": "attachments/NAME", "properties": [ PROPERTY... ],
//!                      "message": { the same for an embedded message, but for the schema } }... ],
//!   "errors":      [ { "place": "...", "cause": "..." }... ],
//!   "notes":       [ { "place": "...", "text": "..." }... ] }
//! PROPERTY: { "tag": "0x0037001F", "name": "PR_SUBJECT", "type": "PT_UNICODE", "flags": 6,
//!             "value": ... }
//! ```
//!
//! `name` is missing if no name is known. For a named property it is `SET/NAME`, and `set` and
//! `lid` or `string` have the parts of it. `flags` is missing if the property stream does not list
//! the property. A value is a number, a Boolean or a string, or a list of these. A number that JSON
//! has not is the string `NaN`, `Infinity` or `-Infinity`. Binary values are base64; a longer one
//! than 4 KiB, and an object, has `size` in place of `value`, and in a list `{ "size": 5000 }` is in
//! its place. `error` says why a value is damaged.
//! `notes` say what was read in another way than the file states, such as a guessed code page. Keys
//! and elements always come in this order, so that equal messages have equal files. Within a
//! `schema`, keys are only added.

use std::io::Write;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::imsg::{
    Attachment, MapiProp, Message, NameKind, Note, Property, PropertyNames, PropertySet, Salvaged,
    Strings,
};
use crate::mail::attachments::names::attachment_path;
use crate::mail::attachments::{AttachmentNames, ContentKind, ShownAttachment, shown_attachments};
use crate::mail::defects;
use crate::mail::error::Error;
use crate::mail::values::base64;
use crate::mail::values::named::name_in_set;
use crate::mapi::{self, Value};
use crate::storage::Defect;

/// The version of the fields of `message.json` and of [`Row`](crate::mail::Row).
pub const SCHEMA: u32 = 1;

/// Binary values with more bytes are left out.
const BINARY_BYTES_MAX: u64 = 4096;

/// Writes `message.json`. `known` has the names that attachments of embedded messages keep while
/// the message is edited. Only one value at a time is in memory.
///
/// # Errors
/// [`Error::Io`] of the writer, [`Error::Message`] if the session is closed.
pub fn write_json(
    message: &Message,
    attachments: &[ShownAttachment],
    findings: Findings<'_>,
    known: Option<&AttachmentNames>,
    mut out: impl Write,
) -> Result<(), Error> {
    let context = Context { names: &*message.names()?, known };
    let message = MessageJson::of(message, attachments, findings, context)?;
    let document = DocumentJson { schema: SCHEMA, message };
    serde_json::to_writer_pretty(&mut out, &document).map_err(std::io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

/// What `message.json` tells of a message beside its properties.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// What could not be read.
    pub defects: &'a [Defect],
    /// What was read in another way than the file states.
    pub notes: &'a [Note],
}

/// What all messages in the document share.
#[derive(Clone, Copy)]
struct Context<'a> {
    names: &'a PropertyNames,
    known: Option<&'a AttachmentNames>,
}

/// The whole document.
#[derive(Serialize)]
struct DocumentJson<'a> {
    schema: u32,
    #[serde(flatten)]
    message: MessageJson<'a>,
}

#[derive(Serialize)]
struct MessageJson<'a> {
    properties: PropertiesJson<'a>,
    recipients: Vec<RecipientJson<'a>>,
    attachments: Vec<AttachmentJson<'a>>,
    errors: Vec<DefectJson>,
    notes: Vec<NoteJson>,
}

/// The properties of an object. They are read one by one while they are written.
struct PropertiesJson<'a> {
    set: Arc<PropertySet>,
    strings: Arc<Strings>,
    names: &'a PropertyNames,
}

impl<'a> PropertiesJson<'a> {
    fn of(object: &dyn MapiProp, names: &'a PropertyNames) -> Result<Self, Error> {
        let (set, strings) = object.property_set()?;
        Ok(Self { set, strings, names })
    }
}

impl Serialize for PropertiesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let properties = self.set.properties().iter();
        serializer.collect_seq(
            properties.map(|one| property_json(&self.set, one, &self.strings, self.names)),
        )
    }
}

#[derive(Serialize)]
struct PropertyJson {
    tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    string: Option<String>,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct RecipientJson<'a> {
    number: u32,
    properties: PropertiesJson<'a>,
}

#[derive(Serialize)]
struct AttachmentJson<'a> {
    number: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    properties: PropertiesJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageJson<'a>>,
}

#[derive(Serialize)]
struct DefectJson {
    place: String,
    cause: String,
}

#[derive(Serialize)]
struct NoteJson {
    place: String,
    text: String,
}

impl<'a> MessageJson<'a> {
    fn of(
        message: &Message,
        attachments: &[ShownAttachment],
        findings: Findings<'_>,
        context: Context<'a>,
    ) -> Result<Self, Error> {
        let recipients = message.recipients()?;
        let recipients = recipients.iter().map(|recipient| {
            let properties = PropertiesJson::of(recipient, context.names)?;
            Ok(RecipientJson { number: recipient.number()?, properties })
        });
        let notes = findings
            .notes
            .iter()
            .map(|Note { place, text }| NoteJson { place: place.clone(), text: text.clone() });
        let attachments = attachments.iter().map(|shown| AttachmentJson::of(shown, context));
        let errors = findings.defects.iter().map(|Defect { place, cause }| DefectJson {
            place: place.clone(),
            cause: cause.clone(),
        });
        Ok(Self {
            properties: PropertiesJson::of(message, context.names)?,
            recipients: recipients.collect::<Result<_, Error>>()?,
            attachments: attachments.collect::<Result<_, Error>>()?,
            errors: errors.collect(),
            notes: notes.collect(),
        })
    }
}

impl<'a> AttachmentJson<'a> {
    fn of(shown: &ShownAttachment, context: Context<'a>) -> Result<Self, Error> {
        let message = match shown.entry {
            // If the message cannot be opened, the `errors` of the outer message say so.
            Some((_, ContentKind::Message(_))) => embedded(&shown.attachment, context).ok(),
            _ => None,
        };
        Ok(Self {
            number: shown.attachment.number()?,
            file: shown.entry.as_ref().map(|(name, _)| attachment_path(name)),
            properties: PropertiesJson::of(&shown.attachment, context.names)?,
            message,
        })
    }
}

fn embedded<'a>(attachment: &Attachment, context: Context<'a>) -> Result<MessageJson<'a>, Error> {
    let message = attachment.embedded_message()?;
    let attachments = shown_attachments(&message, context.known);
    let defects = defects::of_message(&message, &attachments);
    let notes = defects::notes_of_message(&message);
    let findings = Findings { defects: &defects, notes: &notes };
    MessageJson::of(&message, &attachments, findings, context)
}

fn property_json(
    set: &PropertySet,
    property: &Property,
    strings: &Strings,
    names: &PropertyNames,
) -> PropertyJson {
    let tag = property.tag;
    let mut json = PropertyJson {
        tag: tag.to_string(),
        name: None,
        set: None,
        lid: None,
        string: None,
        r#type: tag.property_type().to_string(),
        flags: property.flags,
        value: None,
        size: None,
        error: None,
    };
    match names.name(tag).filter(|_| tag.is_named()) {
        Some(name) => {
            let guid = name.set.to_string();
            let set_name = mapi::property_set_name(name.set).unwrap_or(&guid);
            json.name = Some(format!("{set_name}/{}", name_in_set(name)));
            match &name.kind {
                NameKind::Lid(lid) => json.lid = Some(*lid),
                NameKind::Name(string) => json.string = Some(string.clone()),
            }
            json.set = Some(guid);
        }
        None if tag.is_named() => {}
        None => json.name = mapi::property_name(tag).map(str::to_owned),
    }
    let stored_len = set.stream(property).map_or(0, |stream| stream.len());
    if tag.property_type().is_binary() && stored_len > BINARY_BYTES_MAX {
        json.size = Some(stored_len);
        json.error = set.value_defect(property, strings).map(|defect| defect.cause);
        return json;
    }
    let Salvaged { value, defect } = set.salvage(property, strings);
    json.value = value.as_ref().and_then(value_json);
    if let (None, Some(Value::Binary(bytes))) = (&json.value, &value) {
        json.size = Some(bytes.len() as u64);
    }
    json.error = defect.map(|defect| defect.cause);
    json
}

/// A value in JSON; `None` for an object, and for a binary value that is too long.
fn value_json(value: &Value) -> Option<serde_json::Value> {
    Some(match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer16(number) => (*number).into(),
        Value::Integer32(number) => (*number).into(),
        Value::Integer64(number) => (*number).into(),
        Value::Floating32(number) => floating(f64::from(*number), *number),
        Value::Floating64(number) => floating(*number, *number),
        Value::Boolean(truth) => (*truth).into(),
        Value::Binary(bytes) if bytes.len() as u64 > BINARY_BYTES_MAX => return None,
        Value::Binary(bytes) => base64::encode(bytes).into(),
        Value::Multiple(values) => values.iter().map(element_json).collect::<Vec<_>>().into(),
        Value::Object => return None,
        text => text.to_text()?.into(),
    })
}

/// One of several values; a binary value that is too long is an object with its size.
fn element_json(value: &Value) -> serde_json::Value {
    match (value_json(value), value) {
        (None, Value::Binary(bytes)) => serde_json::json!({ "size": bytes.len() }),
        (json, _) => json.unwrap_or(serde_json::Value::Null),
    }
}

/// A number in JSON, which has neither infinity nor what is no number: these are strings.
fn floating(number: f64, json: impl Into<serde_json::Value>) -> serde_json::Value {
    match number {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        number if number.is_nan() => "NaN".into(),
        _ => json.into(),
    }
}
