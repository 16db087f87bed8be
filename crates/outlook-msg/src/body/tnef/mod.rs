//! TNEF (\[MS-OXTNEF\]): the `winmail.dat` that wraps a message with its properties and
//! attachments.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | signature 0x223E9F78 |
//! | 4 | 2 | key |
//! | 6 | | attributes to the end of the stream |
//!
//! Reads as much as possible of a damaged stream. A wrong checksum is reported as a defect; the
//! data is used all the same. Knows nothing of how a message is shown.

mod attribute;
mod properties;

use crate::mapi::{CodePage, FileTime, PropertyTag, Value, tags};
use attribute::{HEADER_LEN, Id, SIGNATURE, TnefAttribute, TnefAttributes};
pub use properties::{Properties, TnefProperty};
use properties::{PropertyReader, VALUES_MAX, string8};

/// A message in a TNEF stream.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its properties. Attributes from before MAPI properties (`attSubject`, for example) are here
    /// under the MAPI tags of the same meaning.
    pub properties: Properties,
    /// The properties of its recipients.
    pub recipients: Vec<Properties>,
    /// Its attachments, in order.
    pub attachments: Vec<TnefAttachment>,
    /// The code page that is stated for its strings.
    pub code_page: Option<CodePage>,
    /// What could not be read, one sentence each.
    pub defects: Vec<String>,
}

/// An attachment in a TNEF stream.
#[derive(Clone, Debug, Default)]
pub struct TnefAttachment {
    /// Its properties, without its content.
    pub properties: Properties,
    /// Its content.
    pub content: TnefContent,
}

/// The content of an attachment.
#[derive(Clone, Debug, Default)]
pub enum TnefContent {
    /// Nothing.
    #[default]
    None,
    /// A file, or the compound file of an OLE object.
    Bytes(Vec<u8>),
    /// A message.
    Message(Box<Message>),
}

/// Why nothing can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not begin with the signature.
    #[error("no TNEF stream: expected signature 0x223E9F78, found 0x{0:08X}")]
    Signature(u32),
    /// It is shorter than its header.
    #[error("no TNEF stream: a header of {HEADER_LEN} bytes, found {0}")]
    TooShort(usize),
}

/// Embedded messages are read up to this depth.
const DEPTH_MAX: u32 = 16;
/// At most this many defects are reported.
const DEFECTS_MAX: usize = 64;
/// At most this many attachments and this many recipients are read.
const ATTACHMENTS_MAX: usize = 2048;
/// `IID_IMessage`, before the stream of an embedded message.
const IID_MESSAGE: [u8; 16] = [7, 3, 2, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46];

/// Whether a file begins as a TNEF stream does.
pub fn is_tnef(start: &[u8]) -> bool {
    start.first_chunk().is_some_and(|bytes| u32::from_le_bytes(*bytes) == SIGNATURE)
}

/// Reads a TNEF stream.
///
/// # Errors
/// If the header is missing or has another signature.
pub fn read(bytes: &[u8]) -> Result<Message, Error> {
    read_nested(bytes, 0, &mut VALUES_MAX.clone())
}

fn read_nested(bytes: &[u8], depth: u32, room: &mut usize) -> Result<Message, Error> {
    let signature = bytes.first_chunk().ok_or(Error::TooShort(bytes.len()))?;
    let signature = u32::from_le_bytes(*signature);
    if signature != SIGNATURE {
        return Err(Error::Signature(signature));
    }
    let attributes = bytes.get(HEADER_LEN..).ok_or(Error::TooShort(bytes.len()))?;
    let code_page = code_page(attributes);
    let message = Message { code_page, ..Message::default() };
    let mut builder = TnefBuilder { message, strings: code_page, depth, room, is_full: false };
    let mut attributes = TnefAttributes::new(attributes, HEADER_LEN);
    for attribute in attributes.by_ref() {
        builder.attribute(&attribute);
    }
    if let Some(cause) = attributes.damage() {
        builder.defect(cause);
    }
    Ok(builder.message)
}

/// The code page of `attOemCodepage`. It applies to the whole stream, so it is looked up first.
fn code_page(attributes: &[u8]) -> Option<CodePage> {
    let found = TnefAttributes::new(attributes, 0).find(|one| one.id == Id::OEM_CODE_PAGE)?;
    CodePage::new(u32::from_le_bytes(*found.data.first_chunk()?))
}

