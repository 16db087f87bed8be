//! Whether something that was not found in a message may be in it all the same, because a place that
//! would have it cannot be read.

use crate::imsg::{MapiProp as _, PersonTags};
use crate::mail::attachments::content::data;
use crate::mail::attachments::derived::START_LEN;
use crate::mail::attachments::{ContentKind, FILE_NAMES, ShownAttachment};
use crate::mail::defects;
use crate::mail::error::Error;
use crate::mail::opened::Mail;
use crate::mail::smime::SmimeClass;
use crate::mapi::{PropertyTag, tags};
use crate::storage::Defect;

/// Where something is looked for in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In these properties of the message.
    Values(&'static [PropertyTag]),
    /// In its named properties.
    NamedValues,
    /// In any of its properties, also in those of messages that are only wrapped.
    AllValues,
    Recipients,
    /// In the names of attachments, also of those in a message that is only wrapped, and in what is
    /// recognised by the contents of attachments.
    Attachments,
    /// In the messages that are embedded in it, or in a message that is only wrapped: here only
    /// whether all of them are known.
    Embedded,
    /// In the bodies, also in those of messages that are only wrapped.
    Bodies,
}

/// The properties of the subject.
pub const SUBJECT: Place = Place::Values(&[
    tags::PR_SUBJECT,
    tags::PR_SUBJECT_PREFIX,
    tags::PR_NORMALIZED_SUBJECT,
    tags::PR_TRANSPORT_MESSAGE_HEADERS,
]);
/// The properties of the Message-ID.
pub const MESSAGE_ID: Place =
    Place::Values(&[tags::PR_INTERNET_MESSAGE_ID, tags::PR_TRANSPORT_MESSAGE_HEADERS]);
/// The properties of the message class.
pub const MESSAGE_CLASS: Place = Place::Values(&[tags::PR_MESSAGE_CLASS]);
/// The properties of the flags.
pub const FLAGS: Place = Place::Values(&[tags::PR_MESSAGE_FLAGS]);
/// The properties of the times at which the message was sent and arrived.
pub const TIMES: Place = Place::Values(&[
    tags::PR_CLIENT_SUBMIT_TIME,
    tags::PR_MESSAGE_DELIVERY_TIME,
    tags::PR_TRANSPORT_MESSAGE_HEADERS,
]);
/// The properties of the sender, and of the person on whose behalf the message was sent.
pub const FROM: Place = Place::Values(&{
    let [a, b, c, d, e, f] = PersonTags::SENT_REPRESENTING.all();
    let [g, h, i, j, k, l] = PersonTags::SENDER.all();
    [a, b, c, d, e, f, g, h, i, j, k, l, tags::PR_TRANSPORT_MESSAGE_HEADERS]
});
/// The names of the recipients, which count if there is no list of them.
const DISPLAY_NAMES: Place =
    Place::Values(&[tags::PR_DISPLAY_TO, tags::PR_DISPLAY_CC, tags::PR_DISPLAY_BCC]);
/// The transport header, which names the recipients if there is no list of them.
pub const HEADER: Place = Place::Values(&[tags::PR_TRANSPORT_MESSAGE_HEADERS]);

/// Checks that all of these places of a message can be read: what was not found there is not there.
///
/// # Errors
/// [`Error::Damaged`] with the first defect because of which something may be missing.
pub fn check_read(mail: &Mail, places: &[Place]) -> Result<(), Error> {
    // Because of these, anything may be missing.
    first(mail.opened.outer.defects.clone())?;
    first(mail.message().list_defects()?)?;
    places.iter().try_for_each(|place| check_place(mail, *place))
}

