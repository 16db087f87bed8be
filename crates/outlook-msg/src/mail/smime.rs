//! What the class of a message says of S/MIME (\[MS-OXOSMIME\] 2.1.3).

use crate::imsg::{MapiProp as _, Message};
use crate::mapi::tags;

/// The form of signed or encrypted mail, of which an attachment is the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmimeClass {
    /// `IPM.Note.SMIME.MultipartSigned`: the attachment is a MIME entity of the signed part and its
    /// signature, which can be read without S/MIME.
    ClearSigned,
    /// `IPM.Note.SMIME`: the attachment is a cryptographic message, signed or encrypted.
    Opaque,
    /// `REPORT.IPM.Note.SMIME.NDR`: a report on such mail, which may have that attached.
    Report,
}

impl SmimeClass {
    /// That of a message; `None` if its class does not say that it is signed or encrypted.
    pub fn of(message: &Message) -> Option<Self> {
        Self::named(&message.text(tags::PR_MESSAGE_CLASS)?)
    }

    fn named(class: &str) -> Option<Self> {
        let mut parts = class.trim_end().split('.');
        let is_report = class.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("REPORT."));
        parts.find(|part| part.eq_ignore_ascii_case("SMIME"))?;
        Some(match parts.next() {
            _ if is_report => Self::Report,
            Some(next) if next.eq_ignore_ascii_case("MultipartSigned") => Self::ClearSigned,
            _ => Self::Opaque,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::SmimeClass;

    #[test]
    fn the_class_tells_the_form() {
        let check =
            |class: &str, expected| assert_eq!(SmimeClass::named(class), expected, "{class}");
        check("IPM.Note.SMIME.MultipartSigned", Some(SmimeClass::ClearSigned));
        check("ipm.note.smime.multipartsigned ", Some(SmimeClass::ClearSigned));
        check("IPM.Note.SMIME", Some(SmimeClass::Opaque));
        check("REPORT.IPM.Note.SMIME.NDR", Some(SmimeClass::Report));
        check("IPM.Note.SMIMER", None);
        check("IPM.Note", None);
    }
}