struct TnefBuilder<'a> {
    message: Message,
    strings: Option<CodePage>,
    depth: u32,
    /// How many values may still be read of the stream.
    room: &'a mut usize,
    /// Whether there are more attachments than [`ATTACHMENTS_MAX`].
    is_full: bool,
}

impl TnefBuilder<'_> {
    fn defect(&mut self, cause: String) {
        if self.message.defects.len() < DEFECTS_MAX {
            self.message.defects.push(cause);
        }
    }

    fn attribute(&mut self, attribute: &TnefAttribute<'_>) {
        if let Some(cause) = attribute.damage() {
            self.defect(cause);
        }
        let data = attribute.data;
        match attribute.id {
            Id::MAPI_PROPERTIES => {
                let block = PropertyReader::new(data, self.strings, self.room).block();
                self.message.properties.append(block.properties);
                self.note(attribute, block.damage);
            }
            Id::RECIPIENT_TABLE => self.recipients(attribute),
            Id::SUBJECT => self.text(tags::PR_SUBJECT, data),
            Id::BODY => self.text(tags::PR_BODY, data),
            Id::MESSAGE_CLASS => {
                let class = message_class(&String::from_utf8_lossy(until_nul(data)));
                self.message.properties.add(tags::PR_MESSAGE_CLASS, Value::String(class));
            }
            Id::FROM => self.from(attribute),
            Id::DATE_SENT => self.time(tags::PR_CLIENT_SUBMIT_TIME, attribute),
            Id::DATE_RECEIVED => self.time(tags::PR_MESSAGE_DELIVERY_TIME, attribute),
            Id::DATE_MODIFIED => self.time(tags::PR_LAST_MODIFICATION_TIME, attribute),
            Id::DATE_START => self.time(tags::PR_START_DATE, attribute),
            Id::DATE_END => self.time(tags::PR_END_DATE, attribute),
            _ => self.attachment(attribute),
        }
    }

    /// Takes an attribute of an attachment. `attAttachRenddata` begins each attachment; the first
    /// attachment may lack it.
    fn attachment(&mut self, attribute: &TnefAttribute<'_>) {
        match attribute.id {
            Id::ATTACHMENT_RENDERING => return self.begin_attachment(),
            Id::ATTACHMENT_TITLE
            | Id::ATTACHMENT_TRANSPORT_NAME
            | Id::ATTACHMENT_DATA
            | Id::ATTACHMENT_PROPERTIES
                if self.message.attachments.is_empty() =>
            {
                self.begin_attachment();
            }
            _ => {}
        }
        let strings = self.strings;
        // An attribute of an attachment beyond the limit must not change the last attachment that
        // was read.
        let last = self.message.attachments.last_mut().filter(|_| !self.is_full);
        let Some(attachment) = last else { return };
        let mut text = |tag| {
            let (tag, text) = string8(tag, until_nul(attribute.data), strings);
            attachment.properties.add(tag, text);
        };
        match attribute.id {
            Id::ATTACHMENT_TITLE => text(tags::PR_ATTACH_FILENAME),
            Id::ATTACHMENT_TRANSPORT_NAME => text(tags::PR_DISPLAY_NAME),
            Id::ATTACHMENT_DATA => attachment.content = TnefContent::Bytes(attribute.data.to_vec()),
            Id::ATTACHMENT_PROPERTIES => {
                let block = PropertyReader::new(attribute.data, strings, self.room).block();
                attachment.properties.append(block.properties);
                self.note(attribute, block.damage);
                self.content(block.object);
            }
            _ => {}
        }
    }

    fn begin_attachment(&mut self) {
        if self.message.attachments.len() < ATTACHMENTS_MAX {
            self.message.attachments.push(TnefAttachment::default());
        } else if !std::mem::replace(&mut self.is_full, true) {
            self.defect(format!("more than {ATTACHMENTS_MAX} attachments"));
        }
    }

    /// Sets the content of the last attachment from its properties or from `object`.
    fn content(&mut self, object: Option<&[u8]>) {
        let Some(attachment) = self.message.attachments.last_mut() else { return };
        let binary = attachment.properties.take(tags::PR_ATTACH_DATA_BIN);
        if let Some(Value::Binary(bytes)) = binary {
            attachment.content = TnefContent::Bytes(bytes);
        }
        let Some(object) = object else { return };
        let Some((interface, stream)) = object.split_at_checked(IID_MESSAGE.len()) else {
            return self.defect("an object of an attachment that ends early".to_owned());
        };
        if interface != IID_MESSAGE {
            attachment.content = TnefContent::Bytes(stream.to_vec());
        } else if self.depth >= DEPTH_MAX {
            self.defect(format!("messages nested more than {DEPTH_MAX} deep"));
        } else {
            match read_nested(stream, self.depth + 1, self.room) {
                Ok(message) => attachment.content = TnefContent::Message(Box::new(message)),
                Err(error) => self.defect(format!("embedded message: {error}")),
            }
        }
    }

    fn recipients(&mut self, attribute: &TnefAttribute<'_>) {
        let room = ATTACHMENTS_MAX.saturating_sub(self.message.recipients.len());
        let (rows, damage) =
            PropertyReader::new(attribute.data, self.strings, self.room).rows(room);
        self.message.recipients.extend(rows);
        self.note(attribute, damage);
    }

    /// Adds a defect, if the attribute is damaged.
    fn note(&mut self, attribute: &TnefAttribute<'_>, damage: Option<String>) {
        if let Some(cause) = damage {
            self.defect(format!("{attribute}: {cause}"));
        }
    }

    fn text(&mut self, tag: PropertyTag, data: &[u8]) {
        let (tag, text) = string8(tag, until_nul(data), self.strings);
        self.message.properties.add(tag, text);
    }

    fn time(&mut self, tag: PropertyTag, attribute: &TnefAttribute<'_>) {
        match date(attribute.data) {
            Some(time) => self.message.properties.add(tag, Value::Time(time)),
            // Programs write zeros if there is no time.
            None if attribute.data.iter().all(|byte| *byte == 0) => {}
            None => self.note(attribute, Some("no date that can be read".to_owned())),
        }
    }

    /// `attFrom` (\[MS-OXTNEF\] 2.1.3.3.9): four lengths, a name, an address with its type.
    fn from(&mut self, attribute: &TnefAttribute<'_>) {
        let data = attribute.data;
        let len = |at: usize| {
            let bytes = data.get(at..)?.first_chunk()?;
            Some(usize::from(u16::from_le_bytes(*bytes)))
        };
        let parts = || {
            let start = 8 + len(4)?;
            Some((data.get(8..start)?, data.get(start..start + len(6)?)?))
        };
        let Some((name, address)) = parts() else {
            return self.note(attribute, Some("the sender cannot be read".to_owned()));
        };
        self.text(tags::PR_SENDER_NAME, name);
        // The address follows its type and a colon: `SMTP:ann@example.org`.
        let colon = memchr::memchr(b':', address);
        let address = colon.and_then(|at| address.get(at + 1..)).unwrap_or(address);
        self.text(tags::PR_SENDER_EMAIL_ADDRESS, address);
    }
}

