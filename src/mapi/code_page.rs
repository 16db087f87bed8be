//! Windows code pages and their decoders.

use std::borrow::Cow;

/// A Windows code page that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodePage(u32);

impl CodePage {
    /// Windows-1252, the default of \[MS-OXMSG\] files without any other hint.
    pub const WINDOWS_1252: Self = Self(1252);
    /// UTF-8.
    pub const UTF_8: Self = Self(65001);

    /// The code page of this number, or `None` if there is no decoder for it.
    pub fn new(number: u32) -> Option<Self> {
        Some(Self(number))
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Decodes bytes; what is invalid becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self.0 {
            932 => encoding_rs::SHIFT_JIS.decode_without_bom_handling(bytes).0,
            65001 => String::from_utf8_lossy(bytes),
            _ => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
        }
    }

    /// Whether every byte sequence is valid in this code page.
    pub fn is_valid(self, bytes: &[u8]) -> bool {
        !self.decode(bytes).contains('\u{FFFD}')
    }
}
