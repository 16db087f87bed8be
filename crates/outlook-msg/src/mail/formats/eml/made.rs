//! The contents that are made for the parts of one file: long texts and OLE objects. All of them
//! are in one temporary file, so that any number of them takes little memory and a single file
//! descriptor.
//!
//! Knows no part and no message.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write};
use std::sync::Arc;

use crate::imsg::Attachment;
use crate::mail::content::Content;
use crate::mail::error::Error;

/// A text with at most this many bytes is kept in memory.
const SHORT_TEXT_MAX: usize = 64 << 10;
/// The texts of a file, with those of embedded messages, have at most this many bytes, plus
/// [`TEXT_BYTES_PER_BYTE`] for each byte of the source file. Without a limit, embedded messages
/// whose streams overlap could together fill the disk.
const TEXT_BYTES_MAX: u64 = 64 << 20;
const TEXT_BYTES_PER_BYTE: u64 = 8;

/// What has been made so far.
#[derive(Debug)]
pub(super) struct MadeContents {
    file: Option<Arc<File>>,
    /// How many bytes of text may still be made.
    text_room: u64,
}

impl MadeContents {
    /// For the message in a file of this length.
    pub(super) fn new(source_len: u64) -> Self {
        let room = source_len.saturating_mul(TEXT_BYTES_PER_BYTE).saturating_add(TEXT_BYTES_MAX);
        // A new message has no file, so there is no size to compare with.
        Self::with_room(if source_len == 0 { u64::MAX } else { room })
    }

    /// With room for so many bytes of text.
    pub(super) fn with_room(text_room: u64) -> Self {
        Self { file: None, text_room }
    }

    /// Counts a text of `len` bytes. Returns whether there is room for it.
    pub(super) fn take_text(&mut self, len: usize) -> bool {
        let left = self.text_room.checked_sub(len as u64);
        self.text_room = left.unwrap_or(self.text_room);
        left.is_some()
    }

    /// Keeps what `write` writes: in memory if it is made from a short text of `text_len` bytes.
    ///
    /// # Errors
    /// Those of writing.
    pub(super) fn of_text(
        &mut self,
        text_len: usize,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(Content, u64), Error> {
        if text_len <= SHORT_TEXT_MAX {
            let mut bytes = Vec::new();
            write(&mut bytes)?;
            let len = bytes.len() as u64;
            return Ok((Content::Bytes(bytes.into()), len));
        }
        let (file, offset) = self.end()?;
        let mut out = BufWriter::new(&*file);
        write(&mut out)?;
        out.flush()?;
        drop(out);
        let len = (&*file).stream_position()? - offset;
        Ok((Content::Made { file, offset, len }, len))
    }

    /// Keeps the compound file of an OLE object.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub(super) fn of_object(&mut self, attachment: &Attachment) -> Result<(Content, u64), Error> {
        let (mut made, _) = attachment.write_content_storage(tempfile::tempfile()?)?;
        let len = made.metadata()?.len();
        let (file, offset) = match &self.file {
            None => (Arc::clone(self.file.insert(Arc::new(made))), 0),
            Some(_) => {
                made.rewind()?;
                let (file, offset) = self.end()?;
                io::copy(&mut made, &mut &*file)?;
                (file, offset)
            }
        };
        Ok((Content::Made { file, offset, len }, len))
    }

    /// The file, and its length, at which it is written next.
    fn end(&mut self) -> io::Result<(Arc<File>, u64)> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(Arc::new(tempfile::tempfile()?))),
        };
        let end = (&*file).seek(SeekFrom::End(0))?;
        Ok((file, end))
    }
}

#[cfg(test)]
mod tests {
    use super::{MadeContents, SHORT_TEXT_MAX};
    use crate::mail::content::Content;

    #[test]
    fn texts_are_counted_until_there_is_no_room() {
        let mut made = MadeContents::new(10);
        assert!(made.take_text(64 << 20));
        assert!(!made.take_text(81));
        assert!(made.take_text(80));
        assert!(!made.take_text(1));
    }

    #[test]
    fn long_texts_follow_each_other_in_one_file() {
        let mut made = MadeContents::new(0);
        for (len, is_short) in [(3, true), (SHORT_TEXT_MAX + 1, false), (SHORT_TEXT_MAX + 2, false)]
        {
            let text = vec![u8::try_from(len % 256).unwrap(); len];
            let (content, found) = made.of_text(len, |out| out.write_all(&text)).unwrap();
            assert_eq!(found, len as u64);
            assert_eq!(matches!(content, Content::Bytes(_)), is_short);
            assert!(content.read(0, usize::MAX).unwrap() == text, "{len}");
        }
    }
}