/// The message class for a class name of Microsoft Mail (\[MS-OXTNEF\] 2.1.3.2.1).
fn message_class(name: &str) -> String {
    let class = match name {
        "IPM.Microsoft Mail.Note" => "IPM.Note",
        "IPM.Microsoft Mail.Read Receipt" => "REPORT.IPM.Note.IPNRN",
        "IPM.Microsoft Mail.Non-Delivery" => "REPORT.IPM.Note.NDR",
        "IPM.Microsoft Schedule.MtgReq" => "IPM.Schedule.Meeting.Request",
        "IPM.Microsoft Schedule.MtgCncl" => "IPM.Schedule.Meeting.Canceled",
        "IPM.Microsoft Schedule.MtgRespP" => "IPM.Schedule.Meeting.Resp.Pos",
        "IPM.Microsoft Schedule.MtgRespN" => "IPM.Schedule.Meeting.Resp.Neg",
        "IPM.Microsoft Schedule.MtgRespA" => "IPM.Schedule.Meeting.Resp.Tent",
        _ => name,
    };
    class.to_owned()
}

/// The string of an attribute, up to its NUL.
fn until_nul(data: &[u8]) -> &[u8] {
    data.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The date of an attribute (`DTR`, \[MS-OXTNEF\] 2.1.3.4): year, month, day, hour, minute, second.
fn date(data: &[u8]) -> Option<FileTime> {
    let mut fields = data.as_chunks::<2>().0.iter().map(|field| i16::from_le_bytes(*field));
    let year = fields.next()?;
    let mut small = || i8::try_from(fields.next()?).ok();
    let date = jiff::civil::date(1, 1, 1).with().year(year).month(small()?).day(small()?);
    let date = date.build().ok()?;
    let time = jiff::civil::Time::new(small()?, small()?, small()?, 0).ok()?;
    let zoned = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    FileTime::from_unix(zoned.timestamp().as_second(), 0)
}

#[cfg(test)]
mod tests;
