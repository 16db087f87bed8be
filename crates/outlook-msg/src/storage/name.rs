//! The order of names in a storage (\[MS-CFB\] 2.6.4): shorter names first, then by their upper
//! case.

use std::cmp::Ordering;

/// A name and its length in UTF-16 units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) units: usize,
}

impl<'a> Name<'a> {
    /// Counts the units of a name.
    pub(super) fn new(text: &'a str) -> Self {
        // Almost all names are ASCII, with as many units as bytes.
        let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
        Self { text, units }
    }

    /// Compares two names in the order of the directory.
    pub(super) fn compare(self, other: Self) -> Ordering {
        self.units.cmp(&other.units).then_with(|| {
            if self.is_ascii() && other.is_ascii() {
                let mut pairs = self.text.bytes().zip(other.text.bytes());
                // Names in a storage have a common prefix, so most bytes are equal, and comparing
                // them first is fast.
                pairs
                    .find(|(a, b)| a != b && !a.eq_ignore_ascii_case(b))
                    .map_or(Ordering::Equal, |(a, b)| {
                        a.to_ascii_uppercase().cmp(&b.to_ascii_uppercase())
                    })
            } else {
                let units = |name: Self| name.text.encode_utf16().map(uppercase);
                units(self).cmp(units(other))
            }
        })
    }

    /// A character that is not ASCII has more bytes in UTF-8 than units in UTF-16.
    fn is_ascii(self) -> bool {
        self.text.len() == self.units
    }
}

/// The upper case of one UTF-16 unit. A surrogate stays as it is, and so does a letter whose upper
/// case has several characters.
fn uppercase(unit: u16) -> u16 {
    let Some(letter) = char::from_u32(u32::from(unit)) else { return unit };
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => u16::try_from(u32::from(upper)).unwrap_or(unit),
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(smaller: &str, larger: &str, expected: Ordering) {
        let (a, b) = (Name::new(smaller), Name::new(larger));
        assert_eq!(a.compare(b), expected, "{smaller:?} {larger:?}");
        assert_eq!(b.compare(a), expected.reverse(), "{larger:?} {smaller:?}");
    }

    #[test]
    fn orders_names() {
        check("abc", "ABC", Ordering::Equal);
        check("", "a", Ordering::Less);
        check("z", "aa", Ordering::Less);
        check("A_", "aa", Ordering::Greater); // '_' is after 'A', and before 'a'.
        check("é", "É", Ordering::Equal);
        check("e", "É", Ordering::Less);
        check("ß", "ẞ", Ordering::Less);
        check("straße", "STRASSE", Ordering::Less);
        // U+FF5E is greater than the two surrogates by value, but it is one unit, and shorter names
        // come first.
        check("\u{FF5E}", "\u{1F600}", Ordering::Less);
        check("\u{1F600}x", "\u{FF5E}xx", Ordering::Less); // D83D is before FF5E.
        check("\u{1F600}", "\u{1F600}", Ordering::Equal);
    }
}
