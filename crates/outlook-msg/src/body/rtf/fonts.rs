//! The font table of a document: which code page each `\fN` means.
//!
//! Knows nothing of the text that is set in the fonts.

use std::collections::HashMap;

use super::charset;
use crate::body::symbol_font::SymbolFont;
use crate::mapi::CodePage;

/// How bytes of text in a font are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Font {
    /// The code page; `None` for that of the document.
    pub(super) page: Option<CodePage>,
    /// Set for a font that shows signs in place of letters.
    pub(super) symbols: Option<SymbolFont>,
}

/// The fonts by number, and the one that is being described.
#[derive(Debug, Default)]
pub(super) struct Fonts {
    fonts: HashMap<i32, Font>,
    number: i32,
    font: Font,
    name: Vec<u8>,
}

/// Fonts have numbers of 16 bits. In a hostile document every few bytes can be another number.
const FONTS_MAX: usize = 1 << 16;
/// Longer names are not read: a name is needed only to recognise a symbol font.
const NAME_BYTES_MAX: usize = 32;

impl Fonts {
    pub(super) fn get(&self, number: i32) -> Font {
        self.fonts.get(&number).copied().unwrap_or_default()
    }

    /// Takes a control word of the font table.
    pub(super) fn word(&mut self, word: &[u8], parameter: Option<i32>) {
        let number = parameter.unwrap_or(0);
        match word {
            b"f" => {
                // A font without `\fcharset` also replaces an earlier font of the same number.
                (self.number, self.font) = (number, Font::default());
                self.name.clear();
            }
            b"fcharset" => self.font.page = charset::code_page(number),
            b"cpg" => self.font.page = charset::ansi_code_page(number),
            _ => return,
        }
        self.keep();
    }

    /// Takes text of the font table: the name of the font, ended by a semicolon.
    pub(super) fn text(&mut self, text: &[u8]) {
        for byte in text {
            if *byte == b';' {
                self.font.symbols = SymbolFont::named(self.name.trim_ascii());
                self.name.clear();
                self.keep();
            } else if self.name.len() <= NAME_BYTES_MAX {
                self.name.push(*byte);
            }
        }
    }

    fn keep(&mut self) {
        if self.fonts.len() < FONTS_MAX || self.fonts.contains_key(&self.number) {
            self.fonts.insert(self.number, self.font);
        }
    }
}
