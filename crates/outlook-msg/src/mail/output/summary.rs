//! Collects what people are shown of a message above its body, as named fields. The printed text
//! and the page show the same.

use crate::imsg::{Address, Message};
use crate::mail::attachment::{Attachment, AttachmentKind};
use crate::mail::calendar::event::{AttendeeResponse, AttendeeRole, ChangedOccurrence, Event};
use crate::mail::calendar::ics;
use crate::mail::calendar::vcf;
use crate::mail::error::Error;
use crate::mail::opened::Mail;
use crate::mail::security::Security;
use crate::mail::values::fields::{self, Importance};
use crate::mail::values::marks::{self, FollowUp, FollowUpState, Sensitivity};
use crate::mail::values::named::{Values, lid};
use crate::mail::values::text::duration_text;
use crate::mail::wrapped::Wrapped;
use crate::mapi::FileTime;

use super::printable::size_text;

/// At most this many changed and canceled occurrences of a series are named; a series may have
/// thousands of them.
const EXCEPTIONS_MAX: usize = 20;

/// A field: its name, and its values, one per line. The values come from the message unchanged, so
/// they may contain control characters.
pub(in crate::mail) struct SummaryField {
    pub(in crate::mail) name: &'static str,
    pub(in crate::mail) values: Vec<String>,
}

impl Mail {
    /// What people are shown of a contact, a distribution list, a task, a journal entry or an item
    /// of a feed beside its body: named lines, such as `Telephone` with the kind and number of each.
    /// If the message is none of these, they are those of the first message that it wraps. Empty for
    /// other messages.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// for (name, values) in mail.details() {
    ///     println!("{name}: {}", values.join("; "));
    /// }
    /// # assert!(mail.details().is_empty());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn details(&self) -> Vec<(&'static str, Vec<String>)> {
        self.details_among(&self.wrapped())
    }

    /// As [`Mail::details`], if the wrapped messages are open already.
    fn details_among(&self, wrapped: &[Wrapped]) -> Vec<(&'static str, Vec<String>)> {
        let inside = wrapped.iter().map(|one| one.mail.own_details());
        let all = std::iter::once(self.own_details()).chain(inside);
        all.into_iter().find(|details| !details.is_empty()).unwrap_or_default()
    }

    fn own_details(&self) -> Vec<(&'static str, Vec<String>)> {
        let message = &self.opened.message;
        let shown = ics::shown(message).into_iter().chain(feed_item(message));
        let mut lines: Vec<_> = shown.map(|(name, value)| (name, vec![value])).collect();
        lines.extend(vcf::shown(message));
        lines
    }
}

/// The fields of a message, and the errors of those that cannot be read.
pub(in crate::mail) struct Summary<'a> {
    pub(in crate::mail) fields: Vec<SummaryField>,
    pub(in crate::mail) unread: Vec<String>,
    time: &'a dyn Fn(FileTime) -> String,
}

impl<'a> Summary<'a> {
    /// The fields after the subject, of a message that wraps these.
    pub(in crate::mail) fn of(
        mail: &Mail,
        wrapped: &[Wrapped],
        time: &'a dyn Fn(FileTime) -> String,
    ) -> Self {
        let mut summary = Self { fields: Vec::new(), unread: Vec::new(), time };
        summary.people(mail);
        summary.times(mail);
        summary.state(mail);
        let values = Values::new(&mail.opened.message);
        summary.marks(values);
        match summary.read("event", mail.event_among(wrapped)) {
            Some(event) => summary.event(&event),
            None => {
                let start = ics::journal_start(&mail.opened.message).map(time);
                summary.put("Start", start);
                summary.put("Reminder", marks::reminder(values).map(time));
            }
        }
        let subject = mail.subject().ok().flatten();
        let repeats = |value: &String| Some(value) == subject.as_ref();
        for (name, values) in mail.details_among(wrapped) {
            summary.put_all(name, values.into_iter().filter(|value| !repeats(value)).collect());
        }
        summary
    }

    /// Returns the value of a getter. Keeps its error in `unread`.
    pub(in crate::mail) fn read<T>(
        &mut self,
        place: &str,
        value: Result<Option<T>, Error>,
    ) -> Option<T> {
        value.inspect_err(|error| self.unread.push(format!("{place}: {error}"))).unwrap_or_default()
    }

