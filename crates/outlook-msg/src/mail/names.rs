//! File names out of texts that were never meant to be any.
//!
//! A name is one path component of at most 255 bytes, without `/`, NUL, control characters and
//! those that change the direction of text, not `.` or `..`, without blanks or dots at its end, and unique in its directory.

use std::collections::{HashMap, HashSet};

/// The longest file name Linux takes (`NAME_MAX`), in bytes.
const NAME_BYTES_MAX: usize = 255;

/// The names given out in one directory.
#[derive(Debug, Default)]
pub struct UniqueNames {
    taken: HashSet<String>,
    /// The number last given to a name that repeats.
    numbers: HashMap<String, u64>,
}

impl UniqueNames {
    /// Takes a name as it is; `false` if it was given out already.
    pub fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// Makes a file name of `text`, or of `fallback` if nothing of it is left, and has it end in
    /// `suffix`. A name already given gets ` (2)` before its extension.
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

/// Marks and overrides of the direction of a text, with which a program can look like a picture,
/// and the separators of lines.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

/// Splits off a short extension, with its dot.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 16 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// Joins the parts of a name, cutting the stem so that they fit.
fn fit(stem: &str, number: &str, extension: &str) -> String {
    let room = NAME_BYTES_MAX.saturating_sub(number.len() + extension.len());
    let cut = stem.floor_char_boundary(room);
    format!("{}{number}{extension}", stem.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::UniqueNames;

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
