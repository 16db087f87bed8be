//! The HTML that Outlook and Exchange encapsulate in RTF (\[MS-OXRTFEX\]).
//!
//! Does not interpret the HTML: tags and text come out as the writer put them in.

use super::reader::{RtfDestination, RtfWriter, read};
use super::{MadeOfRtf, capacity};

/// De-encapsulates the HTML of an RTF, as UTF-8 (\[MS-OXRTFEX\] 2.2.3); lines end with CRLF.
///
/// A charset that the HTML declares is that of the original document, not UTF-8;
/// [`rewrite`](crate::body::html::rewrite) changes it. The HTML ends soon after it has `bytes_max`
/// bytes.
pub fn to_html(rtf: &[u8], bytes_max: usize) -> MadeOfRtf {
    let html = Html { html: String::with_capacity(capacity(rtf, bytes_max)) };
    let (writer, is_whole) = read(rtf, html, bytes_max);
    MadeOfRtf::new(writer.html, is_whole)
}

struct Html {
    html: String,
}

impl RtfWriter for Html {
    const RENDERS: bool = false;

    fn len(&self) -> usize {
        self.html.len()
    }

    fn destination(&self, word: &[u8]) -> Option<RtfDestination> {
        match word {
            b"htmltag" => Some(RtfDestination::Markup),
            // `\pntext` repeats the bullet or number of a list item, although it is not inside
            // `\htmlrtf`.
            b"pntext" => Some(RtfDestination::Skipped),
            _ => None,
        }
    }

    fn text(&mut self, _: RtfDestination, text: &str) {
        self.html.push_str(text);
    }

    fn word(&mut self, _: RtfDestination, word: &[u8]) {
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

    fn symbol(&mut self, _: RtfDestination, symbol: u8) {
        self.html.push_str(match symbol {
            b'~' => "&nbsp;",
            b'_' => "&shy;",
            b'\r' | b'\n' => "\r\n",
            b'\t' => "\t",
            _ => "",
        });
    }

    fn open(&mut self, _: RtfDestination) {}

    fn close(&mut self, _: RtfDestination) {}
}

#[cfg(test)]
mod tests {
    fn to_html(rtf: &[u8]) -> String {
        let made = super::to_html(rtf, usize::MAX);
        assert!(made.is_whole);
        made.text
    }

    const HEADER: &str = "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0\\fswiss Arial;}\
        {\\f1\\fmodern\\fcharset128 MS Gothic;}{\\f2\\fcharset204 Arial;}{\\f3\\fcharset2 Symbol;}\
        {\\f4\\fcharset134 SimSun;}{\\f5\\fcharset1 X;}{\\f6\\fcharset1252 Y;}}\r\n\
        {\\colortbl\\red0\\green0\\blue0;}\r\n\\uc1\\pard\\plain\\deftab360 \\f0\\fs24 ";

    fn check(body: &str, expected: &str) {
        let rtf = format!("{HEADER}{body}}}");
        assert_eq!(to_html(rtf.as_bytes()), expected, "{body}");
    }

    #[test]
    fn tags_and_text_are_copied() {
        check("{\\*\\htmltag64 <p>}Hello{\\*\\htmltag72 </p>}", "<p>Hello</p>");
        check("{\\*\\htmltag}a{\\*\\htmltag0}b", "ab");
        check("{\\*\\htmltag84 &lt;}a\r\nb", "&lt;ab");
        check("{\\*\\htmltag64 <a{\\b  b}>}", "<a b>");
    }

    #[test]
    fn what_is_for_readers_of_rtf_is_dropped() {
        check("a\\htmlrtf \\par b\\htmlrtf0 c", "ac");
        check("a\\htmlrtf1 b\\htmlrtf0 c\\htmlrtf d", "ac");
        check("a{\\htmlrtf b{c}\\'e9\\u233 ?}d", "ad");
        check("\\htmlrtf {\\f2\\htmlrtf0 \\'cf\\htmlrtf }\\htmlrtf0 \\'cf", "\u{41F}\u{CF}");
        check("\\htmlrtf\\uc0\\htmlrtf0\\u233 e", "\u{E9}e");
    }

    #[test]
    fn other_destinations_are_dropped() {
        check("a{\\*\\mhtmltag64 <img src=\"x\">}b", "ab");
        check("a{\\*\\unknown b{c}d}e", "ae");
        check("a{\\*}{\\pntext \\'b7\\tab}{\\pict 00ff}{\\info{\\title x}}{\\object y}b", "ab");
        check("a{\\*\\generator b\\bin3 }}}c}d", "ad");
    }

