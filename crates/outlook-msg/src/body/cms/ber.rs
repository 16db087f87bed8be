//! The elements of BER (X.690): tag, length and contents, including elements of indefinite length.
//!
//! Enters and skips elements without recursion. If an element is cut off, the part that is there is
//! read. Knows nothing of what the elements mean.

use std::borrow::Cow;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// The class and form bits of a context-specific element, without the number.
pub(super) const CONTEXT: u8 = 0x80;
const CONSTRUCTED: u8 = 0x20;
/// Two zero bytes end the contents of an element of indefinite length (X.690 8.1.5).
const END_OF_CONTENTS: u8 = 0x00;

/// Pieces of a string that are nested deeper than this are not joined. Programs use one level.
const STRING_DEPTH_MAX: u32 = 16;

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    /// The first byte of its tag: class, form and number.
    pub(super) identifier: u8,
    /// Its contents. If its length is indefinite: all bytes that follow, including the
    /// end-of-contents and what comes after it.
    contents: &'a [u8],
    is_indefinite: bool,
}

/// An iterator over adjacent elements.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    /// Whether `rest` begins with the contents of an element of indefinite length, which must be
    /// skipped first.
    is_open: bool,
    /// Whether an end-of-contents ends the elements, not the end of the bytes.
    is_indefinite: bool,
    is_truncated: bool,
}

impl<'a> Element<'a> {
    /// Whether it has this context-specific number, in either form.
    pub(super) fn is_context(&self, number: u8) -> bool {
        self.identifier & !CONSTRUCTED == CONTEXT | number
    }

    /// The elements in it. Call it only for a constructed element.
    pub(super) fn elements(&self) -> Elements<'a> {
        Elements {
            rest: self.contents,
            is_open: false,
            is_indefinite: self.is_indefinite,
            is_truncated: false,
        }
    }

    /// The contents of a primitive element.
    pub(super) fn primitive(&self) -> &'a [u8] {
        if self.is_indefinite { &[] } else { self.contents }
    }

    /// The value of an octet string, joined if it is stored in pieces (X.690 8.7.3), and whether
    /// its end is missing.
    pub(super) fn octets(&self) -> (Cow<'a, [u8]>, bool) {
        if self.identifier & CONSTRUCTED == 0 {
            return (Cow::Borrowed(self.contents), false);
        }
        let mut joined = Vec::new();
        let is_truncated = self.join(&mut joined, 0);
        (Cow::Owned(joined), is_truncated)
    }

    fn join(&self, joined: &mut Vec<u8>, depth: u32) -> bool {
        let mut pieces = self.elements();
        let mut is_truncated = false;
        for piece in pieces.by_ref() {
            if piece.identifier & CONSTRUCTED == 0 {
                joined.extend_from_slice(piece.contents);
            } else if depth < STRING_DEPTH_MAX {
                is_truncated |= piece.join(joined, depth + 1);
            } else {
                is_truncated = true;
            }
        }
        is_truncated || pieces.is_truncated
    }
}

impl<'a> Elements<'a> {
    /// The elements of an encoding.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, is_open: false, is_indefinite: false, is_truncated: false }
    }

    /// Whether the bytes ended too early, in the part that has been read.
    pub(super) fn is_truncated(&self) -> bool {
        self.is_truncated
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        if std::mem::take(&mut self.is_open) {
            self.rest = skip_contents(self.rest);
        }
        let Some((header, contents)) = ElementHeader::read(self.rest) else {
            self.is_truncated |= self.is_indefinite || !self.rest.is_empty();
            self.rest = &[];
            return None;
        };
        if header.identifier == END_OF_CONTENTS {
            self.rest = &[];
            self.is_indefinite = false;
            return None;
        }
        let contents = match header.len {
            None => {
                self.is_open = true;
                self.rest = contents;
                contents
            }
            Some(len) => {
                self.is_truncated |= len > contents.len();
                let (contents, rest) = contents.split_at(len.min(contents.len()));
                self.rest = rest;
                contents
            }
        };
        let is_indefinite = header.len.is_none();
        Some(Element { identifier: header.identifier, contents, is_indefinite })
    }
}

/// Tag and length of an element (X.690 8.1.2, 8.1.3).
struct ElementHeader {
    identifier: u8,
    /// `None` if it is indefinite.
    len: Option<usize>,
}

