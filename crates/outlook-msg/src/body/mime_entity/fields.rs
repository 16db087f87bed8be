//! The header fields of an entity, parsed by mail-parser.

use mail_parser::{Address, Message, MessageParser, MimeHeaders as _};

use super::EntityFindings;
use super::transfer::TransferEncoding;
use crate::mapi::{FileTime, detect};

/// What the header of a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The whole header as text.
    pub header: String,
    /// `Subject`.
    pub subject: Option<String>,
    /// `From`.
    pub from: Vec<Mailbox>,
    /// `Sender`.
    pub sender: Vec<Mailbox>,
    /// `To`.
    pub to: Vec<Mailbox>,
    /// `Cc`.
    pub cc: Vec<Mailbox>,
    /// `Bcc`.
    pub bcc: Vec<Mailbox>,
    /// `Reply-To`.
    pub reply_to: Vec<Mailbox>,
    /// `Date`.
    pub date: Option<FileTime>,
    /// `Message-ID`, without the brackets.
    pub message_id: Option<String>,
    /// `Importance`.
    pub importance: Option<String>,
    /// `X-Priority`, which other programs write for `Importance`.
    pub x_priority: Option<String>,
    /// `Priority`.
    pub priority: Option<String>,
    /// `Sensitivity`.
    pub sensitivity: Option<String>,
}

/// A name and an address (RFC 5322 section 3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, or nothing.
    pub name: String,
    /// The address, or nothing.
    pub address: String,
}

/// What the header of a part says of its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartFields {
    /// In lower case.
    pub(super) media_type: String,
    pub(super) charset: Option<String>,
    pub(super) boundary: Option<String>,
    pub(super) name: Option<String>,
    pub(super) content_id: Option<String>,
    pub(super) content_location: Option<String>,
    pub(super) encoding: TransferEncoding,
    pub(super) is_attachment: bool,
    /// Whether its lines are to be joined (`format=flowed`).
    pub(super) flow: Option<Flow>,
}

/// How the lines of a text are joined (RFC 3676).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// Whether the blank at the end of a joined line is not part of the text (`delsp=yes`).
    pub(super) deletes_blank: bool,
}

/// At most this many bytes of a field are read, because mail-parser may take a time that grows with
/// the square of the length.
const FIELD_BYTES_MAX: usize = 64 * 1024;
/// The same for the fields of a part. It is smaller, because there may be many parts.
const PART_FIELD_BYTES_MAX: usize = 8 * 1024;
/// At most this many fields of these names are read.
const FIELDS_MAX: usize = 64;
/// The fields that say what a message is, in lower case.
const MESSAGE_FIELDS: [&str; 13] = [
    "subject",
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "date",
    "message-id",
    "importance",
    "x-priority",
    "priority",
    "sensitivity",
];
/// Those that are lists of addresses.
const ADDRESS_FIELDS: [&str; 6] = ["from", "sender", "to", "cc", "bcc", "reply-to"];
/// The fields that say what a part is, in lower case.
const PART_FIELDS: [&str; 6] = [
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "content-location",
    "content-description",
];
/// At most this many mailboxes of one field are listed.
const MAILBOXES_MAX: usize = 4096;
/// Boundaries have 70 characters at most (RFC 2046 section 5.1.1), but some programs write longer
/// ones.
const BOUNDARY_BYTES_MAX: usize = 256;

impl Fields {
    /// Reads a header. What is left out is added to `findings`.
    pub(super) fn parse(header: &[u8], findings: &mut EntityFindings) -> Self {
        let (page, guess) = detect::page_of(header, None);
        findings.notes.extend(guess.map(|guess| format!("the header is {guess}")));
        let text = page.decode(header).into_owned();
        let fields = selected(text.as_bytes(), &MESSAGE_FIELDS, FIELD_BYTES_MAX, findings);
        let Some(message) = parse(&fields) else {
            return Self { header: text, ..Self::default() };
        };
        let date = message.date().filter(|date| date.is_valid());
        let word = |name: &str| Some(message.header(name)?.as_text()?.trim().to_owned());
        let mut mailboxes = |addresses| mailboxes(addresses, findings);
        let fields = Self {
            header: text,
            subject: message.subject().map(str::to_owned),
            from: mailboxes(message.from()),
            sender: mailboxes(message.sender()),
            to: mailboxes(message.to()),
            cc: mailboxes(message.cc()),
            bcc: mailboxes(message.bcc()),
            reply_to: mailboxes(message.reply_to()),
            date: date.and_then(|date| FileTime::from_unix(date.to_timestamp(), 0)),
            message_id: message.message_id().map(str::to_owned),
            importance: word("Importance"),
            x_priority: word("X-Priority"),
            priority: word("Priority"),
            sensitivity: word("Sensitivity"),
        };
        if fields.from.len() > 1 {
            let count = fields.from.len();
            findings
                .notes
                .push(format!("of the {count} authors in its header, `from` is the first"));
        }
        fields
    }

