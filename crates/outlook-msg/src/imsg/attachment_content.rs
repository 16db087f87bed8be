//! The content of an attachment as far as it can be read.

use crate::mapi::{Value, tags};
use crate::storage::{Defect, Transaction};

use super::attachment::{AttachMethod, Attachment};
use super::error::Error;
use super::properties::{MapiProp as _, Salvaged};

/// The bytes of an attachment by value as far as they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialContent {
    /// What can be read, from the start.
    pub bytes: Vec<u8>,
    /// What is missing behind it; `None` if nothing is.
    pub missing: Option<Defect>,
}

impl Attachment {
    /// The bytes of an attachment by value.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a part of them cannot be read, [`Error::NoObject`] for an attachment
    /// of another kind, [`Error::SessionClosed`] after the session was closed.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        match self.read_partial()? {
            PartialContent { missing: Some(defect), .. } => Err(Error::Damaged(defect)),
            PartialContent { bytes, .. } => Ok(bytes),
        }
    }

    /// The bytes of an attachment by value as far as they can be read, and what is missing.
    ///
    /// # Errors
    /// [`Error::NoObject`] for an attachment of another kind, [`Error::SessionClosed`] after the
    /// session was closed.
    pub fn read_partial(&self) -> Result<PartialContent, Error> {
        if self.method()? != AttachMethod::ByValue {
            let place = self.storage()?.path();
            return Err(Error::NoObject { place, what: "content by value".to_owned() });
        }
        let Salvaged { value, defect } = self.salvage(tags::PR_ATTACH_DATA_BIN)?;
        let bytes = match value {
            Some(Value::Binary(bytes)) => bytes,
            // Writers leave out the stream of an attachment without any bytes.
            _ => Vec::new(),
        };
        Ok(PartialContent { bytes, missing: defect })
    }

    /// What of its content cannot be read, of its bytes or in the streams of an OLE object. No
    /// sound stream is read for it.
    ///
    /// # Errors
    /// [`Error::SessionClosed`] after the session was closed.
    pub fn content_defects(&self) -> Result<Vec<Defect>, Error> {
        match self.method()? {
            AttachMethod::ByValue => {
                Ok(self.value_defect(tags::PR_ATTACH_DATA_BIN)?.into_iter().collect())
            }
            AttachMethod::Storage => Ok(Transaction::salvaged(&self.content_storage()?).1),
            AttachMethod::None | AttachMethod::ByReference | AttachMethod::EmbeddedMessage => {
                Ok(Vec::new())
            }
        }
    }
}
