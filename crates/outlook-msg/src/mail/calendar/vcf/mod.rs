//! Contacts as vCard files: `contact.vcf` (\[MS-OXVCARD\]).
//!
//! | class | version |
//! |---|---|
//! | `IPM.Contact` | 3.0 (RFC 2426), which all programs and telephones read |
//! | `IPM.DistList` | 4.0 (RFC 6350), the first version with `KIND:group` and members |
//!
//! The same message always gives the same bytes. The file exists if the message has one of these
//! classes, and the contact has a name or something that can replace it.

mod addresses;
mod contact;
mod group;

use crate::imsg::{MapiProp as _, Message, Note};
use crate::mail::values::named::{Missing, Values};
use crate::mapi::tags;
use crate::storage::Defect;

use super::content_lines::ContentLines;
use super::ics::is_class;

/// The file of a contact or a list.
pub const CONTACT_VCF: &str = "contact.vcf";

/// The kind of a card.
#[derive(Clone, Copy, Debug)]
enum CardKind {
    Contact,
    DistributionList,
}

/// Whether the message has a `contact.vcf`.
pub fn exists(message: &Message) -> bool {
    let values = Values::new(message);
    kind(message).is_some_and(|kind| match kind {
        CardKind::Contact => contact::name(values).is_some(),
        CardKind::DistributionList => group::name(values).is_some(),
    })
}

/// The content of `contact.vcf`.
pub fn render(message: &Message) -> Option<Vec<u8>> {
    card_of(Values::new(message))
}

/// What is missing of `contact.vcf`. To find it, the file is made.
pub fn missing(message: &Message) -> Vec<Defect> {
    let missing = Missing::default();
    card_of(Values::watched(message, &missing));
    missing.into_defects()
}

fn card_of(values: Values<'_>) -> Option<Vec<u8>> {
    let mut lines = ContentLines::default();
    lines.put("BEGIN", "VCARD");
    match kind(values.message())? {
        CardKind::Contact => contact::write(&mut lines, values)?,
        CardKind::DistributionList => group::write(&mut lines, values)?,
    }
    lines.put("END", "VCARD");
    Some(lines.into_bytes())
}

/// What people are shown of a contact or a list beside its body: named lines, without the empty
/// ones.
pub fn shown(message: &Message) -> Vec<(&'static str, Vec<String>)> {
    let values = Values::new(message);
    let mut lines = match kind(message) {
        Some(CardKind::Contact) => contact::shown(values),
        Some(CardKind::DistributionList) => group::shown(values),
        None => Vec::new(),
    };
    lines.retain(|(_, values)| !values.is_empty());
    lines
}

/// The note on what is left out of `contact.vcf`, if anything is.
pub fn note(message: &Message) -> Option<Note> {
    match kind(message)? {
        CardKind::Contact => contact::note(Values::new(message)),
        CardKind::DistributionList => None,
    }
}

fn kind(message: &Message) -> Option<CardKind> {
    let class = message.text(tags::PR_MESSAGE_CLASS)?;
    if is_class(&class, "IPM.Contact") {
        return Some(CardKind::Contact);
    }
    is_class(&class, "IPM.DistList").then_some(CardKind::DistributionList)
}
