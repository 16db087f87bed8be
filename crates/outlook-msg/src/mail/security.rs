//! Whether a message is signed or encrypted (S/MIME, \[MS-OXOSMIME\]).

use crate::mail::attachments::ShownAttachment;
use crate::mail::attachments::derived::DerivedKind;
use crate::mail::opened::Mail;

/// How a message is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// It is not protected.
    None,
    /// The message is signed, and its content is in the signed part. The signature is not verified.
    Signed,
    /// The message is encrypted: only the owner of a key can read it.
    Encrypted,
}

impl Mail {
    /// Whether the message is signed or encrypted.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// assert_eq!(mail.security(), outlook_msg::mail::Security::None);
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    #[must_use]
    pub fn security(&self) -> Security {
        security_of(self.opened.attachments())
    }
}

/// How the message with these attachments is protected: one of them is the signed or encrypted part.
pub fn security_of(attachments: &[ShownAttachment]) -> Security {
    let derived = attachments.iter().filter_map(|one| one.derived.as_ref());
    let mut found = derived.filter_map(|derived| match derived.kind {
        DerivedKind::Signed => Some(Security::Signed),
        DerivedKind::Encrypted => Some(Security::Encrypted),
        _ => None,
    });
    found.next().unwrap_or(Security::None)
}
