//! Collects what people are shown of a message above its body, as named fields. The printed text
//! and the page show the same.

use crate::imsg::Address;
use crate::mail::attachment::{Attachment, AttachmentKind};
use crate::mail::calendar::event::{AttendeeResponse, AttendeeRole, Event};
use crate::mail::calendar::ics;
use crate::mail::calendar::vcf;
use crate::mail::error::Error;
use crate::mail::opened::Mail;
use crate::mail::security::Security;
use crate::mail::values::fields::Importance;
use crate::mail::wrapped::Wrapped;
use crate::mapi::FileTime;

use super::printable::size_text;

/// A field: its name, and its values, one per line. The values come from the message unchanged, so
/// they may contain control characters.
pub(in crate::mail) struct SummaryField {
    pub(in crate::mail) name: &'static str,
    pub(in crate::mail) values: Vec<String>,
}

impl Mail {
    /// What people are shown of a contact, a distribution list or a task beside its body: named
    /// lines, such as `Telephone` with the kind and number of each. If the message is none of these,
    /// they are those of the first message that it wraps. Empty for other messages.
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
        let task = ics::shown_task(message).into_iter();
        let mut lines: Vec<_> = task.map(|(name, value)| (name, vec![value])).collect();
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
        if let Some(event) = summary.read("event", mail.event_among(wrapped)) {
            summary.event(&event);
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
        let flags = self.read("flags", mail.flags());
        self.put(
            "State",
            flags.map(|flags| match (flags.is_unsent(), flags.is_read()) {
                (true, _) => "not sent".to_owned(),
                (false, true) => "read".to_owned(),
                (false, false) => "not read".to_owned(),
            }),
        );
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

    fn put(&mut self, name: &'static str, value: Option<String>) {
        self.put_all(name, value.into_iter().filter(|text| !text.trim().is_empty()).collect());
    }

    fn put_all(&mut self, name: &'static str, values: Vec<String>) {
        if !values.is_empty() {
            self.fields.push(SummaryField { name, values });
        }
    }
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