fn check_place(mail: &Mail, place: Place) -> Result<(), Error> {
    let message = mail.message();
    match place {
        Place::Values(tags) => tags.iter().try_for_each(|tag| first(message.value_defect(*tag)?)),
        Place::NamedValues => {
            first(message.name_defects()?)?;
            let tags = message.property_tags()?;
            let mut named = tags.into_iter().filter(|tag| tag.is_named());
            named.try_for_each(|tag| first(message.value_defect(tag)?))
        }
        Place::AllValues => {
            check_values(mail)?;
            check_wrapped(mail, check_values)
        }
        Place::Recipients => {
            let rows = message.recipients()?;
            if rows.is_empty() {
                check_place(mail, DISPLAY_NAMES)?;
            }
            rows.iter().try_for_each(|row| {
                first(row.defects()?)?;
                first(row.value_defects()?)
            })
        }
        Place::Attachments => {
            check_attachments(mail)?;
            check_wrapped(mail, check_attachments)
        }
        Place::Embedded => {
            check_embedded(mail)?;
            check_wrapped(mail, check_embedded)
        }
        Place::Bodies => {
            check_bodies(mail)?;
            check_wrapped(mail, check_bodies)
        }
    }
}

/// Checks the messages that are only wrapped: each must be open, and `check` be content.
fn check_wrapped(mail: &Mail, check: fn(&Mail) -> Result<(), Error>) -> Result<(), Error> {
    mail.wrapped_or_not().into_iter().try_for_each(|wrapped| {
        let mail = wrapped?.mail;
        first(mail.opened.outer.defects.clone())?;
        first(mail.message().list_defects()?)?;
        check(&mail)
    })
}

fn check_values(mail: &Mail) -> Result<(), Error> {
    first(mail.message().name_defects()?)?;
    first(mail.message().value_defects()?)?;
    check_contents(mail)
}

/// Checks the own bodies, and the attachments that may have one.
fn check_bodies(mail: &Mail) -> Result<(), Error> {
    first(defects::of_bodies(mail.message()))?;
    check_contents(mail)
}

/// Checks the names of the own attachments, and the contents by which something is recognised.
fn check_attachments(mail: &Mail) -> Result<(), Error> {
    each_attachment(mail, |one| {
        let mut names = FILE_NAMES.iter();
        names.try_for_each(|tag| first(one.attachment.value_defect(*tag)?))
    })?;
    check_contents(mail)
}

/// Checks that all embedded messages can be opened.
fn check_embedded(mail: &Mail) -> Result<(), Error> {
    each_attachment(mail, |one| {
        let is_message = matches!(one.entry, None | Some((_, ContentKind::Message(_))));
        if is_message && !is_known(one) { first(defects::of_attachment(one)) } else { Ok(()) }
    })
}

/// Checks each of the own attachments: all of them must be open, and `check` be content.
fn each_attachment(
    mail: &Mail,
    check: impl Fn(&ShownAttachment) -> Result<(), Error>,
) -> Result<(), Error> {
    let shown = mail.opened.attachments();
    first(defects::of_unopened(mail.message(), shown))?;
    shown.iter().try_for_each(|one| {
        first(one.attachment.defects()?)?;
        check(one)
    })
}

/// Checks the contents of those own attachments that wrap a message, or may wrap one.
fn check_contents(mail: &Mail) -> Result<(), Error> {
    let is_smime = SmimeClass::of(mail.message()).is_some();
    let shown = mail.opened.attachments().iter();
    let mut wrapping = shown.filter(|one| is_smime || is_wrapped(one) || !is_known(one));
    wrapping.try_for_each(|one| first(defects::of_attachment(one)))
}

fn is_wrapped(one: &ShownAttachment) -> bool {
    one.derived.as_ref().is_some_and(|derived| derived.kind.is_wrapped())
}

/// Whether it is known what an attachment is: the first bytes of a file can be read, and an embedded
/// message, whose subject is a name, can be opened.
fn is_known(one: &ShownAttachment) -> bool {
    let begins = || {
        let start = data(&one.attachment).and_then(|data| data.read(0, START_LEN));
        start.is_ok_and(|start| start.len() == START_LEN)
    };
    match one.entry {
        Some((_, ContentKind::Data | ContentKind::DataFork { .. })) => {
            one.missing.is_empty() || begins()
        }
        Some((_, ContentKind::Message(_))) => one.attachment.embedded_message().is_ok(),
        Some((_, ContentKind::Ole | ContentKind::Reference)) => true,
        None => false,
    }
}

fn first(defects: impl IntoIterator<Item = Defect>) -> Result<(), Error> {
    defects.into_iter().next().map_or(Ok(()), |defect| Err(Error::Damaged(defect)))
}
