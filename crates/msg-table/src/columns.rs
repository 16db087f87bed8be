//! The table of columns: for each column the name, the type, the meaning, and the function that
//! fills it.
//!
//! To add a column, add an entry to [`COLUMNS`]. A name must not be a reserved word of DuckDB or
//! Spark.

use arrow_schema::DataType;
use outlook_msg::Mail;
use outlook_msg::mail::Importance;

use crate::cell::Cell;
use crate::facts::{Facts, path_bytes, path_text};
use crate::schema::{ColumnKind, VERSION};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it contains; `msgfs table --help` prints this.
    pub meaning: &'static str,
    kind: ColumnKind,
    fill: fn(&Facts<'_>) -> Cell,
}

impl Column {
    /// Its type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.kind.data_type()
    }

    pub(crate) fn kind(&self) -> ColumnKind {
        self.kind
    }

    pub(crate) fn fill(&self, facts: &Facts<'_>) -> Cell {
        (self.fill)(facts)
    }

    /// Whether a table has the column only on request, because it may be larger than all others
    /// together.
    pub(crate) fn is_extra(&self) -> bool {
        self.name == "body_html"
    }
}

const TEXTS: ColumnKind = ColumnKind::List(&ColumnKind::Text);
const RECIPIENTS: ColumnKind = ColumnKind::List(&ColumnKind::Struct(&[
    ("display_name", ColumnKind::Text),
    ("email_address", ColumnKind::Text),
    ("address_type", ColumnKind::Text),
    ("recipient_type", ColumnKind::Text),
]));
const ADDRESSES: ColumnKind = ColumnKind::List(&ColumnKind::Struct(&[
    ("display_name", ColumnKind::Text),
    ("email_address", ColumnKind::Text),
]));
const ATTACHMENTS: ColumnKind = ColumnKind::List(&ColumnKind::Struct(&[
    ("filename", ColumnKind::Text),
    ("size", ColumnKind::Integer64),
    ("sha256", ColumnKind::Text),
    ("mime_type", ColumnKind::Text),
    ("attach_method", ColumnKind::Text),
    ("attach_content_id", ColumnKind::Text),
    ("is_inline", ColumnKind::Boolean),
    ("is_message", ColumnKind::Boolean),
]));
const FINDINGS: ColumnKind = ColumnKind::List(&ColumnKind::Struct(&[
    ("place", ColumnKind::Text),
    ("cause", ColumnKind::Text),
]));

