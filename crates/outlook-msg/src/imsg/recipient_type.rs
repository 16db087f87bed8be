//! The type of a recipient: originator, To, Cc or Bcc.

use crate::mapi::{Value, tags};
use crate::storage::Defect;

use super::note::Note;
use super::properties::PropertySet;

/// In which field of the message a recipient is (`PR_RECIPIENT_TYPE`, \[MS-OXOMSG\] 2.2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientType {
    /// `MAPI_ORIG` 0.
    Originator,
    /// `MAPI_TO` 1, and any other value.
    To,
    /// `MAPI_CC` 2.
    Cc,
    /// `MAPI_BCC` 3.
    Bcc,
}

/// The bits of the type; the others say that the message was sent again, for example.
const TYPE_BITS: i32 = 0xF;

fn place(recipient: &PropertySet) -> String {
    format!("{}/{}", recipient.storage().path(), tags::PR_RECIPIENT_TYPE)
}

impl RecipientType {
    pub(super) const ALL: [Self; 4] = [Self::Originator, Self::To, Self::Cc, Self::Bcc];

    /// The type of a value of `PR_RECIPIENT_TYPE`. Its upper bits (resend, handled) are ignored.
    pub(super) fn of_number(number: Option<i32>) -> Self {
        match number.map(|number| number & TYPE_BITS) {
            Some(0) => Self::Originator,
            Some(2) => Self::Cc,
            Some(3) => Self::Bcc,
            _ => Self::To,
        }
    }

    /// The type of a recipient.
    pub(super) fn of(recipient: &PropertySet) -> Self {
        match recipient.fixed(tags::PR_RECIPIENT_TYPE) {
            Some(Value::Integer32(number)) => Self::of_number(Some(number)),
            _ => Self::of_number(None),
        }
    }

    /// The defect of a recipient whose type is missing or unknown. It is taken for one of `to`; if it
    /// was one of `bcc`, that shows what was to be hidden. If its list of properties is damaged, that
    /// is told already.
    pub(super) fn defect(recipient: &PropertySet) -> Option<Defect> {
        let cause = match recipient.fixed(tags::PR_RECIPIENT_TYPE) {
            Some(Value::Integer32(number)) if (0..=3).contains(&(number & TYPE_BITS)) => {
                return None;
            }
            Some(Value::Integer32(number)) => format!("{number} is no type of a recipient"),
            _ if recipient.defects().is_empty() => {
                "the type of the recipient is missing".to_owned()
            }
            _ => return None,
        };
        let cause = format!("{cause}; it is taken for one of `to`");
        Some(Defect { place: place(recipient), cause })
    }

    /// The note on a recipient that no field of a mail shows.
    pub(super) fn note(recipient: &PropertySet) -> Option<Note> {
        match recipient.fixed(tags::PR_RECIPIENT_TYPE) {
            Some(Value::Integer32(number)) if number & TYPE_BITS == 0 => Some(Note {
                place: place(recipient),
                text: "an originator among the recipients is in none of `to`, `cc` and `bcc`"
                    .to_owned(),
            }),
            _ => None,
        }
    }

    /// The value of `PR_RECIPIENT_TYPE`.
    pub const fn number(self) -> i32 {
        match self {
            Self::Originator => 0,
            Self::To => 1,
            Self::Cc => 2,
            Self::Bcc => 3,
        }
    }
}
