//! RTF as plain text: that of native RTF, and the text that is encapsulated in RTF.
//!
//! Knows no character set: text comes decoded.

use super::reader::{Destination, Writer, read};

/// Makes readable plain text of an RTF, lines ending with LF.
///
/// Text encapsulated in RTF (\[MS-OXRTFEX\] 2.2.2) comes out as it was put in. Native RTF loses
/// its looks: cells of a table are divided by a tab, its rows by a line; a link shows its URL in `<>`
/// unless its text is the URL; pictures, objects, headers and hidden text are left out.
pub fn to_text(rtf: &[u8]) -> String {
    let mut text = read(rtf, Text::default()).text;
    if text.contains('\0') {
        text.retain(|character| character != '\0');
    }
    text
}

#[derive(Default)]
struct Text {
    text: String,
    /// The fields around this place, the innermost last.
    fields: Vec<Field>,
}

#[derive(Default)]
struct Field {
    instruction: String,
    /// Where its result begins in the text.
    start: usize,
}

impl Writer for Text {
    const SHOWS_SIGNS: bool = true;

    fn destination(&self, word: &[u8]) -> Option<Destination> {
        match word {
            b"field" => Some(Destination::Field),
            b"fldinst" => Some(Destination::FieldInstruction),
            b"fldrslt" => Some(Destination::FieldResult),
            // Objects and shapes carry a result for those who can't show them; `\upr` carries its
            // text again in Unicode.
            b"object" | b"shp" | b"shpinst" | b"upr" => Some(Destination::Hidden),
            b"result" | b"shptxt" | b"ud" => Some(Destination::Document),
            b"sp" | b"shprslt" => Some(Destination::Skipped),
            _ => None,
        }
    }

    fn text(&mut self, destination: Destination, text: &str) {
        match destination {
            Destination::FieldInstruction => {
                if let Some(field) = self.fields.last_mut() {
                    field.instruction.push_str(text);
                }
            }
            Destination::Field => {}
            _ => self.text.push_str(&text.replace('\u{A0}', " ")),
        }
    }

    fn word(&mut self, destination: Destination, word: &[u8]) {
        let text = match word {
            b"par" | b"line" | b"sect" | b"page" | b"softline" => "\n",
            b"tab" | b"cell" | b"nestcell" => "\t",
            b"row" | b"nestrow" => {
                // Each cell ends with a tab, the last one too.
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

    fn symbol(&mut self, destination: Destination, symbol: u8) {
        let text = match symbol {
            b'~' => " ",
            b'_' => "-",
            b'\r' | b'\n' => "\n",
            b'\t' => "\t",
            _ => return,
        };
        self.text(destination, text);
    }

    fn open(&mut self, destination: Destination) {
        match destination {
            Destination::Field => self.fields.push(Field::default()),
            Destination::FieldResult => {
                let start = self.text.len();
                if let Some(field) = self.fields.last_mut() {
                    field.start = start;
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, destination: Destination) {
        if destination != Destination::Field {
            return;
        }
        if let Some(field) = self.fields.pop()
            && let Some(url) = hyperlink(&field.instruction)
            && let Some(shown) = self.text.get(field.start..)
            && shown.trim() != url
            && shown.trim() != url.trim_start_matches("mailto:")
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
    // A switch comes first where the link is to a place in the same document.
    (!url.is_empty() && !url.starts_with('\\')).then_some(url)
}
