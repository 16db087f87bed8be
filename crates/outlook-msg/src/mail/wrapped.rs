//! What mail programs show in the place of attachments that only wrap a message: the content of
//! signed mail, and of `winmail.dat`.

use crate::mail::attachment::Attachment;
use crate::mail::attachments::inside::InsideLimit;
use crate::mail::attachments::names::attachment_path;
use crate::mail::calendar::event::Event;
use crate::mail::error::Error;
use crate::mail::opened::Mail;

/// A message that an attachment only wraps. Mail programs show its body and its attachments as
/// those of the message around it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Wrapped {
    /// Where it lies in the directory of the message around it: `signed`, or the name of the
    /// attachment with `.d` in `attachments/`.
    pub path: String,
    /// The message.
    pub mail: Mail,
}

impl Mail {
    /// The messages that attachments of this one only wrap, also those within each other: the
    /// content of signed mail (\[MS-OXOSMIME\]), and of `winmail.dat` (\[MS-OXTNEF\]).
    ///
    /// One that cannot be read is left out; [`Mail::defects`] names it.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// let mut attachments = mail.attachments()?;
    /// for wrapped in mail.wrapped() {
    ///     attachments.extend(wrapped.mail.attachments()?);
    /// }
    /// # assert!(attachments.is_empty());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn wrapped(&self) -> Vec<Wrapped> {
        self.wrapped_or_not().into_iter().filter_map(Result::ok).collect()
    }

    /// As [`Mail::wrapped`], with the errors of those that cannot be read.
    pub(super) fn wrapped_or_not(&self) -> Vec<Result<Wrapped, Error>> {
        let mut found = Vec::new();
        let storage = self.opened.message.storage();
        let len = storage.map_or(0, |storage| storage.file().origin_len());
        let around = Around { path: String::new(), place: String::new(), depth: 0 };
        self.add_wrapped(&around, &InsideLimit::new(len), &mut found);
        found
    }

    /// The attachments that mail programs show: the own ones, and those of the messages that these
    /// only wrap.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// assert_eq!(mail.all_attachments()?.len(), mail.attachments()?.len());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Mail::attachments`] for the own ones.
    pub fn all_attachments(&self) -> Result<Vec<Attachment>, Error> {
        self.attachments_among(&self.wrapped())
    }

    /// As [`Mail::all_attachments`], if the wrapped messages are open already.
    pub(super) fn attachments_among(&self, wrapped: &[Wrapped]) -> Result<Vec<Attachment>, Error> {
        let mut all = self.attachments()?;
        for one in wrapped {
            all.extend(one.mail.attachments().unwrap_or_default());
        }
        Ok(all)
    }

    /// Adds the messages that this one wraps. `around` says where this one is.
    fn add_wrapped(
        &self,
        around: &Around,
        limit: &InsideLimit,
        found: &mut Vec<Result<Wrapped, Error>>,
    ) {
        for one in self.opened.attachments() {
            let Some(derived) = one.derived.as_ref().filter(|one| one.kind.is_wrapped()) else {
                continue;
            };
            let (place, inside) = limit.open_at(one, derived, &around.place, around.depth);
            let inside = match inside {
                Ok(inside) => inside,
                Err(defect) => {
                    found.push(Err(Error::Damaged(defect)));
                    continue;
                }
            };
            let path = match derived.kind.is_of_message() {
                true => derived.name.clone(),
                false => attachment_path(&derived.name),
            };
            let path = match around.path.as_str() {
                "" => path,
                around => format!("{around}/{path}"),
            };
            let mut below = Vec::new();
            let mail = Self::inside(inside);
            let around = Around { path: path.clone(), place, depth: around.depth + 1 };
            mail.add_wrapped(&around, limit, &mut below);
            found.push(Ok(Wrapped { path, mail }));
            found.append(&mut below);
        }
    }

    /// The body as plain text, as mail programs show it: if the message has none of its own, that
    /// of the first message that it wraps.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// assert_eq!(mail.shown_text()?, None);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Mail::text`].
    pub fn shown_text(&self) -> Result<Option<String>, Error> {
        match self.text()? {
            Some(text) => Ok(Some(text)),
            None => Ok(first_text(&self.wrapped())?.map(|(text, _)| text)),
        }
    }

    /// The body as HTML, as mail programs show it: if the message has no body of its own, that of
    /// the first message that it wraps.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// assert_eq!(mail.shown_html()?, None);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Mail::html`].
    pub fn shown_html(&self) -> Result<Option<String>, Error> {
        match self.html()? {
            Some(html) => Ok(Some(html)),
            None if self.text()?.is_some() => Ok(None),
            None => {
                let wrapped = self.wrapped();
                let bodies = wrapped.iter().map(|one| one.mail.html());
                bodies.filter_map(Result::transpose).next().transpose()
            }
        }
    }

    /// The appointment or meeting that mail programs show: that of the message or, if it is about
    /// none, of the first message that it wraps.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// assert_eq!(mail.shown_event()?, None);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Mail::event`].
    pub fn shown_event(&self) -> Result<Option<Event>, Error> {
        self.event_among(&self.wrapped())
    }

    /// As [`Mail::shown_event`], if the wrapped messages are open already.
    pub(super) fn event_among(&self, wrapped: &[Wrapped]) -> Result<Option<Event>, Error> {
        let mut all = std::iter::once(self).chain(wrapped.iter().map(|one| &one.mail));
        all.find_map(|mail| mail.event().transpose()).transpose()
    }

    /// The text of the body that mail programs show, and the wrapped message that it is of, unless
    /// it is the own one.
    ///
    /// # Errors
    /// Those of [`Mail::text`].
    pub(super) fn body_among<'a>(
        &self,
        wrapped: &'a [Wrapped],
    ) -> Result<(Option<String>, Option<&'a Wrapped>), Error> {
        match self.text()? {
            Some(text) => Ok((Some(text), None)),
            None => Ok(first_text(wrapped)?
                .map_or((None, None), |(text, wrapped)| (Some(text), Some(wrapped)))),
        }
    }
}

/// Where a message is within the outermost one.
struct Around {
    /// In its directory.
    path: String,
    /// In its file, as defects name it.
    place: String,
    /// How many attachments are around it.
    depth: u32,
}

fn first_text(wrapped: &[Wrapped]) -> Result<Option<(String, &Wrapped)>, Error> {
    for one in wrapped {
        if let Some(text) = one.mail.text()? {
            return Ok(Some((text, one)));
        }
    }
    Ok(None)
}
