//! Makes file names from arbitrary texts.
//!
//! A name is one path component of at most 255 bytes. It contains no `/`, NUL, other control
//! characters or characters that change the direction of text, and has no blank or dot at its end.
//! It is not `.` or `..`, and is unique in its directory.

use std::collections::{HashMap, HashSet};

use crate::imsg::PARTIAL;

/// The name of the folder of the attachments: in a mounted message, in the paths of an HTML body,
/// and in the places of defects.
pub const ATTACHMENTS: &str = "attachments";

/// The path of an attachment by its name.
pub fn attachment_path(name: &str) -> String {
    format!("{ATTACHMENTS}/{name}")
}

/// The end of the name of a link.
pub(in crate::mail) const REFERENCE: &str = ".ref";
/// The end of the name of an OLE object.
pub(in crate::mail) const OLE: &str = ".ole";

/// The name of what is attached: without `.partial`, which a damaged attachment has at its end, and
/// without `.ref` of a link and `.ole` of an OLE object.
///
/// ```
/// assert_eq!(outlook_msg::mail::whole_name("offer.pdf.partial"), "offer.pdf");
/// assert_eq!(outlook_msg::mail::whole_name("offer.pdf.ref"), "offer.pdf");
/// assert_eq!(outlook_msg::mail::whole_name("offer.pdf"), "offer.pdf");
/// ```
#[must_use]
pub fn whole_name(name: &str) -> &str {
    [PARTIAL, REFERENCE, OLE].into_iter().fold(name, |name, end| {
        name.strip_suffix(end).filter(|name| !name.is_empty()).unwrap_or(name)
    })
}

/// The longest file name that Linux takes (`NAME_MAX`), in bytes.
const NAME_BYTES_MAX: usize = 255;

/// Gives out unique names in one directory.
#[derive(Debug, Default)]
pub struct UniqueNames {
    taken: HashSet<String>,
    /// For each repeated name, the last number that was given out.
    numbers: HashMap<String, u64>,
}

