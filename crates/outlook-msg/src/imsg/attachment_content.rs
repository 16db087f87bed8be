//! The defects of the content of an attachment.

use crate::mapi::tags;
use crate::storage::{Defect, Transaction};

use super::attachment::{AttachMethod, Attachment};
use super::error::Error;
use super::mapi_prop::MapiProp as _;
use super::note::Note;

/// `PR_ATTACH_SIZE` counts the other properties of an attachment too, which take fewer bytes.
const OTHER_BYTES_MAX: i32 = 16 << 10;

impl Attachment {
    /// The defects because of which a part of its content is missing: of its bytes, or of the streams
    /// of an OLE object. Only chains of sectors are followed; undamaged streams are not read.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn content_defects(&self) -> Result<Vec<Defect>, Error> {
        match self.method()? {
            AttachMethod::ByValue => {
                let part = self.missing_part(tags::PR_ATTACH_DATA_BIN)?;
                Ok(part.or_else(|| self.lost_data()).into_iter().collect())
            }
            AttachMethod::Storage => match self.content_storage() {
                Ok(storage) => Ok(Transaction::salvaged(&storage).1),
                Err(error @ Error::NoObject { .. }) => Ok(vec![error.into_defect("/")]),
                Err(error) => Err(error),
            },
            AttachMethod::None | AttachMethod::ByReference | AttachMethod::EmbeddedMessage => {
                Ok(Vec::new())
            }
        }
    }

    /// The defect if an attachment by value lacks the property with its content, and its size says
    /// that there was one. Some programs leave the property out if the attachment is empty.
    pub(super) fn lost_data(&self) -> Option<Defect> {
        let stated = self.integer(tags::PR_ATTACH_SIZE)?;
        let is_lost = self.lacks_data() && stated > OTHER_BYTES_MAX;
        is_lost.then(|| Defect {
            place: self.place_of_data(),
            cause: format!("the content is missing; PR_ATTACH_SIZE is {stated}"),
        })
    }

    /// The note that an attachment by value lacks the property with its content.
    pub(super) fn note_on_data(&self) -> Option<Note> {
        let is_noted = self.lacks_data() && self.lost_data().is_none();
        let text = "there is no content; it is shown as an empty file".to_owned();
        is_noted.then(|| Note { place: self.place_of_data(), text })
    }

    fn lacks_data(&self) -> bool {
        self.method().is_ok_and(|method| method == AttachMethod::ByValue)
            && self
                .property_set()
                .is_ok_and(|(set, _)| set.find(tags::PR_ATTACH_DATA_BIN).is_none())
    }

    fn place_of_data(&self) -> String {
        let path = self.storage().map(|storage| storage.path()).unwrap_or_default();
        format!("{path}/{}", tags::PR_ATTACH_DATA_BIN)
    }
}
