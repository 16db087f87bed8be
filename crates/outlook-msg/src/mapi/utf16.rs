//! UTF-16LE, in which `PT_UNICODE` values and most strings of MAPI structures are stored.

use encoding_rs::{CoderResult, UTF_16LE};

/// Decodes UTF-16LE. A lone surrogate becomes U+FFFD; an odd last byte is dropped.
pub(crate) fn decode_utf16(bytes: &[u8]) -> String {
    let mut rest = bytes.get(..bytes.len() & !1).unwrap_or_default();
    // Enough for all but East Asian text, which takes three bytes a unit.
    let mut text = String::with_capacity(bytes.len());
    let mut decoder = UTF_16LE.new_decoder_without_bom_handling();
    loop {
        let (result, read, _) = decoder.decode_to_string(rest, &mut text, true);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            CoderResult::InputEmpty => return text,
            CoderResult::OutputFull => text.reserve(rest.len() / 2 * 3 + 4),
        }
    }
}

/// Drops the NULs that some programs store at the end of a string.
pub(crate) fn trim_nuls(mut text: String) -> String {
    text.truncate(text.trim_end_matches('\0').len());
    text
}

#[cfg(test)]
mod tests {
    use super::decode_utf16;

    #[test]
    fn every_text_is_decoded_as_the_standard_library_does() {
        let texts = ["", "A", "Grüße, 你好, \u{1F600}!", "\u{FEFF}with a mark", "\0\0"];
        let long = ["ascii ".repeat(1000), "文字列".repeat(1000), "\u{1F600}é".repeat(777)];
        for text in texts.into_iter().chain(long.iter().map(String::as_str)) {
            let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(decode_utf16(&bytes), text);
            bytes.push(b'x');
            assert_eq!(decode_utf16(&bytes), text, "an odd last byte");
        }
    }

    #[test]
    fn lone_surrogates_are_replaced() {
        let units = [0x61, 0xD83D, 0x62, 0xDE00, 0xD83D, 0xD83D, 0xDE00, 0xD800_u16];
        for len in 0..=units.len() {
            let units = units.get(..len).unwrap();
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            assert_eq!(decode_utf16(&bytes), String::from_utf16_lossy(units));
        }
    }
}
