//! The fields of the transport header (`PR_TRANSPORT_MESSAGE_HEADERS`), the header that the message
//! had on its way over the internet. They repeat what properties say, and serve if the message
//! lacks the property.
//!
//! Knows no other property.

use mail_parser::{DateTime, MessageParser};

use crate::body::header::HeaderLine;
use crate::mapi::FileTime;

use super::address::Address;

/// A field that repeats what properties say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderField {
    /// The author.
    From,
    /// The sender of the message, if that is not the author.
    Sender,
    /// The recipients.
    To,
    /// The recipients of copies.
    Cc,
    /// The recipients of blind copies.
    Bcc,
    /// The addresses that replies go to.
    ReplyTo,
    /// The subject.
    Subject,
    /// The subject of the first message of the conversation.
    ThreadTopic,
    /// When it was sent.
    Date,
    /// A server that the message passed. Each server adds its field at the top, so the first field
    /// is from the last server.
    Received,
    /// The message id.
    MessageId,
    /// The message id of the message that this one answers.
    InReplyTo,
    /// The message ids of the thread.
    References,
}

impl HeaderField {
    const COUNT: usize = 13;
    const NAMES: [(Self, &str); Self::COUNT] = [
        (Self::From, "From"),
        (Self::Sender, "Sender"),
        (Self::To, "To"),
        (Self::Cc, "Cc"),
        (Self::Bcc, "Bcc"),
        (Self::ReplyTo, "Reply-To"),
        (Self::Subject, "Subject"),
        (Self::ThreadTopic, "Thread-Topic"),
        (Self::Date, "Date"),
        (Self::Received, "Received"),
        (Self::MessageId, "Message-ID"),
        (Self::InReplyTo, "In-Reply-To"),
        (Self::References, "References"),
    ];

    /// The name of the field, such as `Reply-To`.
    pub fn name(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        names.find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }

    fn of_name(name: &str) -> Option<Self> {
        let mut names = Self::NAMES.iter();
        names.find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(field, _)| *field)
    }
}

/// The value of the first field of each name, without line ends.
#[derive(Debug, Default)]
pub struct TransportHeaders {
    fields: [Option<String>; HeaderField::COUNT],
}

impl TransportHeaders {
    /// Finds the fields in a header. The header ends at its first empty line.
    pub fn parse(header: &str) -> Self {
        let mut found = Self::default();
        // The field that the next lines may continue.
        let mut open: Option<HeaderField> = None;
        for line in header.trim_start_matches(['\r', '\n', '\0']).lines() {
            match HeaderLine::of(line) {
                HeaderLine::Empty => break,
                HeaderLine::Continuation => {
                    if let Some(text) = open.and_then(|field| found.slot(field)?.as_mut()) {
                        text.push_str(line);
                    }
                }
                HeaderLine::Stray => open = None,
                HeaderLine::Field(name, value) => {
                    open = HeaderField::of_name(name).filter(|field| {
                        let slot = found.slot(*field).filter(|slot| slot.is_none());
                        slot.map(|slot| *slot = Some(value.to_owned())).is_some()
                    });
                }
            }
        }
        found
    }

    fn slot(&mut self, field: HeaderField) -> Option<&mut Option<String>> {
        self.fields.get_mut(field as usize)
    }

