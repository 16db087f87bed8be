//! UTF-16LE, in which `PT_UNICODE` values and most strings of MAPI structures are stored.

/// Decodes UTF-16LE. A lone surrogate becomes U+FFFD; an odd last byte is dropped.
pub(crate) fn decode_utf16(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0;
    // Most text is ASCII, where the low byte of each unit is the character.
    if units.iter().all(|[low, high]| *high == 0 && low.is_ascii()) {
        let ascii = units.iter().map(|[low, _]| *low).collect();
        return String::from_utf8(ascii).expect("ASCII is UTF-8");
    }
    let mut text = String::with_capacity(bytes.len());
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    let characters = char::decode_utf16(units);
    text.extend(characters.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    text
}

/// Drops the NULs that some programs store at the end of a string.
pub(crate) fn trim_nuls(mut text: String) -> String {
    text.truncate(text.trim_end_matches('\0').len());
    text
}
