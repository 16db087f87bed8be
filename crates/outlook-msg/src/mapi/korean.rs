//! The two Korean encodings that the Encoding Standard leaves out: Johab and ISO-2022-KR.
//!
//! Both are converted by way of EUC-KR, which has the characters of KS X 1001.

use std::borrow::Cow;

use encoding_rs::EUC_KR;

/// Announces ISO-2022-KR (RFC 1557): `ESC $ ) C`.
pub(super) const ISO_2022_KR_DESIGNATOR: &[u8] = b"\x1B$)C";
const SHIFT_OUT: u8 = 0x0E;
const SHIFT_IN: u8 = 0x0F;

/// Decodes ISO-2022-KR: between SO and SI, or SO and the end of the line, two 7-bit bytes make a
/// character. Also returns whether there were errors.
pub(super) fn decode_iso_2022_kr(bytes: &[u8]) -> (String, bool) {
    let mut euc = Vec::with_capacity(bytes.len());
    let mut is_shifted = false;
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(ISO_2022_KR_DESIGNATOR) {
            rest = behind;
            continue;
        }
        match *byte {
            SHIFT_OUT => is_shifted = true,
            SHIFT_IN => is_shifted = false,
            b'\r' | b'\n' => {
                is_shifted = false;
                euc.push(*byte);
            }
            byte if is_shifted && byte > b' ' => euc.push(byte | 0x80),
            byte => euc.push(byte),
        }
        rest = behind;
    }
    let (text, had_errors) = EUC_KR.decode_without_bom_handling(&euc);
    (text.into_owned(), had_errors)
}

/// Decodes Johab. Also returns whether there were errors.
pub(super) fn decode_johab(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.is_ascii()
    {
        return (Cow::Borrowed(text), false);
    }
    let mut text = String::with_capacity(bytes.len());
    let mut had_errors = false;
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if first.is_ascii() {
            text.push(char::from(*first));
            continue;
        }
        let pair = behind
            .split_first()
            .and_then(|(second, behind)| Some((johab_character(*first, *second)?, behind)));
        match pair {
            Some((character, behind)) => {
                text.push(character);
                rest = behind;
            }
            None => {
                text.push(char::REPLACEMENT_CHARACTER);
                had_errors = true;
                // An ASCII byte after a broken first byte stands for itself.
                if behind.first().is_some_and(|second| !second.is_ascii()) {
                    rest = behind.get(1..).unwrap_or_default();
                }
            }
        }
    }
    (Cow::Owned(text), had_errors)
}

/// Encodes Johab; `None` if a character has no code.
pub(super) fn encode_johab(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\0'..='\x7F' => bytes.push(u8::try_from(character).ok()?),
            '\u{AC00}'..='\u{D7A3}' => bytes.extend(johab_syllable(character)),
            '\u{3131}'..='\u{3163}' => bytes.extend(johab_letter(character)?),
            _ => bytes.extend(johab_of_ksx_1001(character)?),
        }
    }
    Some(bytes)
}

/// The code of a syllable is a set bit and three parts of 5 bits: initial, medial, final. These
/// values stand for a part that is missing.
const FILL_INITIAL: u16 = 1;
const FILL_MEDIAL: u16 = 2;
const FILL_FINAL: u16 = 1;
const SYLLABLES: u32 = 0xAC00;
const MEDIALS: u16 = 21;
const FINALS: u16 = 28;
/// For each initial and each final, in the order of their codes: the low byte of the same letter
/// standing alone (U+3131 to U+3163).
const INITIAL_LETTERS: &[u8; 19] = &[
    0x31, 0x32, 0x34, 0x37, 0x38, 0x39, 0x41, 0x42, 0x43, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B,
    0x4C, 0x4D, 0x4E,
];
const FINAL_LETTERS: &[u8; 27] = &[
    0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x40, 0x41,
    0x42, 0x44, 0x45, 0x46, 0x47, 0x48, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E,
];
/// The low byte of the first vowel standing alone.
const MEDIAL_LETTERS: u16 = 0x4F;
const LETTERS_PAGE: u16 = 0x3100;