    #[test]
    fn controls_become_characters() {
        check("a\\par\r\nb\\line c\\tab d", "a\r\nb\r\nc\td");
        check("{\\*\\htmltag64 <a\\par\\tab b>}", "<a\r\n\tb>");
        check("\\{\\}\\\\", "{}\\");
        check("\\lquote\\rquote\\ldblquote\\rdblquote", "&lsquo;&rsquo;&ldquo;&rdquo;");
        check("\\bullet\\endash\\emdash\\~\\_\\-", "&bull;&ndash;&mdash;&nbsp;&shy;");
        check("a\\\nb\\b c\\b0\\i d", "a\r\nbcd");
    }

    #[test]
    fn bytes_are_in_the_page_of_the_font() {
        check("\\'e9{\\f2 \\'cf}\\'e9", "\u{E9}\u{41F}\u{E9}");
        // Fonts with a default or unknown charset, and text without a font, have the code page of
        // the document.
        check("\\f5\\'80\\f6\\'80\\f99\\'80\\f3\\'b7", "\u{20AC}\u{20AC}\u{20AC}\u{B7}");
        check("\\f2{\\*\\htmltag64 \\'e9}", "\u{E9}");
        check("\\f2\\plain\\'e9", "\u{E9}");
        check("caf\u{E9}", "caf\u{C3}\u{A9}");
        assert_eq!(to_html(b"{\\rtf1\\ansi\\ansicpg65001\\fromhtml1 \\'c3\\'a9}"), "\u{E9}");
        assert_eq!(to_html(b"{\\rtf1\\mac\\fromhtml1 \\'8e}"), "\u{E9}");
        assert_eq!(to_html(b"{\\rtf1\\pca\\fromhtml1 \\'82}"), "\u{E9}");
        assert_eq!(to_html(b"{\\rtf1\\ansi\\ansicpg1200\\fromhtml1 \\'e9}"), "\u{E9}");
    }

    #[test]
    fn characters_of_two_bytes_may_be_written_in_any_way() {
        check("\\f1\\'93\\'fa\\'96\\'7b", "\u{65E5}\u{672C}");
        check("\\f1\\'93\\'fa\\'96{", "\u{65E5}\u{FFFD}");
        check("\\f1\\'96\\{x", "\u{672C}x");
        check("\\f1\\'83\\\\\\'83\\}", "\u{30BD}\u{30DE}");
        check("\\f1\\'83Ab\\'83A", "\u{30A2}b\u{30A2}");
        check("\\f1\\'93\r\n\\'fa", "\u{65E5}");
        check("\\f4\\'c4\\'e3{\\f1\\'93\\'fa}", "\u{4F60}\u{65E5}");
        check("\\f1\\'93\\f0\\'fa", "\u{FFFD}\u{FA}");
    }

    #[test]
    fn unicode_stands_before_its_fallback() {
        check("\\u233 ?a\\u233\\'e9b", "\u{E9}a\u{E9}b");
        check("\\u-3913 ?", "\u{F0B7}");
        check("\\u-10179 ?\\u-8704 ?", "\u{1F600}");
        check("\\u-10179 ?a\\u-8704 ?", "\u{FFFD}a\u{FFFD}");
        check("\\u-10179 ?\\u233 ?", "\u{FFFD}\u{E9}");
        check("\\uc2\\u26085\\'93\\'faa{\\uc0\\u233 b}\\u233 ??c", "\u{65E5}a\u{E9}b\u{E9}c");
        check("\\u233\\b a\\u233{?}b", "\u{E9}a\u{E9}?b");
        check("\\u233\\{a\\u233\\~b\\u233\\bin2 xxc", "\u{E9}a\u{E9}b\u{E9}c");
        check("\\uc99999999\\u233 abc\\par}{d", "\u{E9}d");
        check("\\uc-1\\u233 a\\u65536 b\\u0 c", "\u{E9}abc");
    }

    #[test]
    fn a_document_may_end_anyhow() {
        check("a}b{c", "abc");
        check("a}}}}}\\par}b", "a\r\nb");
        for rtf in ["", "{", "}", "\\", "{\\rtf1", "{\\*", "\\'", "{\\*\\htmltag64 <p", "\\bin9 "] {
            to_html(rtf.as_bytes());
        }
        assert_eq!(to_html(b"{\\rtf1\\fromhtml1 {\\*\\htmltag64 <p"), "<p");
        assert_eq!(to_html(b"{\\rtf1\\fromhtml1 a\0b}\0\0"), "ab");
    }

    #[test]
    fn deep_nesting_costs_nothing() {
        let depth = 200_000;
        let rtf = format!("{}a\\par {}b", "{\\f2 ".repeat(depth), "}".repeat(depth));
        check(&rtf, "a\r\nb");
        // Groups beyond the limit keep the state of the deepest saved group.
        let rtf = format!("{}\\htmlrtf a{}b", "{".repeat(depth), "}".repeat(depth));
        check(&rtf, "b");
        let rtf = "{\\*\\x ".repeat(depth);
        check(&rtf, "");
    }
}
