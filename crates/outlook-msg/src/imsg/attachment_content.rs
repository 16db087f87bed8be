//! The defects of the content of an attachment.

use crate::mapi::tags;
use crate::storage::{Defect, Transaction};

use super::attachment::{AttachMethod, Attachment};
use super::error::Error;
use super::mapi_prop::MapiProp as _;

impl Attachment {
    /// The defects because of which a part of its content is missing: of its bytes, or of the streams
    /// of an OLE object. Only chains of sectors are followed; undamaged streams are not read.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn content_defects(&self) -> Result<Vec<Defect>, Error> {
        match self.method()? {
            AttachMethod::ByValue => {
                Ok(self.missing_part(tags::PR_ATTACH_DATA_BIN)?.into_iter().collect())
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
}
