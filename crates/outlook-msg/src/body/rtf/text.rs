//! RTF as plain text: makes text of native RTF, and takes out encapsulated text.
//!
//! Knows no character set: the reader gives it decoded text.

use super::reader::{RtfDestination, RtfWriter, read};
use super::{MadeOfRtf, capacity};
use crate::body::link;

/// Makes readable plain text of an RTF, with LF line ends.
///
/// Encapsulated text (\[MS-OXRTFEX\] 2.2.2) comes out as the writer put it in. Native RTF loses its
/// formatting: tabs separate the cells of a table, and line ends its rows; a link shows its URL in
/// `<>` unless its text is the URL; pictures, objects, headers and hidden text are left out. The
/// text ends soon after it has `bytes_max` bytes.
pub fn to_text(rtf: &[u8], bytes_max: usize) -> MadeOfRtf {
    let text = String::with_capacity(capacity(rtf, bytes_max));
    let writer = Text { text, fields: Vec::new(), instruction_bytes: 0 };
    let (writer, is_whole) = read(rtf, writer, bytes_max);
    MadeOfRtf::new(writer.text, is_whole)
}

const NO_BREAK_SPACE: char = '\u{A0}';

struct Text {
    text: String,
    /// The fields that are open, the innermost last.
    fields: Vec<RtfField>,
    /// How many bytes their instructions have.
    instruction_bytes: usize,
}

#[derive(Default)]
struct RtfField {
    instruction: String,
    /// Where its result begins in the text.
    start: usize,
}

impl RtfWriter for Text {
    const RENDERS: bool = true;

    fn len(&self) -> usize {
        self.text.len() + self.instruction_bytes
    }

    fn destination(&self, word: &[u8]) -> Option<RtfDestination> {
        match word {
            b"field" => Some(RtfDestination::Field),
            b"fldinst" => Some(RtfDestination::FieldInstruction),
            b"fldrslt" => Some(RtfDestination::FieldResult),
            // Objects and shapes contain a result for readers that cannot show them; `\upr`
            // contains its text a second time in Unicode.
            b"object" | b"shp" | b"shpinst" | b"upr" => Some(RtfDestination::Hidden),
            b"result" | b"shptxt" | b"ud" => Some(RtfDestination::Document),
            // `\nesttableprops` contains the end of a row. `\nonesttables` is for readers that do
            // not know nested tables.
            b"nesttableprops" => Some(RtfDestination::Document),
            b"sp" | b"shprslt" | b"nonesttables" => Some(RtfDestination::Skipped),
            _ => None,
        }
    }

    fn text(&mut self, destination: RtfDestination, text: &str) {
        match destination {
            RtfDestination::FieldInstruction => {
                if let Some(field) = self.fields.last_mut() {
                    field.instruction.push_str(text);
                    self.instruction_bytes += text.len();
                }
            }
            RtfDestination::Field => {}
            _ if text.contains(NO_BREAK_SPACE) => {
                self.text.push_str(&text.replace(NO_BREAK_SPACE, " "));
            }
            _ => self.text.push_str(text),
        }
    }

    fn word(&mut self, destination: RtfDestination, word: &[u8]) {
        let text = match word {
            b"par" | b"line" | b"sect" | b"page" | b"softline" => "\n",
            b"tab" | b"cell" | b"nestcell" => "\t",
            b"row" | b"nestrow" => {
                // Each cell ends with a tab; the one after the last cell is removed.
                if self.text.ends_with('\t') {
                    self.text.pop();
                }
                "\n"
            }
            b"lquote" => "\u{2018}",
            b"rquote" => "\u{2019}",
            b"ldblquote" => "\u{201C}",
            b"rdblquote" => "\u{201D}",
            b"bullet" => "\u{2022}",
            b"endash" => "\u{2013}",
            b"emdash" => "\u{2014}",
            b"emspace" | b"enspace" | b"qmspace" => " ",
            _ => return,
        };
        self.text(destination, text);
    }

