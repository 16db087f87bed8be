//! A file of the tree as a reader.

use std::io::{self, Read};

use crate::fs::{self, Place};

/// Reads a file from start to end. If it cannot be read any further, the reader ends there, and
/// `failure` says why.
pub(super) struct FileContents<'a> {
    place: &'a Place,
    offset: u64,
    /// Why it ended before its end.
    pub(super) failure: Option<fs::Error>,
}

impl<'a> FileContents<'a> {
    /// A reader at the start of a file.
    pub(super) fn new(place: &'a Place) -> Self {
        Self { place, offset: 0, failure: None }
    }
}

impl Read for FileContents<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let is_ended = self.failure.is_some()
            || (self.place.is_in_message() && self.offset >= self.place.attr().size);
        if is_ended {
            return Ok(0);
        }
        match self.place.read_at(self.offset, buffer) {
            Ok(read) => {
                self.offset += read as u64;
                Ok(read)
            }
            Err(error) => {
                self.failure = Some(error);
                Ok(0)
            }
        }
    }
}
