//! Lays out plain text: words, lines, quotations, list items and cells.
//!
//! `Layout` collects what separates two pieces of text (`Separator`), and writes it only when the
//! second piece comes. So margins collapse, and the text does not end with blank lines. Knows no
//! HTML.

use super::rows::TableRow;

/// A text that is being laid out.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    /// How many more bytes may be written that are not in the document: marks of quotations,
    /// indentation, tabs and rulers.
    spare_bytes: usize,
    /// Whether some marks, indentation, tabs or rulers were left out.
    lacks_looks: bool,
    /// The table row that is being written, if its cells may have to be laid out side by side.
    row: Option<TableRow>,
    separator: Separator,
    /// Where the text of the last line begins after its prefix, if the line has text.
    line: Option<TextLine>,
    /// Whether there is a line above, and it has text.
    below_text: bool,
    quote_depth: usize,
    indent_columns: usize,
    /// A list item's bullet or number, which stands before its first text.
    marker: Option<String>,
    /// Whether anything was written since the cell or row began.
    cell_has_text: bool,
    /// Where the first text begins that was written since the last [`Layout::mark`].
    mark: Option<usize>,
    wants_mark: bool,
}

#[derive(Clone, Copy, Debug)]
struct TextLine {
    start: usize,
    content_start: usize,
}

/// What separates the next text from the last one.
#[derive(Clone, Copy, Debug, Default)]
struct Separator {
    /// 0: the same line; 1: a new line; 2: a blank line in between.
    lines: u8,
    /// The quotation around a blank line.
    quote_depth: usize,
    tabs: usize,
    space: bool,
}

const QUOTE: &str = "> ";
/// Deeper quotations and lists look like those of this depth, so that hostile nesting takes no
/// time.
const QUOTE_DEPTH_MAX: usize = 20;
const INDENT_COLUMNS_MAX: usize = 40;
const TABS_MAX: usize = 100;
/// The text may have this many bytes of marks, indentation, tabs and rulers, plus one for each byte
/// of the document.
const SPARE_BYTES: usize = 64 << 10;

/// What Outlook writes for a ruler.
const RULE: &str = "________________________________";

impl Layout {
    /// Begins the text of a document of this many bytes.
    pub(super) fn new(document_bytes: usize) -> Self {
        Self { spare_bytes: SPARE_BYTES + document_bytes, ..Self::default() }
    }

