//! Parts of a message as files of their own: an embedded message as a `.msg` (\[MS-OXMSG\] 2.3),
//! an OLE object as a compound file.

use std::fs::File;

use crate::mapi::{CodePage, PropertyTag, Value, tags};
use crate::storage::{Entry, Writer};

use super::attachment::Attachment;
use super::compose::MESSAGE_CLSID;
use super::error::Error;
use super::message::Message;
use super::names::NAMEID_STORAGE;
use super::properties::{MapiProp as _, PROPERTY_STREAM};

/// `PROPATTR_READABLE` and `PROPATTR_WRITEABLE`.
const READABLE_WRITEABLE: u32 = 6;

impl Message {
    /// Writes the message, which may be an embedded one, as a `.msg` file into an empty file.
    ///
    /// The properties that it inherits from the message around it are written into it. The
    /// named-property map is that of the whole file, so that every id keeps its name.
    ///
    /// # Errors
    /// [`Error::Storage`] if a name cannot be written or writing fails, [`Error::SessionClosed`]
    /// after the session was closed.
    pub fn write_standalone(&self, out: File) -> Result<File, Error> {
        let storage = self.storage()?;
        let file = match self.top() {
            Some(top) => top.storage()?,
            None => storage.file().root(),
        };
        let names = file.storage(NAMEID_STORAGE);
        let mut writer = Writer::create(out)?;
        writer.set_clsid(&[], MESSAGE_CLSID)?;
        match names {
            Some(names) => drop(writer.copy_storage(&names, &[NAMEID_STORAGE])?),
            None => writer.create_storage(&[NAMEID_STORAGE])?,
        }
        for entry in storage.entries() {
            match entry {
                Entry::Storage(part) if part.name().eq_ignore_ascii_case(NAMEID_STORAGE) => {}
                Entry::Storage(part) => drop(writer.copy_storage(&part, &[part.name()])?),
                Entry::Stream(value) if value.name().eq_ignore_ascii_case(PROPERTY_STREAM) => {}
                Entry::Stream(value) => drop(writer.copy_stream(&value, &[value.name()])?),
            }
        }
        let properties = self.standalone_property_stream()?;
        writer.write_stream(&[PROPERTY_STREAM], &mut properties.as_slice())?;
        Ok(writer.finish()?)
    }

    /// The property stream with the header of a top-level message (\[MS-OXMSG\] 2.4.1.1).
    fn standalone_property_stream(&self) -> Result<Vec<u8>, Error> {
        let data = self.data()?;
        let (recipients, attachments) = data.part_numbers();
        let next = |numbers: &[u32]| numbers.last().map_or(0, |last| last.saturating_add(1));
        let count = |numbers: &[u32]| u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let mut stream = vec![0; 8];
        for field in
            [next(&recipients), next(&attachments), count(&recipients), count(&attachments)]
        {
            stream.extend(field.to_le_bytes());
        }
        stream.extend([0; 8]);
        if let Some(stored) = self.storage()?.stream(PROPERTY_STREAM) {
            let (bytes, _) = stored.read_salvage();
            let header = data.header().of_stream(&bytes);
            let entries = bytes.get(header.len()..).unwrap_or_default();
            let whole = entries.len() - entries.len() % 16;
            stream.extend(entries.get(..whole).unwrap_or_default());
        }
        for (tag, value) in self.inherited()? {
            stream.extend(tag.0.to_le_bytes());
            stream.extend(READABLE_WRITEABLE.to_le_bytes());
            stream.extend(u64::from(value).to_le_bytes());
        }
        Ok(stream)
    }

    /// The properties of the message around that this one relies on without having them.
    fn inherited(&self) -> Result<Vec<(PropertyTag, u32)>, Error> {
        let data = self.data()?;
        let (set, strings) = self.property_set()?;
        let mut inherited = Vec::new();
        if set.get(tags::PR_STORE_SUPPORT_MASK).is_none()
            && let Some(Value::Integer32(mask)) = data.store_support_mask()
        {
            inherited.push((tags::PR_STORE_SUPPORT_MASK, mask.cast_unsigned()));
        }
        if strings.is_inherited() && strings.code_page() != CodePage::WINDOWS_1252 {
            inherited.push((tags::PR_MESSAGE_CODEPAGE, strings.code_page().number()));
        }
        if set.get(tags::PR_INTERNET_CPID).is_none()
            && let Some(code_page) = strings.internet_code_page()
        {
            inherited.push((tags::PR_INTERNET_CPID, code_page));
        }
        Ok(inherited)
    }
}

impl Attachment {
    /// Writes the storage of an OLE object as a compound file into an empty file.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, [`Error::Storage`] if a name cannot be written or
    /// writing fails, [`Error::SessionClosed`] after the session was closed.
    pub fn write_content_storage(&self, out: File) -> Result<File, Error> {
        let mut writer = Writer::create(out)?;
        writer.copy_storage(&self.content_storage()?, &[])?;
        Ok(writer.finish()?)
    }
}