    fn people(&mut self, mail: &Mail) {
        let from = self.read("from", mail.from());
        let sender = self.read("sender", mail.sender()).filter(|one| Some(one) != from.as_ref());
        self.put("From", from.map(|one| one.to_string()));
        self.put("Sender", sender.map(|one| one.to_string()));
        for (name, addresses) in [
            ("To", mail.to()),
            ("Cc", mail.cc()),
            ("Bcc", mail.bcc()),
            ("Reply-To", mail.reply_to()),
        ] {
            let addresses = self.read(name, addresses.map(Some)).unwrap_or_default();
            self.put_all(name, addresses.iter().map(Address::to_string).collect());
        }
    }

    fn times(&mut self, mail: &Mail) {
        for (name, time) in [("Date", mail.date()), ("Received", mail.received())] {
            let time = self.read(name, time).map(self.time);
            self.put(name, time);
        }
    }

    fn state(&mut self, mail: &Mail) {
        let importance = self.read("importance", mail.importance());
        let importance = importance.filter(|one| *one != Importance::Normal);
        self.put("Importance", importance.map(|one| one.to_string()));
        let categories = self.read("categories", mail.categories().map(Some)).unwrap_or_default();
        self.put("Categories", Some(categories.join(", ")).filter(|text| !text.is_empty()));
        let class = self.read("class", mail.message_class());
        self.put("Class", class.filter(|class| !class.eq_ignore_ascii_case("IPM.Note")));
        let read = self.read("flags", mail.flags()).map(|flags| {
            match (flags.is_unsent(), flags.is_read()) {
                (true, _) => "not sent".to_owned(),
                (false, true) => "read".to_owned(),
                (false, false) => "not read".to_owned(),
            }
        });
        let answered = marks::answered(Values::new(&mail.opened.message));
        let answered = answered.map(|(verb, time)| self.done(verb, time));
        self.put("State", Some(read.into_iter().chain(answered).collect::<Vec<_>>().join(", ")));
        self.put(
            "Security",
            match mail.security() {
                Security::None => None,
                Security::Signed => Some("signed; the signature is not verified".to_owned()),
                Security::Encrypted => Some("encrypted; it can be read only with a key".to_owned()),
            },
        );
        if let Some(voting) = self.read("voting", mail.voting()) {
            self.put("Voting", Some(voting.options.join(", ")).filter(|text| !text.is_empty()));
            self.put("Vote", voting.response);
        }
        if let Some(reactions) = self.read("reactions", mail.reactions()) {
            let own = reactions.own.map(|own| format!(" (own: {own})")).unwrap_or_default();
            self.put("Reactions", Some(format!("{}{own}", reactions.count)));
        }
    }

    /// What the owner of the mailbox or the sender has set on the message.
    fn marks(&mut self, values: Values<'_>) {
        let sensitivity = marks::sensitivity(values).filter(|one| *one != Sensitivity::Normal);
        self.put("Sensitivity", sensitivity.map(|one| one.to_string()));
        let Some(FollowUp { text, due, state }) = marks::follow_up(values) else { return };
        let due = due.and_then(ics::utc).map(|due| format!("due {}", due.date()));
        let complete = match state {
            FollowUpState::Open => None,
            FollowUpState::Complete(time) => Some(self.done("completed", time)),
        };
        let text = text.unwrap_or_else(|| "Follow up".to_owned());
        let parts: Vec<_> = [Some(text), due, complete].into_iter().flatten().collect();
        self.put("Flag", Some(parts.join(", ")));
    }

    /// What was done, and when if that is known.
    fn done(&self, what: &str, time: Option<FileTime>) -> String {
        time.map_or_else(|| what.to_owned(), |time| format!("{what} {}", (self.time)(time)))
    }

