//! Reads RTF: groups, destinations, fonts and characters. An [`RtfWriter`] decides what becomes of
//! the text.
//!
//! Knows neither HTML nor the layout of plain text.

use super::charset::{TextRun, ansi_code_page};
use super::fonts::{Font, Fonts};
use super::tokens::{RtfToken, RtfTokens};
use crate::body::symbol_font::SymbolFont;
use crate::mapi::CodePage;

/// Where the text of a group goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RtfDestination {
    /// The text of the document.
    Document,
    /// HTML in an `\htmltag`.
    Markup,
    /// A field. Its instruction and its result are groups inside.
    Field,
    /// What a field does, as `HYPERLINK "..."`.
    FieldInstruction,
    /// What a field shows.
    FieldResult,
    /// The font table.
    FontTable,
    /// Nowhere; but groups inside may have a destination that is shown.
    Hidden,
    /// Nowhere, and neither do the groups inside.
    Skipped,
}

/// Receives the content of a document and makes text or HTML of it.
pub(super) trait RtfWriter {
    /// Whether formatting counts: symbol fonts show signs, and hidden text is left out. For
    /// encapsulated HTML it does not count, because the tags repeat it.
    const RENDERS: bool;

    /// How many bytes were made so far.
    fn len(&self) -> usize;

    /// The destination for a group that begins with this word, if the writer treats it in its own
    /// way.
    fn destination(&self, word: &[u8]) -> Option<RtfDestination>;
    /// Takes text.
    fn text(&mut self, destination: RtfDestination, text: &str);
    /// Takes a control word that is not about fonts or groups.
    fn word(&mut self, destination: RtfDestination, word: &[u8]);
    /// Takes a control symbol.
    fn symbol(&mut self, destination: RtfDestination, symbol: u8);
    /// Called when a group with a destination of its own begins.
    fn open(&mut self, destination: RtfDestination);
    /// Called when that group ends.
    fn close(&mut self, destination: RtfDestination);
}

/// Reads a document into a writer, until that has made `bytes_max` bytes. Returns the writer, and
/// whether the whole document was read.
pub(super) fn read<W: RtfWriter>(rtf: &[u8], writer: W, bytes_max: usize) -> (W, bool) {
    let mut reader = RtfReader::new(rtf, writer);
    while reader.writer.len() < bytes_max {
        match reader.tokens.next() {
            Some(token) => reader.token(token),
            None => return (reader.finish(), true),
        }
    }
    let is_whole = reader.tokens.next().is_none();
    (reader.finish(), is_whole)
}

/// The state of deeper groups is not saved: they share the state of the deepest one.
const DEPTH_MAX: usize = 1_000;

/// What a group inherits, and restores at its end.
#[derive(Clone, Copy)]
struct RtfState {
    destination: RtfDestination,
    /// Whether this group has set the destination, so that the destination ends with it.
    begins: bool,
    /// Whether the text is between `\htmlrtf` and `\htmlrtf0`: it is for readers of RTF, and not
    /// part of the HTML.
    htmlrtf: bool,
    /// Hidden text, `\v`.
    hidden: bool,
    font: Font,
    /// How many characters after a `\u` repeat it for readers without Unicode (`\uc`).
    fallback_count: u32,
}

struct RtfReader<'a, W> {
    tokens: RtfTokens<'a>,
    writer: W,
    state: RtfState,
    outer: Vec<RtfState>,
    /// How many groups are open beyond [`DEPTH_MAX`].
    unsaved: usize,
    fonts: Fonts,
    default_font: i32,
    default_page: CodePage,
    run: TextRun,
    /// The first half of a surrogate pair.
    high_surrogate: Option<u16>,
    /// How many characters are still to be skipped, because a `\u` said the same.
    skip_count: u32,
}

impl<'a, W: RtfWriter> RtfReader<'a, W> {
    fn new(rtf: &'a [u8], writer: W) -> Self {
        let state = RtfState {
            destination: RtfDestination::Document,
            begins: false,
            htmlrtf: false,
            hidden: false,
            font: Font::default(),
            fallback_count: 1,
        };
        Self {
            tokens: RtfTokens::new(rtf),
            writer,
            state,
            outer: Vec::new(),
            unsaved: 0,
            fonts: Fonts::default(),
            default_font: 0,
            default_page: CodePage::WINDOWS_1252,
            run: TextRun::new(),
            high_surrogate: None,
            skip_count: 0,
        }
    }