    fn symbol(&mut self, destination: RtfDestination, symbol: u8) {
        let text = match symbol {
            b'~' => " ",
            b'_' => "-",
            b'\r' | b'\n' => "\n",
            b'\t' => "\t",
            _ => return,
        };
        self.text(destination, text);
    }

    fn open(&mut self, destination: RtfDestination) {
        match destination {
            RtfDestination::Field => {
                // A field may lack a result. It then begins here, so that no earlier text becomes
                // part of its link.
                let start = self.text.len();
                self.fields.push(RtfField { start, ..RtfField::default() });
            }
            RtfDestination::FieldResult => {
                let start = self.text.len();
                if let Some(field) = self.fields.last_mut() {
                    field.start = start;
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, destination: RtfDestination) {
        if destination != RtfDestination::Field {
            return;
        }
        let Some(field) = self.fields.pop() else { return };
        self.instruction_bytes -= field.instruction.len();
        if let Some(url) = hyperlink(&field.instruction)
            && let Some(shown) = self.text.get(field.start..)
            && link::differs(shown, url)
        {
            self.text.push_str(&format!(" <{url}>"));
        }
    }
}

/// The URL of a `HYPERLINK "url" \l "anchor" \o "tip"` instruction.
fn hyperlink(instruction: &str) -> Option<&str> {
    let (name, arguments) = instruction.trim_start().split_at_checked("HYPERLINK".len())?;
    if !name.eq_ignore_ascii_case("HYPERLINK") {
        return None;
    }
    let arguments = arguments.trim_start();
    let url = match arguments.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => arguments.split_ascii_whitespace().next()?,
    };
    // A link to a place in the same document has a switch such as `\l` in place of the URL.
    (!url.is_empty() && !url.starts_with('\\')).then_some(url)
}

#[cfg(test)]
mod tests {
    fn to_text(rtf: &[u8]) -> String {
        let made = super::to_text(rtf, usize::MAX);
        assert!(made.is_whole);
        made.text
    }

    const HEADER: &str = "{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}\
        {\\f1\\fnil\\fcharset2 Symbol;}{\\f2\\fcharset2{\\*\\panose 05}Wingdings;}}\
        {\\stylesheet{\\s0 Normal;}}{\\*\\generator Riched20;}\r\n\\viewkind4\\uc1\\pard ";

    fn check(body: &str, expected: &str) {
        let rtf = format!("{HEADER}{body}}}");
        assert_eq!(to_text(rtf.as_bytes()), expected, "{body}");
    }

    #[test]
    fn paragraphs_and_signs() {
        check("a\\par b\\line c\\tab\\b d\\b0\\par}", "a\nb\nc\td\n");
        check(
            "\\lquote a\\rquote\\~\\emdash\\'a0\\_\\'e9\\-\\u8364 ?",
            "\u{2018}a\u{2019} \u{2014} -\u{E9}\u{20AC}",
        );
        check("a\\page b\\sect c", "a\nb\nc");
    }

    #[test]
    fn encapsulated_text_comes_out_as_it_was() {
        let rtf = b"{\\rtf1\\ansi\\ansicpg1251\\fromtext \\deff0{\\fonttbl{\\f0 Arial;}}\r\n\
            \\pard\\plain \\htmlrtf x\\htmlrtf0 <\\'cf> \\tab &amp;\\par\r\nb\\line\r\n}";
        assert_eq!(to_text(rtf), "<\u{41F}> \t&amp;\nb\n");
    }

    #[test]
    fn cells_are_divided_by_tabs_and_rows_by_lines() {
        check("\\trowd\\cellx1 a\\cell b\\cell\\row c\\cell\\cell\\row d", "a\tb\nc\t\nd");
        check(
            "x\\nestcell y\\nestcell{\\*\\nesttableprops\\nestrow}{\\nonesttables\\par}",
            "x\ty\n",
        );
    }

    #[test]
    fn bullets_are_kept() {
        check("{\\pntext\\f1\\'B7\\tab}{\\*\\pn\\pnlvlblt{\\pntxtb\\'B7}}One", "\u{2022}\tOne");
        check("{\\listtext\\pard\\plain 1.\\tab}One", "1.\tOne");
        check("{\\f2 J\\'fc}{\\f1 a}J", "\u{263A}\u{2713}\u{3B1}J");
        check("{\\f1\\u-3913 ?}", "\u{2022}");
    }

    #[test]
    fn links_show_where_they_lead() {
        let field = |instruction: &str, result: &str| {
            format!("{{\\field{{\\*\\fldinst {{{instruction}}}}}{{\\fldrslt {{\\ul {result}}}}}}}.")
        };
        check(&field("HYPERLINK \"http://a.org/x\"", "here"), "here <http://a.org/x>.");
        check(&field("HYPERLINK \"http://a.org/\"", "a.org"), "a.org.");
        check(&field(" hyperlink http://a.org/x \\\\o \"tip\"", "here"), "here <http://a.org/x>.");
        check(&field("HYPERLINK \\\\l \"mark\"", "below"), "below.");
        check(&field("PAGE", "7"), "7.");
        check(&field("HYPERLINK", "a"), "a.");
        let inner = field("HYPERLINK \"b.org\"", "b");
        check(&field("HYPERLINK \"a.org\"", &inner), "b <b.org>. <a.org>.");
        check("{\\field{\\fldrslt a}{\\*\\fldinst HYPERLINK \"b\"", "a <b>");
    }

    #[test]
    fn what_is_not_seen_is_left_out() {
        check("a{\\v b}\\v c\\v0 d\\v e\\plain f", "adf");
        check("a{\\header h}{\\footerr f}{\\pict\\wmetafile8 00ff}{\\info{\\author x}}b", "ab");
        check(
            "a{\\object\\objemb{\\*\\objclass X}{\\*\\objdata 01}{\\result b{\\pict 00}}}c",
            "abc",
        );
        check("a{\\shp{\\*\\shpinst{\\sp{\\sn n}{\\sv v}}{\\shptxt t}}{\\shprslt r}}b", "atb");
        check("a{\\upr{old}{\\*\\ud{\\u233 ?}}}b", "a\u{E9}b");
        check("a{\\*\\bkmkstart x}{\\xe y}b", "ab");
    }

    #[test]
    fn a_text_ends_at_its_limit() {
        let check = |rtf: &[u8], bytes_max, text: &str, is_whole| {
            let made = super::to_text(rtf, bytes_max);
            assert_eq!((made.text.as_str(), made.is_whole), (text, is_whole), "{bytes_max}");
        };
        check(b"{\\rtf1 a\\par b}", 4, "a\nb", true);
        check(b"{\\rtf1 a\\par b}", 2, "a\n", false);
        // Long texts of one token, of one run, and of one instruction end too.
        let long = [&b"{\\rtf1 "[..], &b"a".repeat(1 << 20)].concat();
        assert!(super::to_text(&long, 10).text.len() < 1 << 17);
        let long = [&b"{\\rtf1 "[..], &b"\x80".repeat(4 << 20)].concat();
        let made = super::to_text(&long, 10);
        assert!(made.text.len() < 4 << 20 && made.text.chars().all(|c| c == '\u{20AC}'));
        let long = [&b"{\\rtf1{\\field{\\*\\fldinst "[..], &b"a".repeat(1 << 20)].concat();
        assert!(!super::to_text(&[&long[..], b"}}b}"].concat(), 10).is_whole);
    }

    #[test]
    fn hostile_fields_cost_nothing() {
        let rtf = "{\\field{\\*\\fldinst HYPERLINK \"x\"}{\\fldrslt ".repeat(50_000);
        assert!(to_text(rtf.as_bytes()).len() < 2 * rtf.len());
        assert_eq!(to_text(b"{\\rtf1 {\\fldinst a}{\\fldrslt b}{\\field}}"), "b");
    }
}