    /// The value of a field, unless it is missing or blank.
    fn text(&self, field: HeaderField) -> Option<&str> {
        let text = self.fields.get(field as usize)?.as_deref()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The addresses of a field, including those in groups.
    pub fn addresses(&self, field: HeaderField) -> Vec<Address> {
        let Some(value) = self.text(field) else { return Vec::new() };
        let header = format!("To: {value}\r\n\r\n");
        let Some(parsed) = MessageParser::new().parse_headers(header.as_bytes()) else {
            return Vec::new();
        };
        let text = |part: Option<&str>| part.unwrap_or_default().trim().to_owned();
        let all = parsed.to().into_iter().flat_map(|to| to.iter());
        let all = all.map(|one| Address { name: text(one.name()), address: text(one.address()) });
        all.filter(|one| !one.name.is_empty() || !one.address.is_empty()).collect()
    }

    /// The first address of a mail in a field.
    pub fn address(&self, field: HeaderField) -> Option<Address> {
        self.addresses(field).into_iter().find(Address::is_mail)
    }

    /// The subject, with encoded words decoded.
    pub fn subject(&self) -> Option<String> {
        let header = format!("Subject: {}\r\n\r\n", self.text(HeaderField::Subject)?);
        let parsed = MessageParser::new().parse_headers(header.as_bytes())?;
        parsed.subject().map(str::to_owned)
    }

    /// The message id, in its angle brackets.
    pub fn message_id(&self) -> Option<&str> {
        self.text(HeaderField::MessageId)
    }

    /// The message id of the message that this one answers, in its angle brackets.
    pub fn in_reply_to(&self) -> Option<&str> {
        self.text(HeaderField::InReplyTo)
    }

    /// The message ids of the thread, as one text.
    pub fn references(&self) -> Option<&str> {
        self.text(HeaderField::References)
    }

    /// When the message was sent.
    pub fn date(&self) -> Option<FileTime> {
        time(self.text(HeaderField::Date)?)
    }

    /// When the last server received the message.
    pub fn received(&self) -> Option<FileTime> {
        let (_, date) = self.text(HeaderField::Received)?.rsplit_once(';')?;
        time(date)
    }
}

fn time(text: &str) -> Option<FileTime> {
    let time = DateTime::parse_rfc822(&format!("{}\n", text.trim()))?;
    if !time.is_valid() {
        return None;
    }
    FileTime::from_unix(time.to_timestamp(), 0)
}

#[cfg(test)]
mod tests {
    use super::{HeaderField, TransportHeaders};

    const HEADER: &str = "Microsoft Mail Internet Headers Version 2.0\r\n\
        Received: from a.example by b.example with SMTP id 1;\r\n\tTue, 7 May 2024 16:08:10 +0000\r\n\
        Received: from c.example by a.example; Mon, 6 May 2024 00:00:00 +0000\r\n\
        from: =?utf-8?Q?Zo=C3=AB?= <zoe@example.org>\r\n\
        To: Ben <ben@example.org>, \"Lee, Ann\"\r\n <ann@example.org>, team: c@example.org;\r\n\
        Cc: undisclosed-recipients:;\r\n\
        Subject: =?utf-8?B?w5xidW5n?=\r\n and more\r\n\
        Date: Tue, 7 May 2024 09:08:09 -0700 (PDT)\r\n\
        Message-ID:\r\n <1@example.org>\r\n\r\nReply-To: no@example.org\r\n";

    fn all(headers: &TransportHeaders, field: HeaderField) -> Vec<String> {
        headers.addresses(field).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn fields_are_found_and_decoded() {
        let headers = TransportHeaders::parse(HEADER);
        let time = |text: &str| Some(text.parse().unwrap());
        assert_eq!(headers.date(), time("2024-05-07T16:08:09Z"));
        assert_eq!(headers.received(), time("2024-05-07T16:08:10Z"));
        assert_eq!(headers.message_id(), Some("<1@example.org>"));
        assert_eq!(headers.subject().as_deref(), Some("Übung and more"));
        assert_eq!(all(&headers, HeaderField::From), ["Zoë <zoe@example.org>"]);
        let to = ["Ben <ben@example.org>", "Lee, Ann <ann@example.org>", "c@example.org"];
        assert_eq!(all(&headers, HeaderField::To), to);
        assert_eq!(all(&headers, HeaderField::Cc), [""; 0]);
        assert_eq!(all(&headers, HeaderField::ReplyTo), [""; 0]);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for header in ["Date: soon", "Date:", "Date: Tue, 99 May 2024 99:08:09 +0000", "", "\r\n"] {
            assert_eq!(TransportHeaders::parse(header).date(), None, "{header}");
        }
        assert_eq!(TransportHeaders::parse("Received: by x").received(), None);
    }
}
