//! HTML as plain text: what each element means for the layout.
//!
//! Knows elements and attributes; `layout` makes the lines.

use std::borrow::Cow;

use super::hidden::HiddenElements;
use super::layout::Layout;
use super::nested::Nested;
use super::rewrite::{Resolve, attachment_path};
use super::style_sheet::declarations;
use super::tokens::{HtmlToken, HtmlTokens, Tag};
use crate::body::link;
use crate::body::symbol_font::SymbolFont;

/// Makes readable plain text from HTML, with LF line ends.
///
/// Rows of a table become lines with a tab between cells; quotations begin with `> `, list items
/// with `- ` or their number; a link shows its URL in `<>` unless its text is the URL; a picture
/// shows its alternative text in `[]`, or else the name of its file, which `resolve` knows. Hidden
/// elements are left out. No two adjacent lines are blank.
pub fn to_text(html: &str, resolve: Resolve<'_>) -> String {
    read(html, resolve).finish()
}

/// Whether [`to_text`] leaves out marks of quotations, indentation or tabs, because they would take
/// more bytes than the document. The text has all words even then.
pub fn lacks_looks(html: &str) -> bool {
    !Layout::has_looks(html) && read(html, &|_| None).lacks_looks()
}

fn read(html: &str, resolve: Resolve<'_>) -> Layout {
    let mut reader = TextReader::new(html, resolve);
    for token in HtmlTokens::new(html) {
        reader.take(token);
    }
    reader.end_link();
    reader.layout.end_row();
    reader.layout
}

struct TextReader<'a> {
    html: &'a str,
    /// Gives the path of the attachment that a picture refers to.
    resolve: Resolve<'a>,
    layout: Layout,
    hidden: HiddenElements,
    /// The URL of the link that is open here.
    link: Option<Cow<'a, str>>,
    lists: Nested<List>,
    tables: Nested<OpenTable>,
    /// How many elements of preformatted text are open.
    preformatted: usize,
    /// Whether preformatted text has just begun: HTML ignores a line break at its start.
    begins_preformatted: bool,
    /// Whether a style sheet removes the margins of all paragraphs, as Outlook on the web does.
    tight_paragraphs: bool,
    /// Whether the paragraph has no margin.
    is_tight: bool,
    /// The `span` in a symbol font that is open, and the font.
    signs: Option<(SymbolFont, Span)>,
    /// The `span` in which Word puts the bullet or number of a list item.
    word_marker: Option<Span>,
}

/// How many `span` elements have been opened since a certain one, including it.
type Span = usize;

#[derive(Clone, Copy, Debug, Default)]
struct List {
    /// The number of the next item, if they have numbers.
    number: Option<i64>,
    /// The indentation around the list.
    indent_columns: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct OpenTable {
    /// Whether the row has a cell.
    has_cell: bool,
    /// Whether a cell of the row contains a table. Then the cells only arrange the page.
    is_layout: bool,
}

impl<'a> TextReader<'a> {
    fn new(html: &'a str, resolve: Resolve<'a>) -> Self {
        Self {
            html,
            resolve,
            layout: Layout::new(html.len()),
            hidden: HiddenElements::default(),
            link: None,
            lists: Nested::default(),
            tables: Nested::default(),
            preformatted: 0,
            begins_preformatted: false,
            tight_paragraphs: false,
            is_tight: false,
            signs: None,
            word_marker: None,
        }
    }

    fn take(&mut self, token: HtmlToken<'a>) {
        match token {
            HtmlToken::Start(tag) => {
                let after = self.html.get(tag.end()..).unwrap_or_default();
                if !self.hidden.start(&tag, after) {
                    self.start(&tag);
                }
            }
            HtmlToken::End(tag) => {
                if !self.hidden.end(&tag) {
                    self.end(&tag);
                }
            }
            HtmlToken::Raw(tag, content) if tag.is("style") => {
                self.style_sheet(content.text);
                self.hidden.style_sheet(&tag, content.text);
            }
            HtmlToken::Comment(source) => self.hidden.comment(source.text),
            HtmlToken::Instruction(_) | HtmlToken::Doctype(_) => {}
            HtmlToken::Text(_) | HtmlToken::Raw(..) if self.hidden.is_here() => {}
            HtmlToken::Text(text) if self.preformatted > 0 => {
                self.preformatted_text(text, htmlize::unescape);
            }
            HtmlToken::Text(text) => self.text(text),
            HtmlToken::Raw(tag, content) => match tag.name().as_bytes() {
                b"textarea" => self.preformatted_text(content.text, htmlize::unescape),
                b"xmp" | b"plaintext" => {
                    self.layout.line();
                    self.preformatted_text(content.text, Cow::Borrowed);
                    self.layout.line();
                }
                _ => {}
            },
        }
    }