    /// Writes text that has no blanks or line breaks to collapse.
    pub(super) fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.write_separator();
            self.text.push_str(text);
        }
    }

    /// Writes a ruler.
    pub(super) fn rule(&mut self) {
        let length = self.spend(RULE.len()).max(1);
        self.text(RULE.get(..length).unwrap_or(RULE));
    }

    /// Adds a blank. It is not written at the start or end of a line, or beside another blank.
    pub(super) const fn space(&mut self) {
        self.separator.space = self.line.is_some();
    }

    /// Begins a new line, as after a paragraph without a margin.
    pub(super) fn line(&mut self) {
        // At the start of a cell, the text stays on the line of the cell before it.
        if self.separator.tabs == 0 || self.cell_has_text {
            self.add_lines(1);
        }
    }

    /// Leaves a blank line, as after a paragraph with a margin.
    pub(super) fn blank_line(&mut self) {
        if self.separator.tabs == 0 || self.cell_has_text {
            self.add_lines(2);
        }
    }

    /// Breaks the line: a second break leaves a blank one.
    pub(super) fn line_break(&mut self) {
        if self.separator.lines == 0 && self.line.is_some() {
            self.line()
        } else {
            self.blank_line()
        }
    }

    /// Ends the line as it is, as in preformatted text.
    pub(super) fn hard_line_break(&mut self) {
        self.write_separator();
        self.text.push('\n');
        self.line = None;
        self.below_text = true;
    }

    /// Begins a row of cells.
    pub(super) fn row(&mut self) {
        self.end_row();
        self.row = Some(TableRow::default());
        self.add_lines(1);
        self.separator.tabs = 0;
        self.cell_has_text = false;
    }

    /// Ends the row, and lays out its cells side by side.
    pub(super) fn end_row(&mut self) {
        let Some(row) = self.row.take().filter(|row| row.has_lines(&self.text)) else { return };
        self.end_line();
        match row.lay_out(&mut self.text, self.spare_bytes) {
            Some(grown) => {
                self.spare_bytes -= grown;
                self.below_text = !self.text.ends_with("\n\n");
                // The layout has moved the text, so a remembered position is wrong.
                (self.mark, self.wants_mark) = (None, false);
            }
            None => self.lacks_looks = true,
        }
    }

    /// Leaves the cells of the row as they were written, because one of them contains a table.
    pub(super) fn forget_row(&mut self) {
        self.row = None;
    }

    /// Begins another cell in the row.
    pub(super) fn next_cell(&mut self) {
        if self.cell_has_text {
            self.separator = Separator::default();
        }
        self.separator.tabs = (self.separator.tabs + 1).min(TABS_MAX);
        self.cell_has_text = false;
        self.row = self.row.take().and_then(TableRow::with_next_cell);
    }

    /// Begins a quotation.
    pub(super) fn begin_quote(&mut self) {
        self.blank_line();
        self.quote_depth += 1;
    }

    /// Ends a quotation.
    pub(super) fn end_quote(&mut self) {
        self.blank_line();
        self.quote_depth = self.quote_depth.saturating_sub(1);
    }

    /// Begins a list item: its marker (bullet or number) stands at `indent_columns`, its text after
    /// the marker.
    pub(super) fn item(&mut self, indent_columns: usize, marker: String) {
        self.line();
        self.indent_columns = indent_columns + marker.chars().count();
        self.marker = Some(marker);
    }

    /// The columns the text is indented by.
    pub(super) const fn indent_columns(&self) -> usize {
        self.indent_columns
    }

    /// Goes back to an indentation.
    pub(super) fn set_indent_columns(&mut self, columns: usize) {
        self.indent_columns = columns;
        self.marker = None;
    }

    /// Remembers where the next text begins.
    pub(super) const fn mark(&mut self) {
        self.mark = None;
        self.wants_mark = true;
    }

    /// The text written since the mark.
    pub(super) fn since_mark(&self) -> &str {
        self.mark.and_then(|mark| self.text.get(mark..)).unwrap_or_default()
    }

    /// Writes text directly after the last one, before the separator.
    pub(super) fn append(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Whether marks of quotations, indentation, tabs or rulers were left out.
    pub(super) const fn lacks_looks(&self) -> bool {
        self.lacks_looks
    }

    /// Whether a document is so short that no marks can be left out: even if each tag and each line
    /// took the most, they would fit into [`SPARE_BYTES`]. Then `lacks_looks` need not make the
    /// text.
    pub(super) fn has_looks(document: &str) -> bool {
        let places = memchr::memchr2_iter(b'<', b'\n', document.as_bytes()).count();
        let most = QUOTE.len() * QUOTE_DEPTH_MAX + INDENT_COLUMNS_MAX + TABS_MAX + RULE.len();
        places.saturating_mul(most) <= SPARE_BYTES
    }

    /// The text, with a line break at its end.
    pub(super) fn finish(mut self) -> String {
        self.end_row();
        self.end_line();
        while self.text.ends_with("\n\n") {
            self.text.pop();
        }
        self.text
    }

    fn add_lines(&mut self, lines: u8) {
        let quote_depth =
            if self.separator.lines == 0 { usize::MAX } else { self.separator.quote_depth };
        self.separator.quote_depth = quote_depth.min(self.quote_depth);
        self.separator.lines = self.separator.lines.max(lines);
        self.separator.space = false;
    }

    /// Writes what separates the last text from the next one.
    fn write_separator(&mut self) {
        let separator = std::mem::take(&mut self.separator);
        if separator.lines > 0 {
            self.end_line();
        }
        if separator.lines > 1 && self.below_text {
            self.push_quote(separator.quote_depth.min(self.quote_depth));
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.text.push('\n');
            self.below_text = false;
        }
        match self.line {
            None => self.begin_line(),
            Some(line) if separator.tabs > 0 => self.trim_line(line, &[' ']),
            Some(_) if separator.space => self.text.push(' '),
            Some(_) => {}
        }
        let end = self.text.len();
        let tabs = self.spend(separator.tabs).max(separator.tabs.min(1));
        self.text.extend(std::iter::repeat_n('\t', tabs));
        if let (Some(row), Some(line)) = (&mut self.row, self.line) {
            row.text_begins(line.start, line.content_start, end, self.text.len());
        }
        // An item at the start of a cell begins no line.
        self.text.push_str(&self.marker.take().unwrap_or_default());
        self.cell_has_text = true;
        if std::mem::take(&mut self.wants_mark) {
            self.mark = Some(self.text.len());
        }
    }

    fn begin_line(&mut self) {
        let start = self.text.len();
        self.push_quote(self.quote_depth);
        let marker = self.marker.take().unwrap_or_default();
        let indent_columns = self.indent_columns.min(INDENT_COLUMNS_MAX);
        let blanks = self.spend(indent_columns.saturating_sub(marker.chars().count()));
        self.text.extend(std::iter::repeat_n(' ', blanks));
        self.line = Some(TextLine { start, content_start: self.text.len() });
        self.text.push_str(&marker);
    }

    fn push_quote(&mut self, depth: usize) {
        let marks = self.spend(QUOTE.len() * depth.min(QUOTE_DEPTH_MAX)) / QUOTE.len();
        self.text.extend(std::iter::repeat_n(QUOTE, marks));
    }

    /// Takes `bytes` from the spare bytes; returns 0 if there are not enough. So a document that
    /// was made to become huge keeps its text but loses its layout.
    const fn spend(&mut self, bytes: usize) -> usize {
        match self.spare_bytes.checked_sub(bytes) {
            Some(rest) => {
                self.spare_bytes = rest;
                bytes
            }
            None => {
                self.lacks_looks = true;
                0
            }
        }
    }

    /// Ends the line, if there is one. Of several blank lines, only the first stays.
    fn end_line(&mut self) {
        let Some(line) = self.line.take() else { return };
        let content = self.text.get(line.content_start..).unwrap_or_default();
        let is_blank = content.trim_matches([' ', '\t']).is_empty();
        if is_blank && !self.below_text {
            self.text.truncate(line.start);
            return;
        }
        self.trim_line(line, &[' ', '\t']);
        self.text.push('\n');
        self.below_text = !is_blank;
    }

    fn trim_line(&mut self, line: TextLine, blanks: &[char]) {
        let kept = self.text.get(line.start..).unwrap_or_default().trim_end_matches(blanks);
        self.text.truncate(line.start + kept.len());
    }
}