/// Every column, in the order in which tables have them. `defects` and `notes` are filled after the
/// columns whose filling finds some.
pub const COLUMNS: &[Column] = &[
    column(
        "path",
        "the path of the message; U+FFFD replaces bytes that are not UTF-8",
        ColumnKind::Text,
        |of| path_text(&of.at.path).into(),
    ),
    column(
        "path_bytes",
        "the bytes of the path, only if it is not UTF-8",
        ColumnKind::Bytes,
        |of| path_bytes(&of.at.path).into(),
    ),
    column(
        "parent_path",
        "the path of the message that contains this one",
        ColumnKind::Text,
        |of| of.at.parent.as_deref().map(path_text).into(),
    ),
    column("depth", "how many messages contain this one", ColumnKind::Integer32, |of| {
        of.at.depth.into()
    }),
    column("message_size", "the length of the file in bytes", ColumnKind::Integer64, |of| {
        of.size().into()
    }),
    column("sha256", "the SHA-256 of the file in hexadecimal digits", ColumnKind::Text, |of| {
        of.sha256().into()
    }),
    column("internet_message_id", "the Message-ID", ColumnKind::Text, |of| {
        of.value("message-id", Mail::message_id).into()
    }),
    column(
        "in_reply_to",
        "the Message-ID of the message that this one answers",
        ColumnKind::Text,
        |of| of.value("in-reply-to", Mail::in_reply_to).into(),
    ),
    column("internet_references", "the Message-IDs of the thread, the oldest first", TEXTS, |of| {
        of.list("references", Mail::references)
    }),
    column("conversation_topic", "PR_CONVERSATION_TOPIC", ColumnKind::Text, |of| {
        of.value("conversation", Mail::conversation).and_then(|one| one.topic).into()
    }),
    column("conversation_index", "PR_CONVERSATION_INDEX", ColumnKind::Bytes, |of| {
        of.value("conversation", Mail::conversation).and_then(|one| one.index).into()
    }),
    column("message_class", "the message class, such as IPM.Note", ColumnKind::Text, |of| {
        of.value("class", Mail::message_class).into()
    }),
    column("client_submit_time", "when it was sent", ColumnKind::Time, |of| {
        of.time("date", Mail::date)
    }),
    column("message_delivery_time", "when it arrived", ColumnKind::Time, |of| {
        of.time("received", Mail::received)
    }),
    column("creation_time", "when it was created in its message store", ColumnKind::Time, |of| {
        of.time("creation_time", Mail::created)
    }),
    column("last_modified", "when it was last changed", ColumnKind::Time, |of| {
        of.time("last_modified", Mail::modified)
    }),
    column("subject", "the subject", ColumnKind::Text, |of| {
        of.value("subject", Mail::subject).into()
    }),
    column("sender_name", "the name of the sender", ColumnKind::Text, |of| {
        of.value("sender", Mail::sender).and_then(|one| some(one.name)).into()
    }),
    column("sender_email_address", "the address of the sender", ColumnKind::Text, |of| {
        of.value("sender", Mail::sender).and_then(|one| some(one.address)).into()
    }),
    column(
        "sent_representing_name",
        "the name of the author, else of the sender",
        ColumnKind::Text,
        |of| of.value("from", Mail::from).and_then(|one| some(one.name)).into(),
    ),
    column(
        "sent_representing_email_address",
        "the address of the author, else of the sender",
        ColumnKind::Text,
        |of| of.value("from", Mail::from).and_then(|one| some(one.address)).into(),
    ),
    column("recipients", "the recipients", RECIPIENTS, |of| of.recipients()),
    column("reply_to", "the addresses that replies go to", ADDRESSES, |of| of.reply_to()),
    column("importance", "LOW, NORMAL or HIGH", ColumnKind::Text, |of| {
        let importance = of.value("importance", Mail::importance);
        let known = importance.filter(|one| !matches!(one, Importance::Other(_)));
        known.map(|one| one.to_string().to_uppercase()).into()
    }),
    column("categories", "the categories", TEXTS, |of| of.list("categories", Mail::categories)),
    column("message_flags", "PR_MESSAGE_FLAGS", ColumnKind::Integer32, |of| {
        of.value("flags", Mail::flags).map(|flags| flags.0).into()
    }),
    column("body", "the body as plain text", ColumnKind::Text, |of| {
        of.value("body.txt", Mail::shown_text).into()
    }),
    column("body_html", "the body as HTML that is safe in a browser", ColumnKind::Text, |of| {
        of.value("body.html", Mail::shown_html).into()
    }),
    column(
        "headers",
        "the header that it had on its way over the internet",
        ColumnKind::Text,
        |of| of.value("headers", Mail::headers).into(),
    ),
    column("attachments", "the attachments", ATTACHMENTS, |of| of.attachments()),
    column("event_start", "when the appointment or meeting starts", ColumnKind::Time, |of| {
        of.time_cell("event", of.of_event(|event| Some(event.start)))
    }),
    column("event_end", "when it ends", ColumnKind::Time, |of| {
        of.time_cell("event", of.of_event(|event| event.end))
    }),
    column("event_all_day", "whether it takes whole days", ColumnKind::Boolean, |of| {
        of.of_event(|event| Some(event.is_all_day)).into()
    }),
    column("event_time_zone", "the time zone in which it was planned", ColumnKind::Text, |of| {
        of.of_event(|event| event.time_zone.clone()).into()
    }),
    column("event_location", "where it takes place", ColumnKind::Text, |of| {
        of.of_event(|event| event.location.clone()).into()
    }),
    column("defects", "what cannot be read", FINDINGS, |of| of.defects()),
    column("notes", "what was read in another way than the file states", FINDINGS, |of| of.notes()),
    column(
        "msgfs_version",
        "the version of the program that made the row",
        ColumnKind::Text,
        |_| VERSION.into(),
    ),
];

const fn column(
    name: &'static str,
    meaning: &'static str,
    kind: ColumnKind,
    fill: fn(&Facts<'_>) -> Cell,
) -> Column {
    Column { name, meaning, kind, fill }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
