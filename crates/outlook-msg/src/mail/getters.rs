//! The getters of [`Mail`] for subject, addresses, times and other values.

use crate::imsg::{Address, MapiProp, RecipientType};
use crate::mail::calendar::event::Event;
use crate::mail::calendar::ics;
use crate::mail::error::Error;
use crate::mail::opened::Mail;
use crate::mail::values::fields::{
    self, Conversation, Importance, MessageFlags, Reactions, Voting,
};
use crate::mapi::{FileTime, PropertyTag, tags};

/// Getters of values.
///
/// Each getter returns what the file of the same name in a mounted message contains, without the
/// line end of the file.
impl Mail {
    /// The subject (`PR_SUBJECT`).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_subject("Lunch on Friday")?;
    /// assert_eq!(mail.subject()?.as_deref(), Some("Lunch on Friday"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is a subject but nothing of it can be read.
    pub fn subject(&self) -> Result<Option<String>, Error> {
        self.found(fields::subject(self.message()), &fields::SUBJECT)
    }

    /// The person on whose behalf the message was sent (`PR_SENT_REPRESENTING_NAME` and its
    /// address), else the sender. This is the `From` that mail programs show.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_from(&outlook_msg::mail::Address::new("Ann", "ann@example.org"))?;
    /// if let Some(from) = mail.from()? {
    ///     assert_eq!(from.name, "Ann");
    ///     assert_eq!(from.address, "ann@example.org");
    ///     assert_eq!(from.to_string(), "Ann <ann@example.org>");
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if the message has a name or an address, but nothing of either can be
    /// read.
    pub fn from(&self) -> Result<Option<Address>, Error> {
        self.found(fields::from(self.message()), &fields::FROM)
    }