    /// Fills in the values that this header lacks from another one.
    pub(super) fn complete_with(&mut self, other: Self) {
        let lists = [
            (&mut self.from, other.from),
            (&mut self.sender, other.sender),
            (&mut self.to, other.to),
            (&mut self.cc, other.cc),
            (&mut self.bcc, other.bcc),
            (&mut self.reply_to, other.reply_to),
        ];
        for (own, other) in lists {
            if own.is_empty() {
                *own = other;
            }
        }
        self.subject = self.subject.take().or(other.subject);
        self.date = self.date.or(other.date);
        let words = [
            (&mut self.message_id, other.message_id),
            (&mut self.importance, other.importance),
            (&mut self.x_priority, other.x_priority),
            (&mut self.priority, other.priority),
            (&mut self.sensitivity, other.sensitivity),
        ];
        for (own, other) in words {
            *own = own.take().or(other);
        }
    }
}

impl PartFields {
    /// Reads the header of a part, which has the type `default_type` if it states none. What is left
    /// out is added to `findings`.
    pub(super) fn parse(header: &[u8], default_type: &str, findings: &mut EntityFindings) -> Self {
        let mut fields = Self { media_type: default_type.to_owned(), ..Self::default() };
        let header = selected(header, &PART_FIELDS, PART_FIELD_BYTES_MAX, findings);
        let message = parse(&header);
        let Some(part) = message.as_ref().and_then(|message| message.parts.first()) else {
            return fields;
        };
        if let Some(content_type) = part.content_type() {
            let subtype = content_type.subtype().unwrap_or_default();
            fields.media_type = format!("{}/{subtype}", content_type.ctype()).to_ascii_lowercase();
            fields.charset = content_type.attribute("charset").map(str::to_owned);
            let says = |name, word: &str| {
                content_type.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
            };
            let deletes_blank = says("delsp", "yes");
            fields.flow = says("format", "flowed").then_some(Flow { deletes_blank });
            let boundary = content_type.attribute("boundary").map(str::to_owned);
            fields.boundary =
                boundary.filter(|text| (1..=BOUNDARY_BYTES_MAX).contains(&text.len()));
        }
        let encoding = part.content_transfer_encoding().unwrap_or_default().trim();
        if encoding.eq_ignore_ascii_case("base64") {
            fields.encoding = TransferEncoding::Base64;
        } else if encoding.eq_ignore_ascii_case("quoted-printable") {
            fields.encoding = TransferEncoding::QuotedPrintable;
        }
        fields.name = part.attachment_name().filter(|name| !name.is_empty()).map(str::to_owned);
        fields.content_id = part.content_id().map(str::to_owned);
        fields.content_location = part.content_location().map(str::to_owned);
        fields.is_attachment =
            part.content_disposition().is_some_and(|disposition| disposition.is_attachment());
        fields
    }
}

/// The fields with these names, wherever they are in a header. Mail that passed many servers has
/// many other fields before them, which need not be parsed.
fn selected(
    header: &[u8],
    names: &[&str],
    field_bytes_max: usize,
    findings: &mut EntityFindings,
) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut count = 0;
    let mut left = None;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
            let wanted = names.iter().find(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            if wanted.is_some() && count == FIELDS_MAX {
                let cause = format!("header fields beyond the first {FIELDS_MAX} are not read");
                findings.defects.push(cause);
            }
            left = wanted.filter(|_| count < FIELDS_MAX).map(|name| (name, field_bytes_max));
            count += usize::from(wanted.is_some());
        }
        let Some((name, room)) = &mut left else { continue };
        match room.checked_sub(line.len()) {
            Some(rest) => {
                *room = rest;
                fields.extend_from_slice(line);
            }
            None => {
                let start = line.get(..*room).unwrap_or_default();
                let is_list = ADDRESS_FIELDS.contains(name);
                let start = if is_list { whole_addresses(start) } else { start };
                // A line that is blank would end the header.
                if !start.trim_ascii().is_empty() {
                    fields.extend_from_slice(start);
                    fields.extend_from_slice(b"\r\n");
                }
                findings.defects.push(format!(
                    "the header field {name:?} has more than {field_bytes_max} bytes, and its end \
                     is not read"
                ));
                left = None;
            }
        }
    }
    fields
}

/// The start of a line that is cut, up to the last address that is whole. A comma in a name would
/// not tell, so a line with quotes is cut only behind a bracket.
fn whole_addresses(start: &[u8]) -> &[u8] {
    let end = match memchr::memmem::rfind(start, b">,") {
        Some(bracket) => bracket + 1,
        None if start.contains(&b'"') => 0,
        None => memchr::memrchr(b',', start).unwrap_or(0),
    };
    start.get(..end).unwrap_or_default()
}

fn parse(header: &[u8]) -> Option<Message<'_>> {
    MessageParser::default().parse_headers(header)
}

fn mailboxes(addresses: Option<&Address<'_>>, findings: &mut EntityFindings) -> Vec<Mailbox> {
    let all = || addresses.into_iter().flat_map(Address::iter);
    let more = all().skip(MAILBOXES_MAX).count();
    if more > 0 {
        let cause = format!("{more} addresses of a header field beyond the first {MAILBOXES_MAX}");
        findings.defects.push(cause);
    }
    let read = all().map(|one| Mailbox {
        name: one.name.as_deref().unwrap_or_default().to_owned(),
        address: one.address.as_deref().unwrap_or_default().to_owned(),
    });
    read.take(MAILBOXES_MAX).collect()
}