fn johab_character(first: u8, second: u8) -> Option<char> {
    match first {
        0x84..=0xD3 => johab_hangul(u16::from_be_bytes([first, second])),
        0xD9..=0xDE | 0xE0..=0xF9 => ksx_1001_of_johab(first, second),
        _ => None,
    }
}

fn johab_hangul(code: u16) -> Option<char> {
    let (initial, medial, last) = (code >> 10 & 0x1F, code >> 5 & 0x1F, code & 0x1F);
    let initial_index = (2..=20).contains(&initial).then(|| initial - 2);
    let medial_index = medial_index(medial);
    let final_index = match last {
        2..=17 => Some(last - 2),
        19..=29 => Some(last - 3),
        _ => None,
    };
    let letter = |low: u16| char::from_u32(u32::from(LETTERS_PAGE + low));
    let of = |letters: &[u8], index: u16| {
        letters.get(usize::from(index)).and_then(|low| letter(u16::from(*low)))
    };
    match (initial_index, medial_index, final_index) {
        (Some(initial), Some(medial), _) if final_index.is_some() || last == FILL_FINAL => {
            let last = final_index.map_or(0, |last| last + 1);
            let index = (initial * MEDIALS + medial) * FINALS + last;
            char::from_u32(SYLLABLES + u32::from(index))
        }
        (Some(initial), None, None) if medial == FILL_MEDIAL && last == FILL_FINAL => {
            of(INITIAL_LETTERS, initial)
        }
        (None, Some(medial), None) if initial == FILL_INITIAL && last == FILL_FINAL => {
            letter(MEDIAL_LETTERS + medial)
        }
        (None, None, Some(last)) if initial == FILL_INITIAL && medial == FILL_MEDIAL => {
            of(FINAL_LETTERS, last)
        }
        _ => None,
    }
}

/// The index of a vowel. Johab skips some vowel codes so that no second byte is a control
/// character.
fn medial_index(medial: u16) -> Option<u16> {
    match medial {
        3..=7 => Some(medial - 3),
        10..=15 => Some(medial - 5),
        18..=23 => Some(medial - 7),
        26..=29 => Some(medial - 9),
        _ => None,
    }
}

fn medial_code(index: u16) -> u16 {
    match index {
        0..=4 => index + 3,
        5..=10 => index + 5,
        11..=16 => index + 7,
        _ => index + 9,
    }
}

fn johab_code(initial: u16, medial: u16, last: u16) -> [u8; 2] {
    (0x8000 | initial << 10 | medial << 5 | last).to_be_bytes()
}

fn johab_syllable(character: char) -> [u8; 2] {
    let index = u16::try_from(u32::from(character) - SYLLABLES).unwrap_or(0);
    let (syllable, last) = (index / FINALS, index % FINALS);
    let last = if last < 17 { last + 1 } else { last + 2 };
    johab_code(syllable / MEDIALS + 2, medial_code(syllable % MEDIALS), last)
}

fn johab_letter(character: char) -> Option<[u8; 2]> {
    let low = u16::try_from(u32::from(character)).ok()? - LETTERS_PAGE;
    let position = |letters: &[u8]| {
        let found = letters.iter().position(|letter| u16::from(*letter) == low)?;
        u16::try_from(found).ok()
    };
    if low >= MEDIAL_LETTERS {
        return Some(johab_code(FILL_INITIAL, medial_code(low - MEDIAL_LETTERS), FILL_FINAL));
    }
    if let Some(initial) = position(INITIAL_LETTERS) {
        return Some(johab_code(initial + 2, FILL_MEDIAL, FILL_FINAL));
    }
    let last = position(FINAL_LETTERS)?;
    Some(johab_code(FILL_INITIAL, FILL_MEDIAL, if last < 16 { last + 2 } else { last + 3 }))
}

