//! The type of a recipient: originator, To, Cc or Bcc.

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

impl RecipientType {
    pub(super) const ALL: [Self; 4] = [Self::Originator, Self::To, Self::Cc, Self::Bcc];

    /// The type of a value of `PR_RECIPIENT_TYPE`. Its upper bits (resend, handled) are ignored.
    pub(super) fn of_number(number: Option<i32>) -> Self {
        match number.map(|number| number & 0xF) {
            Some(0) => Self::Originator,
            Some(2) => Self::Cc,
            Some(3) => Self::Bcc,
            _ => Self::To,
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
