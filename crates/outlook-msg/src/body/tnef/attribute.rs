//! The attributes of a TNEF stream (\[MS-OXTNEF\] 2.1.3).
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | level: 1 message, 2 attachment |
//! | 1 | 4 | id: number and type |
//! | 5 | 4 | length of the data |
//! | 9 | | data |
//! | | 2 | checksum: the sum of the bytes of the data |

use std::fmt;

pub(super) const SIGNATURE: u32 = 0x223E_9F78;
/// Signature and key.
pub(super) const HEADER_LEN: usize = 6;
const ATTRIBUTE_HEADER_LEN: usize = 9;

/// The number of an attribute, without its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(u16);

impl Id {
    pub(super) const FROM: Self = Self(0x8000);
    pub(super) const SUBJECT: Self = Self(0x8004);
    pub(super) const DATE_START: Self = Self(0x0006);
    pub(super) const DATE_END: Self = Self(0x0007);
    pub(super) const DATE_SENT: Self = Self(0x8005);
    pub(super) const DATE_RECEIVED: Self = Self(0x8006);
    pub(super) const DATE_MODIFIED: Self = Self(0x8020);
    pub(super) const MESSAGE_CLASS: Self = Self(0x8008);
    pub(super) const BODY: Self = Self(0x800C);
    pub(super) const ATTACHMENT_DATA: Self = Self(0x800F);
    pub(super) const ATTACHMENT_TITLE: Self = Self(0x8010);
    pub(super) const ATTACHMENT_TRANSPORT_NAME: Self = Self(0x9001);
    pub(super) const ATTACHMENT_RENDERING: Self = Self(0x9002);
    pub(super) const MAPI_PROPERTIES: Self = Self(0x9003);
    pub(super) const RECIPIENT_TABLE: Self = Self(0x9004);
    pub(super) const ATTACHMENT_PROPERTIES: Self = Self(0x9005);
    pub(super) const OEM_CODE_PAGE: Self = Self(0x9007);
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct TnefAttribute<'a> {
    pub(super) id: Id,
    pub(super) data: &'a [u8],
    offset: usize,
    /// `None` if the stream ends before it.
    checksum: Option<u16>,
}

/// An iterator over the attributes of a stream.
#[derive(Clone, Debug)]
pub(super) struct TnefAttributes<'a> {
    rest: &'a [u8],
    offset: usize,
    damage: Option<String>,
}

impl TnefAttribute<'_> {
    /// The cause if the checksum is wrong or missing.
    pub(super) fn damage(&self) -> Option<String> {
        // The sum is kept modulo 2^16, as the checksum is.
        let sum = self.data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        match self.checksum {
            None => Some(format!("{self}: cut off after {} bytes of data", self.data.len())),
            Some(checksum) if checksum != sum => {
                Some(format!("{self}: checksum 0x{checksum:04X}, found 0x{sum:04X}"))
            }
            Some(_) => None,
        }
    }
}

impl fmt::Display for TnefAttribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attribute 0x{:04X} at byte {}", self.id.0, self.offset)
    }
}

impl<'a> TnefAttributes<'a> {
    /// The attributes in `bytes`, which begin at `offset` of the stream.
    pub(super) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset, damage: None }
    }

    /// Why the stream ended too early; `None` if it did not.
    pub(super) fn damage(self) -> Option<String> {
        self.damage
    }
}

impl<'a> Iterator for TnefAttributes<'a> {
    type Item = TnefAttribute<'a>;

    fn next(&mut self) -> Option<TnefAttribute<'a>> {
        let offset = self.offset;
        let (header, rest) = match self.rest.split_first_chunk::<ATTRIBUTE_HEADER_LEN>() {
            Some(split) => split,
            None => {
                // Some writers pad the stream with zeros.
                if self.rest.iter().any(|byte| *byte != 0) {
                    self.damage = Some(format!("attribute at byte {offset}: cut off"));
                }
                self.rest = &[];
                return None;
            }
        };
        let [level, i0, i1, _, _, l0, l1, l2, l3] = *header;
        if !(1..=2).contains(&level) {
            if self.rest.iter().any(|byte| *byte != 0) {
                let expected = "expected level 1 or 2";
                self.damage =
                    Some(format!("attribute at byte {offset}: {expected}, found {level}"));
            }
            self.rest = &[];
            return None;
        }
        let len = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let (data, rest) = rest.split_at(len.min(rest.len()));
        let (checksum, rest) = match rest.split_first_chunk() {
            Some((checksum, rest)) => (Some(u16::from_le_bytes(*checksum)), rest),
            None => (None, &[] as &[u8]),
        };
        self.rest = rest;
        self.offset += ATTRIBUTE_HEADER_LEN + data.len() + 2;
        Some(TnefAttribute { id: Id(u16::from_le_bytes([i0, i1])), data, offset, checksum })
    }
}