    /// The person who sent the message (`PR_SENDER_NAME` and its address), for example an assistant
    /// who sent it on behalf of [`Mail::from`].
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_sender(&outlook_msg::mail::Address::new("Ben", "ben@example.org"))?;
    /// if let Some(sender) = mail.sender()? {
    ///     assert_eq!(sender.address, "ben@example.org");
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::from`].
    pub fn sender(&self) -> Result<Option<Address>, Error> {
        self.found(fields::sender(self.message()), &fields::SENDER)
    }

    /// The recipients in the `To` field, in the order of the message.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_to(&[outlook_msg::mail::Address::new("Ann", "ann@example.org")])?;
    /// for to in mail.to()? {
    ///     println!("{to}");
    /// }
    /// # assert_eq!(mail.to()?.len(), 1);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn to(&self) -> Result<Vec<Address>, Error> {
        self.addressed(RecipientType::To)
    }

    /// The recipients of copies, in the order of the message.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_cc(&[outlook_msg::mail::Address::new("Ann", "ann@example.org")])?;
    /// assert_eq!(mail.cc()?[0].address, "ann@example.org");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::to`].
    pub fn cc(&self) -> Result<Vec<Address>, Error> {
        self.addressed(RecipientType::Cc)
    }

    /// The recipients of blind copies, whom the other recipients do not see.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_bcc(&[outlook_msg::mail::Address::new("Ann", "ann@example.org")])?;
    /// assert_eq!(mail.bcc()?[0].address, "ann@example.org");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::to`].
    pub fn bcc(&self) -> Result<Vec<Address>, Error> {
        self.addressed(RecipientType::Bcc)
    }

    /// The addresses that replies go to (`PR_REPLY_RECIPIENT_ENTRIES`); empty if replies go to
    /// [`Mail::from`].
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_reply_to(&[outlook_msg::mail::Address::new("Club", "club@example.org")])?;
    /// assert_eq!(mail.reply_to()?[0].name, "Club");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::from`].
    pub fn reply_to(&self) -> Result<Vec<Address>, Error> {
        let tags = [tags::PR_REPLY_RECIPIENT_ENTRIES, tags::PR_REPLY_RECIPIENT_NAMES];
        self.found_some(fields::reply_to(self.message()), &tags)
    }

    /// The time at which the message was sent (`PR_CLIENT_SUBMIT_TIME`). A [`FileTime`] can be
    /// formatted and parsed as RFC 3339, and converted to Unix time.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_date("2024-04-02T16:05:09Z".parse().unwrap())?;
    /// if let Some(date) = mail.date()? {
    ///     assert_eq!(date.to_string(), "2024-04-02T16:05:09Z");
    ///     let (seconds, _nanoseconds) = date.to_unix();
    ///     assert_eq!(seconds, 1_712_073_909);
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if the time cannot be read.
    pub fn date(&self) -> Result<Option<FileTime>, Error> {
        self.found(fields::date(self.message()), &[tags::PR_CLIENT_SUBMIT_TIME])
    }

    /// The time at which the message arrived (`PR_MESSAGE_DELIVERY_TIME`).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_received("2024-04-02T16:05:11Z".parse().unwrap())?;
    /// # mail.set_date("2024-04-02T16:05:09Z".parse().unwrap())?;
    /// assert!(mail.received()? > mail.date()?);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::date`].
    pub fn received(&self) -> Result<Option<FileTime>, Error> {
        self.found(fields::received(self.message()), &[tags::PR_MESSAGE_DELIVERY_TIME])
    }

    /// The message class (`PR_MESSAGE_CLASS`, \[MS-OXCMSG\] 2.2.1.3): `IPM.Note` for a mail,
    /// `IPM.Appointment` for an appointment.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// assert_eq!(mail.message_class()?.as_deref(), Some("IPM.Note"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if nothing of it can be read.
    pub fn message_class(&self) -> Result<Option<String>, Error> {
        self.found(fields::message_class(self.message()), &[tags::PR_MESSAGE_CLASS])
    }

    /// The `Message-ID` with its angle brackets (`PR_INTERNET_MESSAGE_ID`).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_message_id("<1@example.org>")?;
    /// assert_eq!(mail.message_id()?.as_deref(), Some("<1@example.org>"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::message_class`].
    pub fn message_id(&self) -> Result<Option<String>, Error> {
        self.found(fields::message_id(self.message()), &[tags::PR_INTERNET_MESSAGE_ID])
    }

    /// The `Message-ID` of the message that this one answers (`PR_IN_REPLY_TO_ID`).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_property("PR_IN_REPLY_TO_ID", "<1@example.org>")?;
    /// assert_eq!(mail.in_reply_to()?.as_deref(), Some("<1@example.org>"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::message_class`].
    pub fn in_reply_to(&self) -> Result<Option<String>, Error> {
        self.found(fields::in_reply_to(self.message()), &[tags::PR_IN_REPLY_TO_ID])
    }

    /// The `Message-ID`s of the thread that this message answers, the oldest first
    /// (`PR_INTERNET_REFERENCES`).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_property("PR_INTERNET_REFERENCES", "<1@example.org> <2@example.org>")?;
    /// assert_eq!(mail.references()?, ["<1@example.org>", "<2@example.org>"]);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if the message has references, but nothing of them can be read.
    pub fn references(&self) -> Result<Vec<String>, Error> {
        self.found_some(fields::references(self.message()), &[tags::PR_INTERNET_REFERENCES])
    }

    /// The time at which the message was created in its message store (`PR_CREATION_TIME`).
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// assert!(mail.created()?.is_some());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::date`].
    pub fn created(&self) -> Result<Option<FileTime>, Error> {
        self.found(fields::created(self.message()), &[tags::PR_CREATION_TIME])
    }

    /// The time of the last change (`PR_LAST_MODIFICATION_TIME`).
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// assert!(mail.modified()? >= mail.created()?);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::date`].
    pub fn modified(&self) -> Result<Option<FileTime>, Error> {
        self.found(fields::modified(self.message()), &[tags::PR_LAST_MODIFICATION_TIME])
    }

    /// The importance that the sender gave to the message (`PR_IMPORTANCE`).
    ///
    /// ```
    /// # use outlook_msg::mail::{Importance, Mail};
    /// # let mut mail = Mail::create()?;
    /// # mail.set_importance(Importance::High)?;
    /// assert_eq!(mail.importance()?, Some(Importance::High));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read.
    pub fn importance(&self) -> Result<Option<Importance>, Error> {
        self.found(fields::importance(self.message()), &[tags::PR_IMPORTANCE])
    }

    /// The categories (`PidNameKeywords`).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_categories(&["Harbour", "Urgent"])?;
    /// assert_eq!(mail.categories()?, ["Harbour", "Urgent"]);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn categories(&self) -> Result<Vec<String>, Error> {
        self.found_some(fields::categories(self.message()), &[])
    }

    /// The transport header: the header that the message had on its way over the internet, with LF
    /// line ends (`PR_TRANSPORT_MESSAGE_HEADERS`). A message that never left its server has none.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_headers("Subject: Lunch\nX-Mailer: pine\n")?;
    /// let headers = mail.headers()?.unwrap_or_default();
    /// let mailer = headers.lines().find_map(|line| line.strip_prefix("X-Mailer: "));
    /// assert_eq!(mailer, Some("pine"));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if nothing of it can be read.
    pub fn headers(&self) -> Result<Option<String>, Error> {
        self.found(fields::headers(self.message()), &[tags::PR_TRANSPORT_MESSAGE_HEADERS])
    }

    /// The conversation that the message belongs to (`PR_CONVERSATION_TOPIC`,
    /// `PR_CONVERSATION_INDEX`).
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_property("PR_CONVERSATION_TOPIC", "Lunch")?;
    /// if let Some(conversation) = mail.conversation()? {
    ///     assert_eq!(conversation.topic.as_deref(), Some("Lunch"));
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::headers`].
    pub fn conversation(&self) -> Result<Option<Conversation>, Error> {
        let tags = [tags::PR_CONVERSATION_TOPIC, tags::PR_CONVERSATION_INDEX];
        self.found(fields::conversation(self.message()), &tags)
    }

    /// Whether the message was read, sent or is still a draft (`PR_MESSAGE_FLAGS`).
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// let is_draft = mail.flags()?.is_some_and(|flags| flags.is_unsent());
    /// assert!(is_draft, "a new message is not sent yet");
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read.
    pub fn flags(&self) -> Result<Option<MessageFlags>, Error> {
        self.found(fields::flags(self.message()), &[tags::PR_MESSAGE_FLAGS])
    }

    /// The voting options that the message offers to its readers (`PidLidVerbStream`), and the
    /// option that it chooses if it is a reply to such a message.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_property("PSETID_Common/PidLidVerbResponse", "Approve")?;
    /// if let Some(voting) = mail.voting()? {
    ///     assert_eq!(voting.response.as_deref(), Some("Approve"));
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Message`] if the session is closed.
    pub fn voting(&self) -> Result<Option<Voting>, Error> {
        self.found(fields::voting(self.message()), &[])
    }

    /// The reactions to the message, if it was saved with them.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// match mail.reactions()? {
    ///     Some(reactions) => println!("{} reactions", reactions.count),
    ///     None => println!("no reactions"),
    /// }
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::voting`].
    pub fn reactions(&self) -> Result<Option<Reactions>, Error> {
        self.found(fields::reactions(self.message()), &[])
    }

    /// The appointment or meeting that this message is or, for a meeting request or response, is
    /// about. [`Mail::to_ics`] writes it with everything that iCalendar can express.
    ///
    /// ```
    /// # let mut mail = outlook_msg::Mail::create()?;
    /// # mail.set_message_class("IPM.Appointment")?;
    /// # let start: outlook_msg::mail::FileTime = "2024-04-02T12:00:00Z".parse().unwrap();
    /// # mail.set_property("PSETID_Appointment/PidLidAppointmentStartWhole", start)?;
    /// # mail.set_property("PSETID_Appointment/PidLidLocation", "Harbour café")?;
    /// if let Some(event) = mail.event()? {
    ///     assert_eq!(event.start.to_string(), "2024-04-02T12:00:00Z");
    ///     assert_eq!(event.location.as_deref(), Some("Harbour café"));
    /// }
    /// # assert!(mail.event()?.is_some());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::voting`].
    pub fn event(&self) -> Result<Option<Event>, Error> {
        self.found(ics::event_values(self.message()), &[])
    }

    /// The size in bytes: the length of the file; for an embedded message, `PR_MESSAGE_SIZE`, the
    /// size that it had in its message store.
    ///
    /// ```
    /// # let mut bytes = Vec::new();
    /// # outlook_msg::Mail::create()?.to_msg(&mut bytes)?;
    /// let length = bytes.len() as u64;
    /// let mail = outlook_msg::Mail::from_bytes(bytes)?;
    /// assert_eq!(mail.size()?, Some(length));
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Mail::voting`].
    pub fn size(&self) -> Result<Option<u64>, Error> {
        let storage = self.message().storage()?;
        let source = storage.file().source();
        if storage.parent().is_none() && !source.is_empty() {
            return Ok(Some(source.len()));
        }
        let stated = self.message().integer(tags::PR_MESSAGE_SIZE);
        self.found(stated.and_then(|size| u64::try_from(size).ok()), &[])
    }

    fn addressed(&self, wanted: RecipientType) -> Result<Vec<Address>, Error> {
        let found = fields::recipients(self.message(), wanted);
        let names = match found.is_empty() {
            true => fields::display_names(self.message(), wanted),
            false => None,
        };
        self.found_some(found, names.as_slice())
    }

    /// Returns the value that was found. If there is none, and one of the properties that could
    /// contain it is damaged, returns that damage as an error.
    pub(super) fn found<T>(
        &self,
        found: Option<T>,
        tags: &[PropertyTag],
    ) -> Result<Option<T>, Error> {
        if found.is_none() {
            damage(self.message(), tags)?;
        }
        Ok(found)
    }

    fn found_some<T>(&self, found: Vec<T>, tags: &[PropertyTag]) -> Result<Vec<T>, Error> {
        if found.is_empty() {
            damage(self.message(), tags)?;
        }
        Ok(found)
    }
}

/// Returns the defect of the first of these properties that is damaged as an error.
pub(super) fn damage(object: &dyn MapiProp, tags: &[PropertyTag]) -> Result<(), Error> {
    // After the session was closed, nothing is found either. Then this call returns the right
    // error.
    object.property_set()?;
    for tag in tags {
        if let Some(defect) = object.salvage(*tag)?.defect {
            return Err(Error::Damaged(defect));
        }
    }
    Ok(())
}
