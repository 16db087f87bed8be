//! Joins the lines of a text that its sender broke to be joined again (`format=flowed`, RFC 3676).

/// The line before a signature, which ends with a blank and is not joined.
const SIGNATURE: &str = "-- ";

/// A line: how deep it is quoted, its text, and its line end.
struct Line<'a> {
    depth: usize,
    text: &'a str,
    end: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let text = line.trim_end_matches(['\r', '\n']);
        let end = line.get(text.len()..).unwrap_or_default();
        let unquoted = text.trim_start_matches('>');
        let depth = text.len() - unquoted.len();
        // Senders put a blank before lines that begin with a blank, `>` or `From `.
        let text = unquoted.strip_prefix(' ').unwrap_or(unquoted);
        Self { depth, text, end }
    }

    /// Whether it is joined to a line before it. An empty line ends a paragraph, also if a program
    /// has left a blank before it.
    fn is_joined(&self) -> bool {
        !self.text.is_empty() && self.text != SIGNATURE
    }
}

/// The text with its lines joined. With `deletes_blank` (`delsp=yes`), the blank at the end of a
/// joined line is not part of the text.
pub(super) fn joined(text: &str, deletes_blank: bool) -> String {
    let mut output = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').map(Line::of).peekable();
    let mut continues = false;
    while let Some(Line { depth, text, end }) = lines.next() {
        if !continues && depth > 0 {
            output.extend(std::iter::repeat_n('>', depth));
            output.push(' ');
        }
        continues = text.ends_with(' ')
            && text != SIGNATURE
            && lines.peek().is_some_and(|next| next.depth == depth && next.is_joined());
        match text.strip_suffix(' ') {
            Some(text) if continues && deletes_blank => output.push_str(text),
            _ => output.push_str(text),
        }
        if !continues {
            output.push_str(end);
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn lines_are_joined_as_rfc_3676_has_it() {
        let check = |text: &str, expected: &str| assert_eq!(joined(text, false), expected);
        check("one \r\ntwo\r\nthree", "one two\r\nthree");
        check(" From me\n  two\n", "From me\n two\n");
        check("> a \n> b\n>> c\n", "> a b\n>> c\n");
        check("> a \nb\n", "> a \nb\n");
        check("end \n-- \nAnn \nLee\n", "end \n-- \nAnn Lee\n");
        check("last ", "last ");
        check("", "");
        check(">\n\n", "> \n\n");
        assert_eq!(joined("\u{65E5} \n\u{672C}\n", true), "\u{65E5}\u{672C}\n");
        assert_eq!(joined("a  \nb \n\n", true), "a b \n\n");
    }
}