/// Symbols and Chinese characters: each first byte covers two rows of KS X 1001.
fn ksx_1001_of_johab(first: u8, second: u8) -> Option<char> {
    let row =
        if first < 0xE0 { 2 * (u16::from(first) - 0xD9) } else { 2 * u16::from(first) - 0x197 };
    let cell = match second {
        0x31..=0x7E => u16::from(second) - 0x31,
        0x91..=0xFE => u16::from(second) - 0x43,
        _ => return None,
    };
    let pair = [row + cell / 94, cell % 94].map(|part| u8::try_from(part + 0xA1));
    let [Ok(row), Ok(cell)] = pair else { return None };
    let pair = [row, cell];
    let text = EUC_KR.decode_without_bom_handling_and_without_replacement(&pair)?;
    text.chars().next()
}

fn johab_of_ksx_1001(character: char) -> Option<[u8; 2]> {
    let mut buffer = [0; 4];
    let (pair, _, had_unmappable) = EUC_KR.encode(character.encode_utf8(&mut buffer));
    let [row @ 0xA1..=0xFE, cell @ 0xA1..=0xFE] = pair.as_ref() else { return None };
    let (row, cell) = (u16::from(row - 0xA1), u16::from(cell - 0xA1));
    if had_unmappable {
        return None;
    }
    let first = if row < 12 { 0xD9 + row / 2 } else { (row + 0x197) / 2 };
    let cell = if row < 12 { cell + 94 * (row % 2) } else { cell + 94 * ((row + 1) % 2) };
    let second = if cell < 0x4E { cell + 0x31 } else { cell + 0x43 };
    Some([u8::try_from(first).ok()?, u8::try_from(second).ok()?])
}

#[cfg(test)]
mod tests {
    use super::{decode_iso_2022_kr, decode_johab, encode_johab};

    fn check(bytes: &[u8], text: &str) {
        assert_eq!(decode_johab(bytes).0, text, "{bytes:X?}");
        assert_eq!(encode_johab(text).as_deref(), Some(bytes), "{text}");
    }

    #[test]
    fn johab_has_syllables_letters_symbols_and_chinese_characters() {
        check(b"\xd0\x65\x8a\x82 abc", "한국 abc");
        check(b"\x88\x61\xd3\xbd", "가힣");
        check(b"\x88\x41\x84\x61\x84\x44", "ㄱㅏㄳ");
        check(b"\xd9\x31\xd9\x68", "\u{3000}※");
        check(b"\xf9\xfe\xe0\x31", "詰伽");
    }

    #[test]
    fn every_johab_pair_comes_back() {
        let mut count = 0;
        for first in 0x84..=0xF9_u8 {
            for second in 0x31..=0xFE_u8 {
                let pair = [first, second];
                let (text, had_errors) = decode_johab(&pair);
                let text = text.into_owned();
                if had_errors || text.chars().count() != 1 {
                    continue;
                }
                count += 1;
                let encoded = encode_johab(&text).unwrap();
                // KS X 1001 has a few of the letters among its symbols too.
                assert_eq!(decode_johab(&encoded).0, text, "{first:X} {second:X}");
            }
        }
        assert!(count > 17_000, "{count}");
    }

    #[test]
    fn damaged_johab_is_replaced() {
        assert_eq!(decode_johab(b"\x84"), ("\u{FFFD}".into(), true));
        assert_eq!(decode_johab(b"\x84 \xFF\xFFb"), ("\u{FFFD} \u{FFFD}b".into(), true));
    }

    #[test]
    fn iso_2022_kr_is_shifted() {
        let text = b"\x1B$)C\x0EGQ19\x0F abc \x0EGQ19\nabc";
        assert_eq!(decode_iso_2022_kr(text), ("한국 abc 한국\nabc".to_owned(), false));
        assert!(decode_iso_2022_kr(b"\x0E\x30").1);
    }
}
