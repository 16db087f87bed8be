//! The voting options of a message: `PidLidVerbStream` (\[MS-OXOMSG\] 2.2.1.74).

use crate::mapi::CodePage;
use crate::mapi::utf16::decode_utf16;

use super::fields::FieldReader;

/// The `VerbType` of a voting option. Other verbs are reply, forward and the like.
const VOTING: u32 = 4;
/// How many bytes of a verb follow its names.
const OPTION_END: usize = 25;

/// The names of the voting options, in order; `None` if the stream is damaged.
pub fn voting_options(bytes: &[u8], code_page: CodePage) -> Option<Vec<String>> {
    let mut fields = FieldReader::new(bytes);
    let _version = fields.u16()?;
    let count = fields.u32()?;
    let mut options = Vec::new();
    // Each verb takes bytes of the stream, so a false count does no harm.
    for _ in 0..count {
        let verb = fields.u32()?;
        let name = code_page.decode(short_text(&mut fields)?).into_owned();
        let (_class, _internal) = (short_text(&mut fields)?, short_text(&mut fields)?);
        let _repeated_name = short_text(&mut fields)?;
        fields.bytes(OPTION_END)?;
        options.push((verb == VOTING, name));
    }
    // The same names follow in Unicode, but old programs leave them out.
    if fields.u16().is_some() {
        for (_, name) in &mut options {
            let (Some(wide), Some(_repeated)) = (wide_text(&mut fields), wide_text(&mut fields))
            else {
                break;
            };
            *name = wide;
        }
    }
    let voting = options.into_iter().filter(|(is_voting, _)| *is_voting);
    Some(voting.map(|(_, name)| name).collect())
}

/// Reads a byte, and as many bytes as it states.
fn short_text<'a>(fields: &mut FieldReader<'a>) -> Option<&'a [u8]> {
    let len = fields.u8()?;
    fields.bytes(usize::from(len))
}

/// Reads a byte, and as many UTF-16 units as it states.
fn wide_text(fields: &mut FieldReader<'_>) -> Option<String> {
    let len = fields.u8()?;
    Some(decode_utf16(fields.bytes(usize::from(len) * 2)?))
}

#[cfg(test)]
mod tests {
    use super::voting_options;
    use crate::mapi::CodePage;

    fn option(verb: u32, name: &[u8]) -> Vec<u8> {
        let len = [u8::try_from(name.len()).unwrap()];
        let parts: [&[u8]; 8] =
            [&verb.to_le_bytes(), &len, name, b"\x08IPM.Note", b"\0", &len, name, &[0; 25]];
        parts.concat()
    }

    fn wide(name: &str) -> Vec<u8> {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [&[u8::try_from(units.len() / 2).unwrap()], units.as_slice()].concat().repeat(2)
    }

    #[test]
    fn only_the_answers_are_told() {
        let mut bytes = vec![2, 1, 3, 0, 0, 0];
        bytes.extend(option(0, b"Reply"));
        bytes.extend(option(4, b"Yes"));
        bytes.extend(option(4, b"Zo\xEB"));
        let told = |bytes: &[u8]| voting_options(bytes, CodePage::WINDOWS_1252);
        assert_eq!(told(&bytes), Some(vec!["Yes".to_owned(), "Zoë".to_owned()]));
        bytes.extend([4, 1]);
        for name in ["Reply", "Yes", "Ζωή"] {
            bytes.extend(wide(name));
        }
        assert_eq!(told(&bytes), Some(vec!["Yes".to_owned(), "Ζωή".to_owned()]));
        assert_eq!(told(&bytes[..40]), None);
        assert_eq!(told(&[2, 1, 0xFF, 0xFF, 0xFF, 0xFF]), None);
    }
}