impl ElementHeader {
    /// Reads a header, and returns it with the bytes after it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&identifier, mut rest) = bytes.split_first()?;
        if identifier & 0x1F == 0x1F {
            // A tag number of 31 or more follows in further bytes; all but the last have bit 8 set.
            let last = rest.iter().position(|byte| byte & 0x80 == 0)?;
            rest = rest.get(last + 1..)?;
        }
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = match first {
            0x80 if identifier & CONSTRUCTED == 0 => return None,
            0x80 => (None, rest),
            0..0x80 => (Some(usize::from(first)), rest),
            _ => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                let digits = digits.iter();
                let len = digits.fold(0_usize, |len, digit| {
                    len.saturating_mul(256).saturating_add(usize::from(*digit))
                });
                (Some(len), rest)
            }
        };
        Some((Self { identifier, len }, rest))
    }
}

/// The bytes after an element of indefinite length; `rest` begins with its contents.
fn skip_contents(mut rest: &[u8]) -> &[u8] {
    let mut depth = 1_usize;
    while depth > 0 {
        let Some((header, contents)) = ElementHeader::read(rest) else { return &[] };
        rest = match header.len {
            _ if header.identifier == END_OF_CONTENTS => {
                depth -= 1;
                contents
            }
            Some(len) => contents.get(len..).unwrap_or_default(),
            None => {
                depth += 1;
                contents
            }
        };
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::Elements;

    /// Checks the identifiers of the elements on the first level, and whether they are whole.
    fn check(bytes: &[u8], identifiers: &[u8], is_truncated: bool) {
        let mut elements = Elements::new(bytes);
        let found: Vec<_> = elements.by_ref().map(|element| element.identifier).collect();
        assert_eq!((found.as_slice(), elements.is_truncated()), (identifiers, is_truncated));
    }

    fn check_octets(bytes: &[u8], expected: &[u8], is_truncated: bool) {
        let element = Elements::new(bytes).next().unwrap();
        assert_eq!(element.octets(), (expected.into(), is_truncated));
    }

    #[test]
    fn elements_of_either_length_follow_each_other() {
        check(&[], &[], false);
        check(&[0x02, 0x01, 0x05, 0x04, 0x00], &[0x02, 0x04], false);
        check(&[0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0, 0x05, 0], &[0x30, 0x05], false);
        check(&[0x04, 0x82, 0x00, 0x01, 0xFF, 0x05, 0], &[0x04, 0x05], false);
        check(&[0x7F, 0x81, 0x01, 0x01, 0xAA, 0x05, 0], &[0x7F, 0x05], false);
    }

    #[test]
    fn what_is_cut_off_is_read_as_far_as_it_goes() {
        check(&[0x04, 0x05, 1, 2], &[0x04], true);
        check(&[0x30, 0x80, 0x30, 0x80, 0, 0], &[0x30], false);
        check(&[0x04], &[], true);
        check(&[0x04, 0x80, 0, 0], &[], true);
        check(&[0x04, 0x8F, 0xFF], &[], true);
        check(&[0x04, 0x88, 255, 255, 255, 255, 255, 255, 255, 255], &[0x04], true);
        check(&[0x1F, 0xFF, 0xFF], &[], true);
    }

    #[test]
    fn pieces_of_strings_are_joined() {
        check_octets(&[0x04, 2, 1, 2], &[1, 2], false);
        check_octets(&[0x24, 0x80, 4, 1, 1, 4, 2, 2, 3, 0, 0], &[1, 2, 3], false);
        check_octets(&[0x24, 6, 4, 1, 1, 4, 1, 2], &[1, 2], false);
        check_octets(&[0x24, 0x80, 0x24, 0x80, 4, 1, 7, 0, 0, 4, 1, 8, 0, 0], &[7, 8], false);
        check_octets(&[0x24, 0x80, 4, 1, 1, 4, 9, 2], &[1, 2], true);
        check_octets(&[0x24, 0x80, 4, 1, 1], &[1], true);
    }

    #[test]
    fn depth_costs_neither_stack_nor_time() {
        let mut deep = [0x24, 0x80].repeat(500_000);
        check(&deep, &[0x24], false);
        let element = Elements::new(&deep).next().unwrap();
        assert_eq!(element.octets(), (Vec::new().into(), true));
        deep.extend([0; 2].repeat(500_000));
        deep.extend([5, 0]);
        check(&deep, &[0x24, 5], false);
    }
}
