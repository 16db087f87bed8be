//! Whether a message is signed or encrypted (S/MIME, \[MS-OXOSMIME\]).

use super::derived::DerivedKind;
use super::opened::Mail;

/// What protects a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// Nothing.
    None,
    /// It is signed: its content lies in the signed part. No signature is verified.
    Signed,
    /// It is encrypted: only who has a key can read it.
    Encrypted,
}

impl Mail {
    /// Whether the message is signed or encrypted.
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
}
