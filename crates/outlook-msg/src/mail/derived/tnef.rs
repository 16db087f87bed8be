//! A message out of `winmail.dat` as a message directory.

use crate::body::html::{self, Reference, Remote};
use crate::body::tnef::{Attachment, Content, Message, Properties};
use crate::body::{compressed_rtf, rtf};
use crate::imsg::Address;
use crate::mail::names::UniqueNames;
use crate::mail::reader::ReaderFile;
use crate::mail::references::References;
use crate::mapi::{FileTime, PropertyTag, Value, tags};

use super::directory::{ATTACHMENTS, Directory};

impl Directory {
    /// Writes the files of a message; gives what could not be read of it.
    pub(super) fn tnef(&mut self, mut message: Message) -> Vec<String> {
        let mut defects = std::mem::take(&mut message.defects);
        let properties = &message.properties;
        self.text(ReaderFile::Subject, properties.text(tags::PR_SUBJECT));
        let sender = party(properties, SENDER);
        let represented = party(properties, SENT_REPRESENTING).or_else(|| sender.clone());
        self.addresses(ReaderFile::From, represented.as_slice());
        self.addresses(ReaderFile::Sender, sender.as_slice());
        for (file, kind) in [(ReaderFile::To, 1), (ReaderFile::Cc, 2), (ReaderFile::Bcc, 3)] {
            self.addresses(file, &recipients(&message, kind));
        }
        let time = |tag| time(properties, tag).map(|time| time.to_string());
        self.text(ReaderFile::Date, time(tags::PR_CLIENT_SUBMIT_TIME).as_deref());
        self.text(ReaderFile::Received, time(tags::PR_MESSAGE_DELIVERY_TIME).as_deref());
        self.text(ReaderFile::Class, properties.text(tags::PR_MESSAGE_CLASS));
        self.text(ReaderFile::MessageId, properties.text(tags::PR_INTERNET_MESSAGE_ID));
        if let Some(headers) = properties.text(tags::PR_TRANSPORT_MESSAGE_HEADERS) {
            self.body(ReaderFile::Headers, headers);
        }
        let names = attachment_names(&message.attachments);
        self.tnef_bodies(&message, &names, &mut defects);
        let shown = message.attachments.into_iter().zip(&names);
        let shown: Vec<_> =
            shown.filter(|(one, _)| !matches!(one.content, Content::None)).collect();
        if !shown.is_empty() {
            self.directory(ATTACHMENTS, |directory| {
                for (attachment, name) in shown {
                    directory.tnef_attachment(attachment, name);
                }
            });
        }
        defects
    }

    fn tnef_bodies(&mut self, message: &Message, names: &[String], defects: &mut Vec<String>) {
        let properties = &message.properties;
        let compressed = properties.binary(tags::PR_RTF_COMPRESSED);
        let (small, large) = match compressed {
            Some(stream) if stream.len() > RTF_BYTES_MAX => (None, Some(stream.len())),
            small => (small, None),
        };
        defects.extend(large.map(|len| {
            format!("PR_RTF_COMPRESSED: {len} bytes, at most {RTF_BYTES_MAX} are decompressed")
        }));
        let decompressed = small.and_then(|stream| {
            let decompressed = compressed_rtf::decompress(stream);
            decompressed.map_err(|error| defects.push(format!("PR_RTF_COMPRESSED: {error}"))).ok()
        });
        let rich = decompressed.map(|one| one.rtf);
        let html = html_source(message, rich.as_deref());
        let text = properties.text(tags::PR_BODY).map(str::to_owned);
        let mut references = References::default();
        for (Attachment { properties, .. }, name) in message.attachments.iter().zip(names) {
            let content_id = properties.text(tags::PR_ATTACH_CONTENT_ID);
            let location = properties.text(tags::PR_ATTACH_CONTENT_LOCATION);
            references.insert(content_id, location, name);
        }
        let resolve = |reference: Reference<'_>| references.path(&reference);
        let made = || {
            let of_html = html.as_deref().map(|html| html::to_text(html, &resolve));
            of_html.or_else(|| Some(rtf::to_text(rich.as_deref()?)))
        };
        if let Some(text) = text.or_else(made) {
            self.body(ReaderFile::BodyText, &text);
        }
        if let Some(html) = &html {
            let html = html::for_browser(html, &resolve, Remote::Blocked);
            self.file(ReaderFile::BodyHtml.name(), html.into_bytes());
        }
        if let Some(rich) = rich.filter(|rich| rtf::kind(rich) == rtf::Kind::Native) {
            self.file(ReaderFile::BodyRtf.name(), rich);
        }
    }

