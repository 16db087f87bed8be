//! The table of columns: the name, the type, what it means, and how it is filled.
//!
//! A new column is a line here. No name is a reserved word of DuckDB or Spark.

use arrow_schema::DataType;
use outlook_msg::Mail;
use outlook_msg::mail::Importance;

use crate::cell::Cell;
use crate::facts::{Facts, path_bytes, path_text};
use crate::schema::{Kind, VERSION};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub meaning: &'static str,
    kind: Kind,
    fill: fn(&Facts<'_>) -> Cell,
}

impl Column {
    /// Its type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.kind.data_type()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn fill(&self, facts: &Facts<'_>) -> Cell {
        (self.fill)(facts)
    }

    /// Whether a table has it only if it is asked for: it may be larger than all others together.
    pub(crate) fn is_extra(&self) -> bool {
        self.name == "body_html"
    }
}

const TEXTS: Kind = Kind::List(&Kind::Text);
const RECIPIENTS: Kind = Kind::List(&Kind::Struct(&[
    ("display_name", Kind::Text),
    ("email_address", Kind::Text),
    ("address_type", Kind::Text),
    ("recipient_type", Kind::Text),
]));
const ADDRESSES: Kind =
    Kind::List(&Kind::Struct(&[("display_name", Kind::Text), ("email_address", Kind::Text)]));
const ATTACHMENTS: Kind = Kind::List(&Kind::Struct(&[
    ("filename", Kind::Text),
    ("size", Kind::Integer64),
    ("sha256", Kind::Text),
    ("mime_type", Kind::Text),
    ("attach_method", Kind::Text),
    ("attach_content_id", Kind::Text),
    ("is_inline", Kind::Boolean),
    ("is_message", Kind::Boolean),
]));
const FINDINGS: Kind = Kind::List(&Kind::Struct(&[("place", Kind::Text), ("cause", Kind::Text)]));

/// Every column, in the order of a table. `defects` and `notes` come behind those whose filling
/// finds some.
pub const COLUMNS: &[Column] = &[
    column("path", "where the message is; U+FFFD stands for what is no UTF-8", Kind::Text, |of| {
        path_text(&of.at.path).into()
    }),
    column("path_bytes", "the path, only if it is no UTF-8", Kind::Bytes, |of| {
        path_bytes(&of.at.path).into()
    }),
    column("parent_path", "the path of the message that it is embedded in", Kind::Text, |of| {
        of.at.parent.as_deref().map(path_text).into()
    }),
    column("depth", "how many messages it is embedded in", Kind::Integer32, |of| {
        of.at.depth.into()
    }),
    column("message_size", "the length of its file in bytes", Kind::Integer64, |of| {
        of.size().into()
    }),
    column("sha256", "the SHA-256 of its file in hexadecimal digits", Kind::Text, |of| {
        of.sha256().into()
    }),
    column("internet_message_id", "the Message-ID", Kind::Text, |of| {
        of.ask("message-id", Mail::message_id).into()
    }),
    column("in_reply_to", "the Message-ID of what it answers", Kind::Text, |of| {
        of.ask("in-reply-to", Mail::in_reply_to).into()
    }),
    column(
        "internet_references",
        "the Message-IDs of what it goes back to, the oldest first",
        TEXTS,
        |of| of.ask_all("references", Mail::references),
    ),
    column("conversation_topic", "PR_CONVERSATION_TOPIC", Kind::Text, |of| {
        of.ask("conversation", Mail::conversation).and_then(|one| one.topic).into()
    }),
    column("conversation_index", "PR_CONVERSATION_INDEX", Kind::Bytes, |of| {
        of.ask("conversation", Mail::conversation).and_then(|one| one.index).into()
    }),
    column("message_class", "the message class, as IPM.Note", Kind::Text, |of| {
        of.ask("class", Mail::message_class).into()
    }),
    column("client_submit_time", "when it was sent", Kind::Time, |of| {
        of.ask_time("date", Mail::date)
    }),
    column("message_delivery_time", "when it arrived", Kind::Time, |of| {
        of.ask_time("received", Mail::received)
    }),
    column("creation_time", "when it was made in its store", Kind::Time, |of| {
        of.ask_time("creation_time", Mail::created)
    }),
    column("last_modified", "when it was last changed", Kind::Time, |of| {
        of.ask_time("last_modified", Mail::modified)
    }),
    column("subject", "the subject", Kind::Text, |of| of.ask("subject", Mail::subject).into()),
    column("sender_name", "the name of who sent it", Kind::Text, |of| {
        of.ask("sender", Mail::sender).and_then(|one| some(one.name)).into()
    }),
    column("sender_email_address", "the address of who sent it", Kind::Text, |of| {
        of.ask("sender", Mail::sender).and_then(|one| some(one.address)).into()
    }),
    column(
        "sent_representing_name",
        "the name of on whose behalf it was sent, else of who sent it",
        Kind::Text,
        |of| of.ask("from", Mail::from).and_then(|one| some(one.name)).into(),
    ),
    column("sent_representing_email_address", "their address", Kind::Text, |of| {
        of.ask("from", Mail::from).and_then(|one| some(one.address)).into()
    }),
    column("recipients", "to whom it was sent", RECIPIENTS, |of| of.recipients()),
    column("reply_to", "where replies go", ADDRESSES, |of| of.reply_to()),
    column("importance", "LOW, NORMAL or HIGH", Kind::Text, |of| {
        let importance = of.ask("importance", Mail::importance);
        let known = importance.filter(|one| !matches!(one, Importance::Other(_)));
        known.map(|one| one.to_string().to_uppercase()).into()
    }),
    column("categories", "the categories", TEXTS, |of| of.ask_all("categories", Mail::categories)),
    column("message_flags", "PR_MESSAGE_FLAGS", Kind::Integer32, |of| {
        of.ask("flags", Mail::flags).map(|flags| flags.0).into()
    }),
    column("body", "the body as plain text", Kind::Text, |of| {
        of.ask("body.txt", Mail::text).into()
    }),
    column("body_html", "the body as HTML that a browser may open", Kind::Text, |of| {
        of.ask("body.html", Mail::html).into()
    }),
    column("headers", "the header that it came with", Kind::Text, |of| {
        of.ask("headers", Mail::headers).into()
    }),
    column("attachments", "what is attached", ATTACHMENTS, |of| of.attachments()),
    column("event_start", "when the appointment or meeting starts", Kind::Time, |of| {
        of.time("event", of.of_event(|event| Some(event.start)))
    }),
    column("event_end", "when it ends", Kind::Time, |of| {
        of.time("event", of.of_event(|event| event.end))
    }),
    column("event_all_day", "whether it takes whole days", Kind::Boolean, |of| {
        of.of_event(|event| Some(event.is_all_day)).into()
    }),
    column("event_time_zone", "the time zone in which it was planned", Kind::Text, |of| {
        of.of_event(|event| event.time_zone.clone()).into()
    }),
    column("event_location", "where it takes place", Kind::Text, |of| {
        of.of_event(|event| event.location.clone()).into()
    }),
    column("defects", "what cannot be read", FINDINGS, |of| of.defects()),
    column("notes", "what was read otherwise than the file has it", FINDINGS, |of| of.notes()),
    column("msgfs_version", "what made the row", Kind::Text, |_| VERSION.into()),
];

const fn column(
    name: &'static str,
    meaning: &'static str,
    kind: Kind,
    fill: fn(&Facts<'_>) -> Cell,
) -> Column {
    Column { name, meaning, kind, fill }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