    fn finish(mut self) -> W {
        self.flush();
        while !self.outer.is_empty() {
            self.close();
        }
        self.writer
    }

    fn token(&mut self, token: RtfToken<'a>) {
        match token {
            RtfToken::Text(text) => self.text(text),
            RtfToken::Open => self.open(),
            RtfToken::Close => self.close(),
            RtfToken::Hex(byte) => {
                if !self.skips() {
                    self.byte(byte);
                }
            }
            // The second byte of a double-byte character may be one that RTF escapes.
            RtfToken::Symbol(byte @ (b'{' | b'}' | b'\\')) => {
                if !self.skips() {
                    self.text(&[byte]);
                }
            }
            RtfToken::Symbol(symbol) => {
                if !self.skips() {
                    self.flush();
                    if self.is_visible() {
                        self.writer.symbol(self.state.destination, symbol);
                    }
                }
            }
            RtfToken::Word(word, parameter) => {
                if !self.skips() {
                    self.word(word, parameter);
                }
            }
            RtfToken::Binary => {
                self.skips();
            }
        }
    }

    /// Counts a token as one of the characters to skip, if any are left.
    const fn skips(&mut self) -> bool {
        let skips = self.skip_count > 0;
        self.skip_count = self.skip_count.saturating_sub(1);
        skips
    }

    fn open(&mut self) {
        self.flush();
        self.skip_count = 0;
        if self.outer.len() < DEPTH_MAX {
            self.outer.push(self.state);
            self.state.begins = false;
        } else {
            self.unsaved += 1;
        }
        let mut ahead = self.tokens.clone();
        let mut first = ahead.next();
        let starred = first == Some(RtfToken::Symbol(b'*'));
        if starred {
            first = ahead.next();
        }
        let Some(RtfToken::Word(word, _)) = first else {
            if starred {
                self.begin(RtfDestination::Skipped);
            }
            return;
        };
        let known = self.writer.destination(word).or_else(|| destination(word));
        match known {
            Some(destination) => {
                self.tokens = ahead;
                self.begin(destination);
            }
            None if starred => self.begin(RtfDestination::Skipped),
            None => {}
        }
    }

    /// Makes this the destination of the group just opened.
    fn begin(&mut self, destination: RtfDestination) {
        if destination == RtfDestination::Skipped {
            self.tokens.skip_group();
            self.close();
        } else if self.unsaved == 0 {
            self.state.destination = destination;
            self.state.begins = true;
            self.writer.open(destination);
        }
    }

    fn close(&mut self) {
        self.flush();
        self.skip_count = 0;
        if self.unsaved > 0 {
            self.unsaved -= 1;
        } else if let Some(outer) = self.outer.pop() {
            if self.state.begins {
                self.writer.close(self.state.destination);
            }
            self.state = outer;
        }
    }

    fn is_visible(&self) -> bool {
        let nowhere =
            matches!(self.state.destination, RtfDestination::Hidden | RtfDestination::FontTable);
        !(nowhere || self.state.htmlrtf || W::RENDERS && self.state.hidden)
    }

    fn word(&mut self, word: &[u8], parameter: Option<i32>) {
        if word == b"u" {
            self.unicode(parameter.unwrap_or(0));
            return;
        }
        self.flush();
        if self.state.destination == RtfDestination::FontTable {
            self.fonts.word(word, parameter);
            return;
        }
        let number = parameter.unwrap_or(0);
        match word {
            b"htmlrtf" => self.state.htmlrtf = parameter != Some(0),
            b"f" => self.state.font = self.fonts.get(number),
            b"plain" => {
                self.state.font = self.fonts.get(self.default_font);
                self.state.hidden = false;
            }
            b"v" => self.state.hidden = parameter != Some(0),
            b"uc" => self.state.fallback_count = u32::try_from(number).unwrap_or(0),
            b"deff" => self.default_font = number,
            b"ansicpg" => {
                self.default_page = ansi_code_page(number).unwrap_or(self.default_page);
            }
            b"mac" => self.default_page = CodePage::new(10000).unwrap_or(self.default_page),
            b"pc" => self.default_page = CodePage::new(437).unwrap_or(self.default_page),
            b"pca" => self.default_page = CodePage::new(850).unwrap_or(self.default_page),
            _ if self.is_visible() => self.writer.word(self.state.destination, word),
            _ => {}
        }
    }

