//! Lays out the row of a table: the lines of its cells side by side.
//!
//! `Layout` writes the text cell after cell. If a cell has several lines, the row is laid out
//! afterwards: the first lines of all cells become its first line, their second lines its second,
//! and so on, with tabs between the cells.

use std::ops::Range;

/// The places of the cells of a row in the text.
#[derive(Debug, Default)]
pub(super) struct TableRow {
    /// The prefix of the first line: marks of quotations and indentation. The row begins with it.
    prefix: Range<usize>,
    /// The cells that have text.
    cells: Vec<TableCell>,
    column: usize,
}

#[derive(Debug)]
struct TableCell {
    column: usize,
    place: Range<usize>,
}

/// A row with more cells is not laid out.
const COLUMNS_MAX: usize = 100;

impl TableRow {
    /// Begins another cell; `None` if there are too many.
    pub(super) fn with_next_cell(mut self) -> Option<Self> {
        self.column += 1;
        (self.column < COLUMNS_MAX).then_some(self)
    }

    /// Notes that text of the cell begins at `start`. Its line begins at `line`, and the content of
    /// the line, after the prefix, at `content`. The text before ends at `end`.
    pub(super) fn text_begins(&mut self, line: usize, content: usize, end: usize, start: usize) {
        match self.cells.last_mut() {
            None => {
                self.prefix = line..content;
                // The marker of a list item belongs to the first cell, even if that cell has no
                // text.
                if self.column > 0 && end > content {
                    self.cells.push(TableCell { column: 0, place: content..end });
                }
                let start = if self.column > 0 { start } else { content };
                self.cells.push(TableCell { column: self.column, place: start..usize::MAX });
            }
            Some(cell) if cell.column < self.column => {
                cell.place.end = end;
                self.cells.push(TableCell { column: self.column, place: start..usize::MAX });
            }
            Some(_) => {}
        }
    }

    /// Whether there is something to lay out: several cells, one of them with several lines.
    pub(super) fn has_lines(&self, text: &str) -> bool {
        let begin = self.prefix.start;
        self.cells.len() > 1 && text.get(begin..).is_some_and(|row| row.contains('\n'))
    }

    /// Lays out the row, which ends the text and has a line break at its end. Returns by how many
    /// bytes the text grew. If that would be more than `spare_bytes`, changes nothing and returns
    /// `None`.
    pub(super) fn lay_out(&self, text: &mut String, spare_bytes: usize) -> Option<usize> {
        let prefix = text.get(self.prefix.clone())?.to_owned();
        let row = text.get(self.prefix.start..)?;
        let mut cells = Vec::with_capacity(self.cells.len());
        for cell in &self.cells {
            let end = cell.place.end.min(text.len());
            let content = text.get(cell.place.start..end)?;
            cells.push((cell.column, content.trim_end_matches('\n').split('\n')));
        }
        let line_count = cells.iter().map(|(_, lines)| lines.clone().count()).max()?;
        let longest = row.len() + line_count * (prefix.len() + self.column + 1);
        let mut laid_out = String::with_capacity(row.len());
        if longest.saturating_sub(row.len()) > spare_bytes {
            return None;
        }
        for index in 0..line_count {
            let begin = laid_out.len();
            laid_out.push_str(&prefix);
            let mut column = 0;
            for (cell_column, lines) in &mut cells {
                let line = lines.next().unwrap_or_default();
                // Each line of a cell but the first begins with the prefix of the row.
                let inner = line.strip_prefix(&*prefix).filter(|_| index > 0);
                let line =
                    inner.unwrap_or(if index > 0 && is_blank(line, &prefix) { "" } else { line });
                if !line.is_empty() {
                    laid_out.extend(std::iter::repeat_n('\t', *cell_column - column));
                    laid_out.push_str(line);
                    column = *cell_column;
                }
            }
            let kept =
                laid_out.get(begin..).unwrap_or_default().trim_end_matches([' ', '\t']).len();
            laid_out.truncate(begin + kept);
            laid_out.push('\n');
        }
        let grown = laid_out.len().saturating_sub(row.len());
        text.truncate(self.prefix.start);
        text.push_str(&laid_out);
        Some(grown)
    }
}

/// Whether a line has no text: only the prefix, without the blanks at its end.
fn is_blank(line: &str, prefix: &str) -> bool {
    line == prefix.trim_end_matches(' ')
}

#[cfg(test)]
mod tests {
    use super::super::to_text;

    fn check(html: &str, expected: &str) {
        assert_eq!(to_text(html, &|_| None), expected, "{html}");
    }

    #[test]
    fn cells_of_many_lines_lie_beside_the_others() {
        check("<table><tr><td>a<td>b<br>c<td>d<tr><td>e<td>f</table>g", "a\tb\td\n\tc\ne\tf\ng\n");
        check("<table><tr><td>a<br>b<td>c</table>", "a\tc\nb\n");
        check("<table><tr><td>a<br>b<td>c<br>d<br>e</table>", "a\tc\nb\td\n\te\n");
        check("<table><tr><td><td>a<br>b<td><td>c</table>", "\ta\t\tc\n\tb\n");
        // Empty cells around text are there for the looks.
        check("<table><tr><td><td>a<br>b<td></table>", "\ta\nb\n");
        check("<table><tr><td>a<p>b</p>c<td>d<br>e</table>f", "a\td\n\te\nb\n\nc\nf\n");
        check("<table><tr><td>a<td><ul><li>b<li>c</ul><td>d</table>", "a\t- b\td\n\t- c\n");
    }

    #[test]
    fn rows_lie_in_quotations_and_lists() {
        check(
            "<blockquote><table><tr><td>a<br><br>b<td>c</table></blockquote>d",
            "> a\tc\n>\n> b\n\nd\n",
        );
        check("<ul><li><table><tr><td>a<br>b<td>c</table></ul>", "- a\tc\n  b\n");
    }

    #[test]
    fn a_row_with_a_table_in_it_is_for_the_looks() {
        check(
            "<table><tr><td>a<br>b<td>c<table><tr><td>d<br>e<td>f</table>g<td>h</table>",
            "a\nb\tc\nd\tf\ne\ng\nh\n",
        );
    }

    #[test]
    fn links_across_cells() {
        check("<table><tr><td>a<br>b<td><a href=x>c</table>d</a>", "a\tc\nb\nd <x>\n");
    }
}