impl UniqueNames {
    /// Gives out a name as it is; `false` if it was given out already.
    pub fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// Makes a file name from `text`, or from `fallback` if nothing is left of it, with `suffix` at
    /// its end. If the name was given out already, it gets ` (2)` before its extension.
    pub fn make(&mut self, text: &str, fallback: &str, suffix: &str) -> String {
        let cleaned = clean(text);
        let cleaned = if cleaned.is_empty() { fallback } else { &cleaned };
        let (stem, extension) = match suffix {
            "" => split_extension(cleaned),
            suffix => (cleaned, suffix),
        };
        let plain = fit(stem, "", extension);
        if self.taken.insert(plain.clone()) {
            return plain;
        }
        let number = self.numbers.entry(plain).or_insert(1);
        loop {
            *number += 1;
            let name = fit(stem, &format!(" ({number})"), extension);
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Makes a name that a file can have on every system. If `number` is above 1, it stands before the
/// extension, as in `a (2).txt`. Windows forbids more characters than Linux, blanks and dots at the
/// end, and the names of its devices.
pub(in crate::mail) fn portable(name: &str, number: u32) -> String {
    let replaced = |c: char| match c {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\\' => '_',
        c => c,
    };
    let cleaned = clean(&name.chars().map(replaced).collect::<String>());
    let (stem, extension) = split_extension(&cleaned);
    let before_dot = cleaned.split('.').next().unwrap_or_default().trim_end();
    let is_device = DEVICES.into_iter().any(|device| match device.strip_suffix('#') {
        None => before_dot.eq_ignore_ascii_case(device),
        Some(port) => before_dot.split_at_checked(port.len()).is_some_and(|(head, digit)| {
            head.eq_ignore_ascii_case(port) && DEVICE_DIGITS.contains(&digit)
        }),
    });
    let stem = match (cleaned.as_str(), is_device) {
        ("", _) => "unnamed",
        (_, true) => &format!("_{stem}"),
        _ => stem,
    };
    fit(stem, &if number > 1 { format!(" ({number})") } else { String::new() }, extension)
}

/// The names of devices on Windows; `#` stands for a digit.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "COM#", "LPT#"];
/// Windows takes some superscripts for digits here.
const DEVICE_DIGITS: [&str; 13] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "\u{b9}", "\u{b2}", "\u{b3}"];

/// Replaces what cannot stand in a name by `_` and cuts off trailing blanks and dots.
fn clean(text: &str) -> String {
    let replaced = |c: char| match c {
        '/' => '_',
        c if c.is_control() || is_bidi_control(c) => '_',
        c => c,
    };
    let name: String = text.chars().map(replaced).collect();
    name.trim_end_matches(|c: char| c == '.' || c.is_whitespace()).trim_start().to_owned()
}

/// Whether a character changes the direction of text, or separates lines. With the former, the name
/// of a program can look like that of a picture.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

/// Splits off the extension, with its dot, if it is short.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 16 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// Joins the parts of a name, and cuts the stem so that the name is not too long.
fn fit(stem: &str, number: &str, extension: &str) -> String {
    let room = NAME_BYTES_MAX.saturating_sub(number.len() + extension.len());
    let cut = stem.floor_char_boundary(room);
    format!("{}{number}{extension}", stem.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{UniqueNames, portable};

    fn check(text: &str, expected: &str) {
        assert_eq!(UniqueNames::default().make(text, "unnamed", ""), expected, "{text:?}");
    }

    #[test]
    fn names_are_one_safe_component() {
        check("Offer.pdf", "Offer.pdf");
        check("a/b\\c\0d\ne", "a_b\\c_d_e");
        check("../../etc/passwd", ".._.._etc_passwd");
        check(".", "unnamed");
        check("..", "unnamed");
        check("", "unnamed");
        check(" \t ", "_");
        check("trailing. . ", "trailing");
        check("レポート.xlsx", "レポート.xlsx");
        check(".bashrc", ".bashrc");
        check("invoice\u{202E}fdp.exe", "invoice_fdp.exe");
        check("\u{2067}a\u{2069}\u{200F}", "_a__");
    }

    #[test]
    fn long_names_are_cut_at_a_character_and_keep_their_extension() {
        let name = UniqueNames::default().make(&format!("{}.pdf", "ü".repeat(200)), "", "");
        assert!(name.len() <= 255 && name.ends_with("ü.pdf"), "{name}");
        let name = UniqueNames::default().make(&"x".repeat(300), "", ".msg");
        assert_eq!((name.len(), name.ends_with("x.msg")), (255, true));
    }

    #[test]
    fn names_that_every_system_takes() {
        assert_eq!(portable("a:b<c>.txt", 1), "a_b_c_.txt");
        assert_eq!(portable("..\\..\\x.exe", 2), ".._.._x (2).exe");
        assert_eq!(portable("nul.txt", 1), "_nul.txt");
        assert_eq!(portable("Com1", 1), "_Com1");
        assert_eq!(portable("Community", 3), "Community (3)");
        assert_eq!(portable("comp.txt", 1), "comp.txt");
        assert_eq!(portable("com\u{b9}.txt", 1), "_com\u{b9}.txt");
        assert_eq!(portable("..", 1), "unnamed");
        assert_eq!(portable("../../etc/passwd", 1), ".._.._etc_passwd");
    }

    #[test]
    fn repeated_names_are_numbered() {
        let mut names = UniqueNames::default();
        let mut make = |text, suffix| names.make(text, "unnamed", suffix);
        assert_eq!(make("a.txt", ""), "a.txt");
        assert_eq!(make("a.txt", ""), "a (2).txt");
        assert_eq!(make("a.txt", ""), "a (3).txt");
        assert_eq!(make("a", ".txt"), "a (4).txt");
        assert_eq!(make("b v1.5", ".msg"), "b v1.5.msg");
        assert_eq!(make("b v1.5", ".msg"), "b v1.5 (2).msg");
    }
}
