//! Whether a message is signed or encrypted (S/MIME, \[MS-OXOSMIME\]).

use super::derived::{DerivedKind, Inside};
use super::error::Error;
use super::opened::Mail;

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
        let derived = self.opened.attachments().iter().filter_map(|one| one.derived.as_ref());
        derived
            .map(|derived| match derived.kind {
                DerivedKind::Signed => Security::Signed,
                DerivedKind::Encrypted => Security::Encrypted,
                _ => Security::None,
            })
            .find(|security| *security != Security::None)
            .unwrap_or(Security::None)
    }

    /// The content of the signed part, with its bodies and attachments, which mail programs show in
    /// place of the message. `None` if the message is not signed.
    ///
    /// ```
    /// # let mail = outlook_msg::Mail::create()?;
    /// let signed = mail.signed_content()?;
    /// let text = signed.as_ref().unwrap_or(&mail).text()?;
    /// # assert!(signed.is_none() && text.is_none());
    /// # Ok::<(), outlook_msg::mail::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`] if the signed part cannot be read.
    pub fn signed_content(&self) -> Result<Option<Self>, Error> {
        let is_signed = |kind| kind == DerivedKind::Signed;
        let mut attachments = self.opened.attachments().iter();
        let found =
            attachments.find(|one| one.derived.as_ref().is_some_and(|one| is_signed(one.kind)));
        let Some(found) = found else { return Ok(None) };
        let inside = Inside::open(DerivedKind::Signed, &found.attachment)?;
        Ok(Some(Self::of(inside.message)))
    }
}