    fn start(&mut self, tag: &Tag<'a>) {
        match tag.name().as_bytes() {
            b"br" => self.layout.line_break(),
            b"p" => self.begin_paragraph(tag),
            b"a" => self.begin_link(tag),
            b"img" => self.image(tag),
            b"span" | b"font" => self.begin_span(tag),
            b"table" => {
                self.layout.forget_row();
                self.layout.line();
                self.tables.push(OpenTable::default());
            }
            b"tr" => self.row(),
            b"td" | b"th" => self.cell(),
            b"ul" | b"ol" | b"menu" | b"dir" => self.begin_list(tag),
            b"li" => self.item(tag),
            b"blockquote" => self.layout.begin_quote(),
            b"pre" => {
                self.layout.blank_line();
                self.preformatted += 1;
                self.begins_preformatted = true;
            }
            b"hr" => {
                self.layout.line();
                self.layout.rule();
                self.layout.line();
            }
            b"q" => self.layout.text("\u{201C}"),
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"dl" => self.layout.blank_line(),
            name if is_block(name) => self.layout.line(),
            _ => {}
        }
    }

    fn end(&mut self, tag: &Tag<'a>) {
        match tag.name().as_bytes() {
            b"p" => self.end_paragraph(),
            b"a" => self.end_link(),
            b"span" | b"font" => self.end_span(),
            b"table" => self.end_table(),
            b"ul" | b"ol" | b"menu" | b"dir" => self.end_list(),
            b"blockquote" => self.layout.end_quote(),
            b"pre" => {
                self.layout.blank_line();
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            b"q" => self.layout.text("\u{201D}"),
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"dl" => self.layout.blank_line(),
            b"tr" => {
                self.layout.end_row();
                self.layout.line();
            }
            b"li" => self.layout.line(),
            name if is_block(name) => self.layout.line(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let text = &*htmlize::unescape(text);
        if self.signs.is_some() {
            self.characters(text);
            return;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let (plain, after) = rest.split_at(plain_length(rest));
            self.layout.text(plain);
            rest = self.special(after);
        }
    }

    /// Writes the first character of the text, which may need special care. Returns the rest.
    fn special<'t>(&mut self, text: &'t str) -> &'t str {
        let Some(first) = text.chars().next() else { return text };
        self.character(first);
        text.get(first.len_utf8()..).unwrap_or_default()
    }

    fn characters(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            rest = self.special(rest);
        }
    }

    fn character(&mut self, character: char) {
        match character {
            '\t' | '\n' | '\x0C' | '\r' | ' ' => self.layout.space(),
            NO_BREAK_SPACE if self.word_marker.is_some() => self.layout.space(),
            NO_BREAK_SPACE => self.layout.text(" "),
            // Soft hyphen, zero-width space, byte order mark: invisible.
            '\u{AD}' | '\u{200B}' | '\u{FEFF}' => {}
            _ => {
                let [code, high, ..] = u32::from(character).to_le_bytes();
                // A sign of a symbol font is one of the first 256 characters, or lies at U+F000 to
                // U+F0FF.
                let sign = (high == 0 || high == 0xF0)
                    .then(|| self.signs.and_then(|(font, _)| font.sign(code)))
                    .flatten();
                self.layout.text(sign.unwrap_or(character).encode_utf8(&mut [0; 4]));
            }
        }
    }