    fn event(&mut self, event: &Event) {
        let time = |time: FileTime| (self.time)(time);
        let (start, end) = (time(event.start), event.end.map(time));
        let zone = event.time_zone.as_ref().map(|zone| format!(" ({zone})")).unwrap_or_default();
        match &event.days {
            // Its days are those of its zone, wherever the reader is.
            Some((first, last)) => {
                self.put("Start", Some(format!("{first}{zone}, all day")));
                self.put("End", Some(last.clone()).filter(|last| last != first));
            }
            None => {
                self.put("Start", Some(format!("{start}{zone}")));
                self.put("End", end);
            }
        }
        self.put("Answer", event.answer.map(|answer| answer.to_string()));
        let proposed = [event.proposed_start, event.proposed_end].into_iter().flatten().map(time);
        self.put("Proposed", Some(proposed.collect::<Vec<_>>().join(" to ")));
        self.put("Place", event.location.clone());
        self.put("Repeats", event.recurrence.clone());
        self.exceptions(event);
        self.put("Show as", event.show_as.map(|one| one.to_string()));
        self.put(
            "Reminder",
            event.reminder_minutes.map(|minutes| match duration_text(minutes.unsigned_abs()) {
                _ if minutes == 0 => "at the start".to_owned(),
                duration if minutes < 0 => format!("{duration} after the start"),
                duration => format!("{duration} before"),
            }),
        );
        self.put("Canceled", event.is_canceled.then(|| "yes".to_owned()));
        self.put("Organizer", event.organizer.as_ref().map(Address::to_string));
        let attendees = event.attendees.iter().map(|one| {
            let role = match one.role {
                AttendeeRole::Optional => ", optional",
                AttendeeRole::Resource => ", resource",
                _ => "",
            };
            let response = match one.response {
                AttendeeResponse::None => String::new(),
                response => format!(", {response}"),
            };
            format!("{}{role}{response}", one.address)
        });
        self.put_all("Attendees", attendees.collect());
    }

    /// The occurrences of a series that were canceled or changed.
    fn exceptions(&mut self, event: &Event) {
        let canceled = event.canceled_days.iter().map(|day| (day, None));
        let changed = event.changed.iter().map(|one| (&one.day, Some(one)));
        let mut all: Vec<_> = canceled.chain(changed).collect();
        all.sort_by_key(|(day, _)| *day);
        let shown = all.iter().take(EXCEPTIONS_MAX).map(|(day, changed)| match changed {
            None => format!("{day} canceled"),
            Some(changed) => format!("{day} changed: {}", self.changed_text(changed)),
        });
        let more = all.len().checked_sub(EXCEPTIONS_MAX).filter(|more| *more > 0);
        let lines = shown.chain(more.map(|more| format!("and {more} more")));
        let lines = lines.collect();
        self.put_all("Exceptions", lines);
    }

    fn changed_text(&self, changed: &ChangedOccurrence) -> String {
        let time = match &changed.days {
            Some((first, last)) if first == last => first.clone(),
            Some((first, last)) => format!("{first} to {last}"),
            None => format!("{} to {}", (self.time)(changed.start), (self.time)(changed.end)),
        };
        let parts = [Some(&time), changed.subject.as_ref(), changed.location.as_ref()];
        let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(", ")
    }

    fn put(&mut self, name: &'static str, value: Option<String>) {
        self.put_all(name, value.into_iter().filter(|text| !text.trim().is_empty()).collect());
    }

    fn put_all(&mut self, name: &'static str, values: Vec<String>) {
        if !values.is_empty() {
            self.fields.push(SummaryField { name, values });
        }
    }
}

/// What people are shown of an item of an RSS feed beside its body (\[MS-OXORSS\] 2.2.1).
fn feed_item(message: &Message) -> Vec<(&'static str, String)> {
    let class = fields::message_class(message);
    if !class.is_some_and(|class| ics::is_class(&class, "IPM.Post.Rss")) {
        return Vec::new();
    }
    let values = Values::new(message);
    let feed = values.text(lid::POST_RSS_CHANNEL);
    let lines = [
        ("Link", values.text(lid::POST_RSS_ITEM_LINK)),
        ("Feed", feed.or_else(|| values.text(lid::POST_RSS_CHANNEL_LINK))),
    ];
    lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The kind of an attachment and its size, as text.
pub(in crate::mail) fn attachment_details(attachment: &Attachment) -> String {
    let kind = match attachment.kind() {
        AttachmentKind::Link => {
            return format!("link to {}", attachment.target().unwrap_or_default());
        }
        AttachmentKind::Message => "message".to_owned(),
        _ => attachment.media_type(),
    };
    match attachment.size() {
        Ok(size) => format!("{kind}, {}", size_text(size)),
        Err(error) => format!("{kind}, {error}"),
    }
}