    fn tnef_attachment(&mut self, attachment: Attachment, name: &str) {
        match attachment.content {
            Content::None => {}
            Content::Bytes(bytes) => self.file(name, bytes),
            Content::Message(message) => self.directory(name, |directory| {
                let defects = directory.tnef(*message);
                directory.errors(&defects);
            }),
        }
    }
}

/// Compressed RTF of more bytes is not looked at: it may be eight times as long once decompressed.
const RTF_BYTES_MAX: usize = 8 << 20;

/// Name, SMTP address and address of a party.
type Party = [PropertyTag; 3];

const SENDER: Party =
    [tags::PR_SENDER_NAME, tags::PR_SENDER_SMTP_ADDRESS, tags::PR_SENDER_EMAIL_ADDRESS];
const SENT_REPRESENTING: Party = [
    tags::PR_SENT_REPRESENTING_NAME,
    tags::PR_SENT_REPRESENTING_SMTP_ADDRESS,
    tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS,
];
const RECIPIENT: Party = [tags::PR_DISPLAY_NAME, tags::PR_SMTP_ADDRESS, tags::PR_EMAIL_ADDRESS];

fn party(properties: &Properties, [name, smtp_address, address]: Party) -> Option<Address> {
    let name = properties.text(name).unwrap_or_default().to_owned();
    let address = properties.text(smtp_address).or_else(|| properties.text(address));
    let address = address.unwrap_or_default().to_owned();
    (!name.is_empty() || !address.is_empty()).then_some(Address { name, address })
}

fn recipients(message: &Message, kind: i32) -> Vec<Address> {
    // The upper bits say what was done with a recipient (MS-OXOMSG 2.2.3.1.2).
    let is_kind = |row: &&Properties| {
        row.integer(tags::PR_RECIPIENT_TYPE).is_some_and(|found| found & 0xF == kind)
    };
    message.recipients.iter().filter(is_kind).filter_map(|row| party(row, RECIPIENT)).collect()
}

fn time(properties: &Properties, tag: PropertyTag) -> Option<FileTime> {
    match properties.get(tag)? {
        Value::Time(time) => Some(*time).filter(|time| time.is_set()),
        _ => None,
    }
}

fn html_source(message: &Message, rich: Option<&[u8]>) -> Option<String> {
    let properties = &message.properties;
    if let Some(bytes) = properties.binary(tags::PR_HTML) {
        let page = properties.integer(tags::PR_INTERNET_CPID);
        let page = page.and_then(|page| u32::try_from(page).ok());
        return Some(html::decode(bytes, page, message.code_page).html);
    }
    if let Some(html) = properties.text(tags::PR_BODY_HTML) {
        return Some(html.to_owned());
    }
    let rich = rich.filter(|rich| rtf::kind(rich) == rtf::Kind::FromHtml)?;
    Some(rtf::to_html(rich))
}

fn attachment_names(attachments: &[Attachment]) -> Vec<String> {
    const METHOD_STORAGE: i32 = 6;
    let mut names = UniqueNames::default();
    let name = |attachment: &Attachment| {
        let properties = &attachment.properties;
        let file_name =
            [tags::PR_ATTACH_LONG_FILENAME, tags::PR_ATTACH_FILENAME, tags::PR_DISPLAY_NAME]
                .into_iter()
                .find_map(|tag| properties.text(tag))
                .unwrap_or_default();
        match &attachment.content {
            Content::Message(message) => {
                let subject = message.properties.text(tags::PR_SUBJECT).unwrap_or(file_name);
                names.make(subject, "message", ".msg")
            }
            _ if properties.integer(tags::PR_ATTACH_METHOD) == Some(METHOD_STORAGE) => {
                names.make(file_name, "object", ".ole")
            }
            _ => names.make(file_name, "unnamed", ""),
        }
    };
    attachments.iter().map(name).collect()
}