    fn preformatted_text(&mut self, text: &'a str, decode: fn(&'a str) -> Cow<'a, str>) {
        let mut text = text;
        if std::mem::take(&mut self.begins_preformatted) {
            text = text.strip_prefix('\r').unwrap_or(text);
            text = text.strip_prefix('\n').unwrap_or(text);
        }
        for line in text.split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            self.layout.text(&decode(content).replace(NO_BREAK_SPACE, " "));
            if content.len() < line.len() {
                self.layout.hard_line_break();
            }
        }
    }

    fn begin_paragraph(&mut self, tag: &Tag<'a>) {
        let class = tag.attribute("class").map_or("", |class| class.text);
        let style = tag.attribute("style").map_or("", |style| style.text);
        // Word's own styles, as MsoNormal, have no margins; its blank lines are paragraphs.
        self.is_tight =
            self.tight_paragraphs || class.trim_start().starts_with("Mso") || has_no_margin(style);
        self.end_paragraph();
    }

    fn end_paragraph(&mut self) {
        if self.is_tight { self.layout.line() } else { self.layout.blank_line() }
    }

    fn style_sheet(&mut self, css: &str) {
        self.tight_paragraphs |= css.split('}').filter_map(|rule| rule.split_once('{')).any(
            |(selectors, declarations)| {
                let mut selectors = selectors.split(',').map(str::trim);
                selectors.any(|name| name.eq_ignore_ascii_case("p")) && has_no_margin(declarations)
            },
        );
    }

    fn begin_link(&mut self, tag: &Tag<'a>) {
        self.end_link();
        let Some(href) = tag.attribute("href") else { return };
        let url = match htmlize::unescape_attribute(href.text.trim()) {
            url if url.contains(char::is_control) => Cow::Owned(url.replace(char::is_control, "")),
            url => url,
        };
        if !url.is_empty() && !HIDDEN_LINKS.iter().any(|start| link::starts_with(&url, start)) {
            self.link = Some(url);
            self.layout.mark();
        }
    }

    fn end_link(&mut self) {
        let Some(url) = self.link.take() else { return };
        let shown = self.layout.since_mark().trim();
        if shown.is_empty() {
            self.layout.space();
            self.layout.text(&format!("<{url}>"));
        } else if link::differs(shown, &url) {
            self.layout.append(&format!(" <{url}>"));
        }
    }

    fn image(&mut self, tag: &Tag<'a>) {
        let value = |name| tag.attribute(name).map_or("", |value| value.text.trim());
        let alternative = htmlize::unescape_attribute(value("alt"));
        let source = htmlize::unescape_attribute(value("src"));
        let shown = match alternative.trim() {
            // Outlook shows the file name too. Otherwise a message of only pictures would have no
            // text.
            "" => picture_name(&source, self.resolve),
            _ => alternative,
        };
        let words: Vec<&str> = shown.split_whitespace().collect();
        if !words.is_empty() {
            self.layout.text(&format!("[{}]", words.join(" ")));
        }
    }

    fn begin_span(&mut self, tag: &Tag<'a>) {
        let style = tag.attribute("style").map_or("", |style| style.text);
        match &mut self.word_marker {
            Some(open) => *open += 1,
            None => self.word_marker = style.contains("mso-list:Ignore").then_some(1),
        }
        match &mut self.signs {
            Some((_, open)) => *open += 1,
            None => {
                let face = tag.attribute("face").map(|face| face.text);
                let family = declarations(style).find(|(name, _)| *name == "font-family");
                let name = family.map(|(_, value)| value).or(face).unwrap_or_default();
                let name = name.split(',').next().unwrap_or_default();
                let font = SymbolFont::named(name.trim_matches(['"', '\'', ' ']).as_bytes());
                self.signs = font.map(|font| (font, 1));
            }
        }
    }

    fn end_span(&mut self) {
        self.word_marker = self.word_marker.and_then(|open| open.checked_sub(1)).filter(|n| *n > 0);
        self.signs = self.signs.map(|(font, open)| (font, open - 1)).filter(|(_, open)| *open > 0);
    }

    fn row(&mut self) {
        self.layout.row();
        if let Some(table) = self.tables.last_mut() {
            *table = OpenTable::default();
        }
    }

    fn cell(&mut self) {
        match self.tables.last_mut() {
            Some(OpenTable { has_cell: true, is_layout: false }) => self.layout.next_cell(),
            Some(OpenTable { has_cell: true, is_layout: true }) => self.layout.row(),
            Some(table) => table.has_cell = true,
            None => self.layout.line(),
        }
    }

    fn end_table(&mut self) {
        self.layout.end_row();
        self.tables.pop();
        if let Some(outer) = self.tables.last_mut() {
            outer.is_layout = true;
        }
        self.layout.line();
    }

    fn begin_list(&mut self, tag: &Tag<'a>) {
        self.layout.line();
        let first = tag.attribute("start").and_then(|start| start.text.trim().parse().ok());
        self.lists.push(List {
            number: tag.is("ol").then(|| first.unwrap_or(1)),
            indent_columns: self.layout.indent_columns(),
        });
    }

    fn end_list(&mut self) {
        self.layout.line();
        if let Some(list) = self.lists.pop() {
            self.layout.set_indent_columns(list.indent_columns);
        }
    }

    fn item(&mut self, tag: &Tag<'a>) {
        let list = self.lists.last_mut().copied().unwrap_or_default();
        let value = tag.attribute("value").and_then(|value| value.text.trim().parse().ok());
        let number = list.number.map(|number| value.unwrap_or(number));
        let marker = number.map_or("- ".to_owned(), |number| format!("{number}. "));
        self.layout.item(list.indent_columns, marker);
        if let Some(list) = self.lists.last_mut() {
            list.number = number.map(|number| number.saturating_add(1));
        }
    }
}

