//! The characters of the two symbol fonts that occur in mail.
//!
//! A byte in such a font stands for a sign, not for a letter: Outlook writes a bullet as the byte
//! B7 in Symbol, and a smiling face as `J` in Wingdings.

/// A font whose characters are signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SymbolFont {
    /// Adobe's Symbol: Greek and mathematics.
    Symbol,
    /// Microsoft's Wingdings: bullets, ticks, arrows.
    Wingdings,
}

impl SymbolFont {
    /// The symbol font of this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"Symbol") {
            Some(Self::Symbol)
        } else if name.eq_ignore_ascii_case(b"Wingdings") {
            Some(Self::Wingdings)
        } else {
            None
        }
    }

    /// The sign that a byte stands for, if Unicode has it.
    pub(super) fn sign(self, byte: u8) -> Option<char> {
        match self {
            Self::Symbol => {
                let row = SYMBOL.iter().find(|(first, _)| *first == byte & 0xE0)?.1;
                row.chars().nth(usize::from(byte & 0x1F)).filter(|sign| *sign != '\0')
            }
            Self::Wingdings => {
                WINGDINGS.iter().find(|(code, _)| *code == byte).map(|(_, sign)| *sign)
            }
        }
    }
}

/// The signs of Symbol in rows of 32, by the first byte of the row (Unicode's mapping table of
/// Adobe's Symbol encoding). NUL stands for no sign.
const SYMBOL: [(u8, &str); 6] = [
    (0x20, " !∀#∃%&∍()∗+,−./0123456789:;<=>?"),
    (0x40, "≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"),
    (0x60, "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼\0"),
    (0xA0, "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵"),
    (0xC0, "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓"),
    (0xE0, "⋄⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\0⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭\0"),
];

/// The signs of Wingdings that occur in mail.
const WINGDINGS: [(u8, char); 37] = [
    (0x20, ' '),
    (0x28, '☎'),
    (0x2A, '✉'),
    (0x46, '☞'),
    (0x4A, '☺'),
    (0x4B, '😐'),
    (0x4C, '☹'),
    (0x6C, '●'),
    (0x6E, '■'),
    (0x6F, '□'),
    (0x71, '❑'),
    (0x72, '❒'),
    (0x73, '⬧'),
    (0x74, '⧫'),
    (0x75, '◆'),
    (0x76, '❖'),
    (0x77, '⬥'),
    (0x9E, '·'),
    (0x9F, '•'),
    (0xA1, '○'),
    (0xA7, '▪'),
    (0xA8, '◻'),
    (0xAB, '★'),
    (0xD8, '➢'),
    (0xDC, '➲'),
    (0xDF, '←'),
    (0xE0, '→'),
    (0xE1, '↑'),
    (0xE2, '↓'),
    (0xE8, '➔'),
    (0xEF, '⇦'),
    (0xF0, '⇨'),
    (0xFB, '✗'),
    (0xFC, '✓'),
    (0xFD, '☒'),
    (0xFE, '☑'),
    (0xA0, ' '),
];

#[cfg(test)]
mod tests {
    use super::SymbolFont;

    fn check(font: &str, byte: u8, expected: Option<char>) {
        let sign = SymbolFont::named(font.as_bytes()).and_then(|font| font.sign(byte));
        assert_eq!(sign, expected, "{font} {byte:02X}");
    }

    #[test]
    fn bytes_become_signs() {
        check("Symbol", 0xB7, Some('•'));
        check("symbol", b'a', Some('α'));
        check("Symbol", 0x20, Some(' '));
        check("Symbol", 0xFE, Some('⎭'));
        check("Symbol", 0xFF, None);
        check("Symbol", 0x85, None);
        check("Symbol", 0x1F, None);
        check("Wingdings", b'J', Some('☺'));
        check("Wingdings", 0x01, None);
        check("Arial", b'J', None);
    }
}