    /// Takes a `\uN`: a UTF-16 unit as a signed number. Its fallback characters follow.
    fn unicode(&mut self, number: i32) {
        self.skip_count = self.state.fallback_count;
        if !self.is_visible() {
            return;
        }
        self.flush_run();
        let [low, high, ..] = number.to_le_bytes();
        let unit = u16::from_le_bytes([low, high]);
        if let Some(high) = self.high_surrogate.take() {
            if let Some(Ok(pair)) = char::decode_utf16([high, unit]).next() {
                self.character(pair);
                return;
            }
            self.character(char::REPLACEMENT_CHARACTER);
        }
        match char::from_u32(u32::from(unit)) {
            Some(character) => self.character(character),
            None if unit < 0xDC00 => self.high_surrogate = Some(unit),
            None => self.character(char::REPLACEMENT_CHARACTER),
        }
    }

    fn character(&mut self, character: char) {
        let sign = match u32::from(character) {
            // Word maps the bytes of a symbol font to these code points.
            code @ 0xF020..=0xF0FF => {
                let [byte, ..] = code.to_le_bytes();
                self.symbols().and_then(|font| font.sign(byte))
            }
            _ => None,
        };
        let mut bytes = [0; 4];
        let text = sign.unwrap_or(character).encode_utf8(&mut bytes);
        self.writer.text(self.state.destination, text);
    }

    /// Takes bytes of text.
    fn text(&mut self, text: &[u8]) {
        let skipped = usize::try_from(self.skip_count).unwrap_or(usize::MAX).min(text.len());
        self.skip_count -= u32::try_from(skipped).unwrap_or(self.skip_count);
        let mut text = text.get(skipped..).unwrap_or_default();
        if self.state.destination == RtfDestination::FontTable {
            self.fonts.text(text);
        }
        if text.is_empty() || !self.is_visible() {
            return;
        }
        if self.run.wants_trail()
            && let Some((trail, after)) = text.split_first()
        {
            self.run.push(*trail);
            text = after;
        }
        if self.symbols().is_none() && text.is_ascii() {
            self.flush();
            // ASCII bytes are UTF-8.
            self.writer.text(self.state.destination, str::from_utf8(text).unwrap_or_default());
        } else {
            for byte in text {
                self.byte(*byte);
            }
        }
    }

    /// Takes one byte of text, which may be half of a double-byte character.
    fn byte(&mut self, byte: u8) {
        if !self.is_visible() {
            return;
        }
        if let Some(sign) = self.symbols().and_then(|font| font.sign(byte)) {
            self.flush();
            self.character(sign);
            return;
        }
        if self.run.is_empty() {
            self.flush();
            let page = match self.state.destination {
                RtfDestination::Markup => None,
                _ => self.state.font.page,
            };
            self.run.begin(page.unwrap_or(self.default_page));
        }
        self.run.push(byte);
        if self.run.is_full() {
            self.flush_run();
        }
    }

    fn symbols(&self) -> Option<SymbolFont> {
        self.state.font.symbols.filter(|_| W::RENDERS)
    }

    /// Hands over what is still in pieces.
    fn flush(&mut self) {
        self.flush_run();
        if self.high_surrogate.take().is_some() {
            self.character(char::REPLACEMENT_CHARACTER);
        }
    }

    fn flush_run(&mut self) {
        if !self.run.is_empty() {
            self.writer.text(self.state.destination, &self.run.decode());
            self.run.clear();
        }
    }
}

/// The destination for a group that begins with this word, the same for every writer.
fn destination(word: &[u8]) -> Option<RtfDestination> {
    match word {
        b"fonttbl" => Some(RtfDestination::FontTable),
        b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" | b"header" | b"headerl"
        | b"headerr" | b"headerf" | b"footer" | b"footerl" | b"footerr" | b"footerf"
        | b"ftnsep" | b"ftnsepc" | b"ftncn" | b"aftnsep" | b"aftnsepc" | b"aftncn" | b"filetbl"
        | b"xe" | b"tc" | b"tcn" | b"nonshppict" | b"private" | b"template" | b"pnseclvl" => {
            Some(RtfDestination::Skipped)
        }
        _ => None,
    }
}
