//! The HTML that Outlook and Exchange encapsulate in RTF (\[MS-OXRTFEX\]).
//!
//! Knows no HTML: tags and text come out as they were put in.

use super::reader::{Destination, Writer, read};

/// De-encapsulates the HTML of an RTF, as UTF-8 (\[MS-OXRTFEX\] 2.2.3); lines end with CRLF.
///
/// A charset declared inside still names the encoding of before; see
/// [`rewrite`](crate::body::html::rewrite).
pub fn to_html(rtf: &[u8]) -> String {
    let mut html = read(rtf, Html::default()).html;
    if html.contains('\0') {
        html.retain(|character| character != '\0');
    }
    html
}

#[derive(Default)]
struct Html {
    html: String,
}

impl Writer for Html {
    const SHOWS_SIGNS: bool = false;

    fn destination(&self, word: &[u8]) -> Option<Destination> {
        match word {
            b"htmltag" => Some(Destination::Markup),
            // Repeats the bullet or number of a list item, outside `\htmlrtf`.
            b"pntext" => Some(Destination::Skipped),
            _ => None,
        }
    }

    fn text(&mut self, _: Destination, text: &str) {
        self.html.push_str(text);
    }

    fn word(&mut self, _: Destination, word: &[u8]) {
        self.html.push_str(match word {
            b"par" | b"line" => "\r\n",
            b"tab" => "\t",
            b"lquote" => "&lsquo;",
            b"rquote" => "&rsquo;",
            b"ldblquote" => "&ldquo;",
            b"rdblquote" => "&rdquo;",
            b"bullet" => "&bull;",
            b"endash" => "&ndash;",
            b"emdash" => "&mdash;",
            _ => "",
        });
    }

    fn symbol(&mut self, _: Destination, symbol: u8) {
        self.html.push_str(match symbol {
            b'~' => "&nbsp;",
            b'_' => "&shy;",
            b'\r' | b'\n' => "\r\n",
            b'\t' => "\t",
            _ => "",
        });
    }

    fn open(&mut self, _: Destination) {}

    fn close(&mut self, _: Destination) {}
}