/// The file name of a picture. If the attachment is not found: the name at the start of the content
/// id, which the picture had when the mail was written.
fn picture_name<'s>(source: &'s str, resolve: Resolve<'_>) -> Cow<'s, str> {
    if let Some(path) = attachment_path(source, resolve) {
        let name = path.rsplit('/').next().unwrap_or_default();
        return Cow::Owned(name.to_owned());
    }
    match source.split_at_checked("cid:".len()) {
        Some((scheme, id)) if scheme.eq_ignore_ascii_case("cid:") => {
            Cow::Borrowed(id.split('@').next().unwrap_or_default())
        }
        _ => Cow::Borrowed(""),
    }
}

const NO_BREAK_SPACE: char = '\u{A0}';

/// Links that lead nowhere outside the document, or are its data.
const HIDDEN_LINKS: [&str; 4] = ["#", "javascript:", "data:", "about:"];

/// Whether an element only begins and ends a line.
fn is_block(name: &[u8]) -> bool {
    const BLOCKS: [&[u8]; 30] = [
        b"address",
        b"article",
        b"aside",
        b"body",
        b"caption",
        b"center",
        b"dd",
        b"details",
        b"dialog",
        b"div",
        b"dt",
        b"fieldset",
        b"figcaption",
        b"figure",
        b"footer",
        b"form",
        b"header",
        b"hgroup",
        b"html",
        b"legend",
        b"main",
        b"nav",
        b"noscript",
        b"optgroup",
        b"option",
        b"section",
        b"select",
        b"summary",
        b"textarea",
        b"thead",
    ];
    BLOCKS.binary_search(&name).is_ok()
}

/// The length of the text at the start that can be copied as it is: words with one blank between.
fn plain_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut length = 0;
    while let Some(found) = bytes.get(length..).and_then(|rest| rest.iter().position(is_special)) {
        length += found;
        // A blank between two words is copied; a blank at the start may have to be dropped.
        let is_between = length > 0 && bytes.get(length + 1).is_some_and(|next| !is_special(next));
        if bytes.get(length) != Some(&b' ') || !is_between {
            return length;
        }
        length += 1;
    }
    bytes.len()
}

/// Whether a byte is, or may begin, a character that is not copied as it is.
const fn is_special(byte: &u8) -> bool {
    // C2 A0 is a no-break space, C2 AD a soft hyphen; E2 80 8B and EF BB BF have no width.
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0C | 0xC2 | 0xE2 | 0xEF)
}

fn has_no_margin(style: &str) -> bool {
    declarations(style).any(|(name, value)| {
        let number = value.split(|c: char| !c.is_ascii_digit() && c != '.').next();
        matches!(name, "margin" | "margin-top" | "MARGIN" | "MARGIN-TOP")
            && number.and_then(|number| number.parse::<f32>().ok()) == Some(0.0)
    })
}

#[cfg(test)]
mod tests;
